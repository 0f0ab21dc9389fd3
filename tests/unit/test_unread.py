"""Pages of a file that no linker reads are left unchecked until they are used: nothing that one reads may lie there."""

import tracemalloc

import pytest
from elftools.elf.elffile import ELFFile

from ambilink.bootimage import container
from ambilink.bootimage.unread import NONE_UNREAD, unread_runs
from tests.elf.mutate import Recipe

PAGE = 4096
READ = (".dynsym", ".dynstr", ".gnu.hash", ".hash", ".rela.", ".relr.", ".gnu.version", ".dynamic", ".interp", ".note")
FILES = ["lib/libc.so", "lib/libposix.so", "lib/libcxx_throw.so", "lib/ld.so", "services/loader", "services/audit"]


def offsets_read(elf: ELFFile) -> list[tuple[str, int, int]]:
    """By sections, which the code under test does not look at: name, start and end in the file."""
    found = [("header", 0, 64)]
    for section in elf.iter_sections():
        start, size = section["sh_offset"], section["sh_size"]
        written = section["sh_flags"] & 1 and section["sh_type"] != "SHT_NOBITS"
        if size and section["sh_flags"] & 2 and (written or section.name.startswith(READ)):
            found.append((section.name, start, start + size))
    symbols = elf.get_section_by_name(".dynsym")
    for symbol in symbols.iter_symbols() if symbols else ():
        if symbol["st_info"]["type"] == "STT_OBJECT" and isinstance(symbol["st_shndx"], int) and symbol["st_size"]:
            home = elf.get_section(symbol["st_shndx"])
            if home["sh_type"] != "SHT_NOBITS":
                at = symbol["st_value"] - home["sh_addr"] + home["sh_offset"]
                found.append((symbol.name, at, at + symbol["st_size"]))
    return found


@pytest.mark.parametrize("name", FILES)
def test_nothing_that_is_read_lies_there(build, name):
    path = build / name
    if not path.is_file():
        pytest.skip(f"{name} is not built with this compiler")
    with path.open("rb") as stream:
        runs = [range(first * PAGE, (first + count) * PAGE) for first, count in unread_runs(path.read_bytes())]
        for what, start, end in offsets_read(ELFFile(stream)):
            for run in runs:
                assert end <= run.start or start >= run.stop, f"{what} at {start:#x}"


def test_code_and_constants_lie_there(build):
    path = build / "lib/libc.so"
    unread = {page for first, count in unread_runs(path.read_bytes()) for page in range(first, first + count)}
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        for name in (".text", ".rodata"):
            section = elf.get_section_by_name(name)
            first = -(-section["sh_offset"] // PAGE)
            pages = set(range(first, (section["sh_offset"] + section["sh_size"]) // PAGE))
            assert len(pages & unread) > 0.9 * len(pages), name


def test_sizes_that_a_file_claims_take_no_memory(build):
    """Of segments, tables and symbols, each of 64 GiB."""
    data = (build / "lib/libc.so").read_bytes()
    path = build / "lib/libc.so"
    for name in ("segment4.p_filesz", "DT_STRSZ", "DT_RELASZ", "DT_RELRSZ", "symbol[1].st_size"):
        damaged = Recipe(((name, hex(1 << 36)),)).apply(path)
        assert damaged is not None and damaged != data, name
        tracemalloc.start()
        unread_runs(damaged)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20, name
        tracemalloc.stop()


def test_what_is_no_elf_file_has_none(build):
    data = (build / "lib/libc.so").read_bytes()
    assert unread_runs(b"") == unread_runs(bytes(5000)) == unread_runs(data[:100]) == NONE_UNREAD


def test_an_image_lists_them(build):
    archive = container.read(build / "boot.img").archive
    assert any(count for file in archive.files for _, count in file.unread)
    for file in archive.files:
        end = 0
        for first, count in file.unread:
            assert first >= end
            end = first + count
        assert end * PAGE <= file.size

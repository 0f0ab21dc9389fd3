"""The reader of ELF files, on files of this computer and of the build, held against readelf, pyelftools and LIEF."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import lief
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.file import ElfError, ElfFile
from ambilink.elf.layout import DT_JMPREL, EHDR, PT_DYNAMIC, PT_LOAD, SHDR, SHT_DYNSYM, SHT_NOBITS, VERSYM_HIDDEN
from ambilink.errors import AmbilinkError

HOST = [Path("/lib/x86_64-linux-gnu", name) for name in ("libc.so.6", "libm.so.6", "libstdc++.so.6", "libz.so.1")]
HOST += [Path("/usr/bin/env"), Path("/lib64/ld-linux-x86-64.so.2")]
BUILT = ["lib/libc.so", "lib/libposix.so", "services/greet", "services/loader", "modules/serial.so", "stub/libc.so"]
readelf = pytest.mark.skipif(not shutil.which("readelf"), reason="no readelf here")


@pytest.fixture(params=[*map(str, HOST), *BUILT])
def path(request, build) -> Path:
    found = build / request.param
    if not found.exists():
        pytest.skip(f"no {found} here")
    return found


def without_sections(path: Path) -> bytes:
    """As a file is in a boot image."""
    file = ElfFile.open(path)
    end = max(each.offset + each.file_size for each in file.loads)
    header = replace(file.header, shoff=0, shnum=0, shentsize=0, shstrndx=0)
    return header.pack() + file.data[EHDR.size : end]


def words(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    return done.stdout


def test_headers_are_what_pyelftools_reads(path):
    file = ElfFile.open(path)
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        assert (file.header.entry, file.header.phnum, file.header.shnum) == (
            elf["e_entry"],
            elf.num_segments(),
            elf.num_sections(),
        )
        loads = [each.header for each in elf.iter_segments("PT_LOAD")]
        assert [
            (each.offset, each.address, each.physical, each.file_size, each.memory_size) for each in file.loads
        ] == [(each.p_offset, each.p_vaddr, each.p_paddr, each.p_filesz, each.p_memsz) for each in loads]
        assert file.section_names == [section.name for section in elf.iter_sections()]
        for ours, theirs in zip(file.sections, elf.iter_sections(), strict=True):
            assert file.section_contents(ours) == (theirs.data() if ours.end > ours.offset else b"")


@readelf
def test_symbols_and_versions_are_what_readelf_prints(path):
    """With section headers, and without."""
    line = re.compile(r" *(\d+): ([0-9a-f]{16}) +(\S+) (\S+) +(\S+) +(\S+) +(\S+)(?: (\S+))?(?: \((\d+)\))?$")
    printed = {}
    for text in words("readelf", "-W", "--dyn-syms", path).splitlines():
        if match := line.match(text):
            printed[int(match[1])] = match
    for data in (path.read_bytes(), without_sections(path)):
        file = DynamicFile(path, data)
        for index in file.hashed if printed else ():
            match, symbol, version = printed[index], file.symbol(index), file.version_of(index)
            name = symbol.name.decode()
            if version:
                hidden = (file.versym(index) or 0) & VERSYM_HIDDEN or version.file
                name += f"{'@' if hidden else '@@'}{version.name}"
            section = {"UND": 0, "ABS": 0xFFF1}.get(match[7])
            assert symbol.value == int(match[2], 16) and symbol.size == int(match[3], 0)
            assert symbol.section == (int(match[7]) if section is None else section)
            # readelf leaves the version of an absolute symbol of the same name out.
            assert name == match[8] or name.split("@")[0] == match[8], (name, match[8])
        names = {name: [file.symbol(index) for index in indices] for name, indices in file.exports.items()}
        assert sum(map(len, names.values())) == len(file.hashed)


def test_relocations_are_what_pyelftools_reads(path):
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        tables = {
            each.name: [
                (r["r_offset"], r["r_info_type"], r["r_info_sym"], r["r_addend"]) for r in each.iter_relocations()
            ]
            for each in elf.iter_sections()
            if isinstance(each, RelocationSection) and each["sh_type"] == "SHT_RELA"
        }
        relr = elf.get_section_by_name(".relr.dyn")
        packed = [each["r_offset"] for each in relr.iter_relocations()] if relr else []
    wanted = [entry for name in (".rela.dyn", ".rela.plt") for entry in tables.get(name, [])]
    for data in (path.read_bytes(), without_sections(path)):
        file = DynamicFile(path, data)
        if DT_JMPREL in file.dynamic or ".rela.plt" not in tables:
            assert list(file.relocations()) == wanted
        assert list(file.packed_relative()) == packed


def test_the_dynamic_section_is_what_lief_reads(path):
    binary = lief.ELF.parse(str(path))
    for data in (path.read_bytes(), without_sections(path)):
        file = DynamicFile(path, data)
        assert file.needed_names == list(binary.libraries)
        assert (file.interpreter or "") == (binary.interpreter if binary.has_interpreter else "")
        soname = binary.get(lief.ELF.DynamicEntry.TAG.SONAME)
        assert (file.soname or "") == (soname.name if soname else "")
        needed = {
            (requirement.name, auxiliary.name)
            for requirement in binary.symbols_version_requirement
            for auxiliary in requirement.get_auxiliary_symbols()
        }
        assert {(each.file, each.name) for each in file.versions.values() if each.file} == needed


def test_symbol_tables_notes_and_build_ids(build):
    for name in ("kernel", "kernel.debug", "lib/libc.so.debug"):
        file = ElfFile.open(build / name)
        with (build / name).open("rb") as stream:
            elf = ELFFile(stream)
            table = elf.get_section_by_name(".symtab")
            assert isinstance(table, SymbolTableSection)
            wanted = [(each.name, each["st_value"], each["st_size"]) for each in table.iter_symbols()][1:]
            (section,) = file.symbol_tables()
            assert [(each.name.decode(), each.value, each.size) for each in file.symbols_of(section)] == wanted
            note = elf.get_section_by_name(".note.gnu.build-id")
            if note:
                assert file.build_id is not None and file.build_id.hex() == next(note.iter_notes())["n_desc"]
    owners = [(owner, kind) for owner, kind, _ in ElfFile.open(build / "kernel").notes()]
    assert (b"Xen", 18) in owners and (b"Ambilink", 1) in owners


def test_objects_of_a_compiler(build):
    """ET_REL: sections and symbols without segments."""
    path = min((build / "obj/greet").rglob("*.o"))
    file = ElfFile.open(path)
    assert not file.segments and not file.symbol_tables(SHT_DYNSYM)
    with pytest.raises(ElfError, match="has e_type 1; give a program or a shared object"):
        DynamicFile.open(path)
    with path.open("rb") as stream:
        theirs = {each.name for each in ELFFile(stream).get_section_by_name(".symtab").iter_symbols() if each.name}
    assert {each.name.decode() for each in file.symbols_of(file.symbol_tables()[0])} - {""} <= theirs | {
        name for name in file.section_names
    }


@pytest.mark.parametrize(
    "change, message",
    [
        ({"phentsize": 55}, "has e_phentsize 55, not 56"),
        ({"phnum": 0xFFFF}, "has 65,535 or more program headers"),
        ({"phoff": 1 << 60}, "is truncated: the table of program headers ends behind the end of the file"),
        ({"ident": b"\x7fELF\x01\x01\x01" + bytes(9)}, "is not a 64-bit little-endian ELF file"),
        ({"type": 4}, "has e_type 4; give a program or a shared object"),
    ],
)
def test_headers_that_are_wrong(change, message, build):
    path = build / "lib/libposix.so"
    data = path.read_bytes()
    header = replace(ElfFile(path, data).header, **change)
    with pytest.raises(AmbilinkError) as raised:
        DynamicFile(path, header.pack() + data[EHDR.size :])
    assert str(raised.value).startswith(f"{path}: {message}") and raised.value.remedy


def test_sections_without_contents_may_lie_anywhere(build):
    """GNU ld gives .bss an offset behind the end of the file, where nothing follows it."""
    file = ElfFile.open(build / "lib/libc.so")
    data = bytearray(file.data)
    (number,) = [number for number, each in enumerate(file.sections) if each.type == SHT_NOBITS and each.size][:1]
    at = file.header.shoff + number * SHDR.size
    data[at : at + SHDR.size] = replace(file.sections[number], offset=len(data) + 4096).pack()
    assert ElfFile(Path("x"), bytes(data)).sections[number].offset == len(data) + 4096


def test_a_wrong_section_header_harms_no_dynamic_linker(build):
    """Only who asks for sections is refused."""
    path = build / "lib/libposix.so"
    data = path.read_bytes()
    header = replace(ElfFile(path, data).header, shoff=len(data))
    file = DynamicFile(path, header.pack() + data[EHDR.size :])
    assert file.exports == DynamicFile.open(path).exports
    with pytest.raises(ElfError, match="the table of section headers ends behind the end of the file"):
        file.sections  # noqa: B018


@pytest.mark.parametrize("size", [0, 2, 16])
def test_the_dynamic_section_ends_at_its_end_mark(build, size):
    """As dynamic linkers have it: p_filesz does not count."""
    path = build / "lib/libposix.so"
    file = DynamicFile.open(path)
    table = b"".join(
        (replace(each, file_size=size) if each.type == PT_DYNAMIC else each).pack() for each in file.segments
    )
    at = file.header.phoff
    changed = DynamicFile(path, file.data[:at] + table + file.data[at + len(table) :])
    assert changed.dynamic == file.dynamic and changed.needed_names == file.needed_names != []


def test_segments_are_ascending(build):
    path = build / "lib/libposix.so"
    file = DynamicFile.open(path)
    segments = [replace(each) for each in file.segments]
    first, second = [number for number, each in enumerate(segments) if each.type == PT_LOAD][:2]
    segments[first], segments[second] = segments[second], segments[first]
    table = b"".join(each.pack() for each in segments)
    at = file.header.phoff
    data = file.data[:at] + table + file.data[at + len(table) :]
    with pytest.raises(ElfError, match="has segments that overlap or do not ascend"):
        DynamicFile(path, data)

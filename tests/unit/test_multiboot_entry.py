"""The stub of PVH wrappers, and what multiboot headers ask for."""

import struct
import subprocess
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from ambilink.bootimage import multiboot_entry
from ambilink.bootimage.identify import identify
from ambilink.bootimage.loadable import load
from ambilink.bootimage.pvh_wrapper import wrap
from ambilink.elf.file import ElfFile
from ambilink.errors import AmbilinkError


def test_the_bytes_are_those_of_the_source(toolset, top, tmp_path):
    """After a change of the source: put what this compares into multiboot_entry.py."""
    source = top / "toolchain/ambilink/bootimage/multiboot_entry.S"
    subprocess.run([*toolset.cc, *toolset.compile_flags, "-c", source, "-o", tmp_path / "stub.o"], check=True)
    elf = ElfFile.open(tmp_path / "stub.o")
    text = elf.section_contents(elf.sections[elf.section_names.index(".text")])
    assert text.hex() == multiboot_entry.CODE.hex()
    symbols = elf.addresses()
    assert {2: symbols["multiboot2_entry"], 1: symbols["multiboot1_entry"]} == multiboot_entry.ENTRY


def tag(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    data = struct.pack("<HHI", kind, flags, 8 + len(body)) + body
    return data + bytes(-len(data) % 8)


def header2(*tags: bytes, end: bytes = tag(0), architecture: int = 0) -> bytes:
    body = b"".join(tags) + end
    size = 16 + len(body)
    return struct.pack("<4I", 0xE85250D6, architecture, size, -(0xE85250D6 + architecture + size) & 0xFFFFFFFF) + body


def elf32(contents: bytes, address: int = 0x100000, virtual: int = 0xC0100000, entry: int = 0xC0100010) -> bytes:
    """One segment that holds the file from offset 128 on."""
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    head = ident + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, entry, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    head += struct.pack("<8I", 1, 128, virtual, address, len(contents), len(contents) + 4096, 7, 4096)
    return head.ljust(128, b"\0") + contents


def loaded(folder: Path, data: bytes, version: int = 2):
    path = folder / "kernel"
    path.write_bytes(data)
    return load(path, data, version)


def test_a_32_bit_kernel_in_the_upper_half_is_entered_at_its_physical_address(tmp_path):
    kernel = loaded(tmp_path, elf32(header2()))
    assert kernel.entry == 0x100010
    assert [(part.address, part.memory_size) for part in kernel.parts] == [(0x100000, len(header2()) + 4096)]
    wrapper = ElfFile(Path("wrapper"), wrap(tmp_path / "kernel", 2))
    assert [(owner, kind) for owner, kind, _ in wrapper.notes()] == [(b"Xen", 18)]
    assert all(each.offset % 4096 == each.physical % 4096 for each in wrapper.loads)
    assert min(each.offset for each in wrapper.loads) >= 8192  # or QEMU takes its Multiboot header for this file's


def test_an_entry_tag_is_the_entry(tmp_path):
    assert loaded(tmp_path, elf32(header2(tag(3, struct.pack("<I", 0x100020))))).entry == 0x100020


def test_an_address_tag_loads_the_file_as_it_is(tmp_path):
    places = tag(2, struct.pack("<4I", 0x200010, 0x200000, 0, 0x203000)) + tag(3, struct.pack("<I", 0x200010))
    data = bytes(32) + header2(places)
    kernel = loaded(tmp_path, data)
    assert (kernel.parts[0].address, kernel.parts[0].data, kernel.parts[0].end) == (0x200000, data[16:], 0x203000)


@pytest.mark.parametrize(
    ("lowest", "highest", "align", "base"),
    [(0x100000, 0xFFFFFFFF, 4096, 0x100000), (0x400000, 0xFFFFFFFF, 0x200000, 0x400000), (0, 0x200000, 1, 0x100000)],
)
def test_a_relocatable_kernel_is_moved_where_it_wants(tmp_path, lowest, highest, align, base):
    kernel = loaded(tmp_path, elf32(header2(tag(10, struct.pack("<IIII", lowest, highest, align, 0)))))
    assert (kernel.load_base, kernel.entry) == (base, base + 0x10)


REFUSED = {
    "efi": (header2(tag(7)), "its multiboot2 header needs EFI boot services, which is not provided; make that tag"),
    "framebuffer": (header2(tag(5, bytes(12))), "needs a framebuffer"),
    "console": (header2(tag(4, struct.pack("<I", 1))), "needs a text console"),
    "request": (header2(tag(1, struct.pack("<II", 6, 17))), "needs the EFI memory map"),
    "unknown request": (header2(tag(1, struct.pack("<I", 99))), "needs information of the unknown type 99"),
    "unknown tag": (header2(tag(77)), "needs the unknown header tag 77"),
    "no end": (header2(end=b""), "its multiboot2 header has no end tag"),
    "tag size": (header2(struct.pack("<HHI", 4, 0, 4)), "has a tag of type 4 with size 4"),
    "short tag": (header2(tag(3)), "has a tag of type 3 with size 8, which is too short"),
    "mips": (header2(architecture=4), "is for architecture 4, not i386"),
    "no entry": (header2(tag(2, bytes(16))), "its header has an address tag and no entry tag"),
    "outside": (
        header2(tag(2, struct.pack("<4I", 0x300000, 0x100000, 0, 0)), tag(3, struct.pack("<I", 0x100000))),
        "the addresses of its multiboot header lie outside the file",
    ),
    "no room": (
        header2(tag(10, struct.pack("<IIII", 0x400000, 0x400800, 1, 0))),
        "does not fit between 0x400000 and 0x400800",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_provided_is_refused_by_name(tmp_path, name):
    header, message = REFUSED[name]
    with pytest.raises(AmbilinkError) as caught:
        loaded(tmp_path, elf32(header))
    assert str(caught.value).startswith(f"{tmp_path / 'kernel'}: ") and message in str(caught.value)


def test_what_is_optional_is_not_refused(tmp_path):
    kinds = [
        tag(7, flags=1),
        tag(5, bytes(12), 1),
        tag(1, struct.pack("<I", 17), 1),
        tag(77, flags=1),
        tag(6),
        tag(9, bytes(4)),
    ]
    assert loaded(tmp_path, elf32(header2(*kinds)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (elf32(bytes(64)), "has no multiboot2 header in its first 32 KiB"),
        (header2(), "is no little-endian ELF file, and its multiboot header has no addresses"),
        (elf32(header2(), address=0x8000, virtual=0x8000, entry=0x8000), "loads at 0x8000, outside 1 MiB to 4 GiB"),
        (elf32(header2(), entry=0x10), "its entry point 0x10 is not loaded"),
        (elf32(header2())[:140], "has no multiboot2 header"),
        (elf32(header2() + bytes(64))[:160], "is truncated: the segment at 0xc0100000"),
        (b"\x7fELF" + bytes(60) + header2(), "is no little-endian ELF file"),
    ],
)
def test_what_is_no_kernel_is_refused(tmp_path, data, message):
    with pytest.raises(AmbilinkError) as caught:
        loaded(tmp_path, data)
    assert message in str(caught.value)


def test_multiboot1_flags(tmp_path):
    def header1(flags: int) -> bytes:
        return struct.pack("<III", 0x1BADB002, flags, -(0x1BADB002 + flags) & 0xFFFFFFFF)

    assert loaded(tmp_path, elf32(header1(3)), 1).entry == 0x100010
    with pytest.raises(AmbilinkError, match="its multiboot header needs a video mode"):
        loaded(tmp_path, elf32(header1(4)), 1)
    with pytest.raises(AmbilinkError, match="needs the unknown flags 0x8"):
        loaded(tmp_path, elf32(header1(8)), 1)


def test_segments_that_overlap_are_refused(tmp_path):
    contents = header2()
    data = bytearray(elf32(contents))
    data[84:116] = data[52:84]
    data[44:46] = (2).to_bytes(2, "little")  # e_phnum
    with pytest.raises(AmbilinkError, match="its segments at 0x100000 and 0x100000 overlap"):
        loaded(tmp_path, bytes(data))


@pytest.mark.parametrize("end", [1 << 32, (1 << 32) - 4096, (1 << 32) - 8192])
def test_a_kernel_that_leaves_no_room_is_refused(tmp_path, end):
    contents = header2()
    data = bytearray(elf32(contents))
    data[72:76] = struct.pack("<I", end - 0x100000)  # p_memsz
    loaded(tmp_path, bytes(data))
    with pytest.raises(AmbilinkError, match="leaves no room below 4 GiB"):
        wrap(tmp_path / "kernel", 2)


def test_damaged_kernels_are_refused_or_wrapped(build, tmp_path):
    """Never anything else."""
    whole, random, path = (build / "test-multiboot").read_bytes(), Random(1), tmp_path / "kernel"
    outcomes: Counter[str] = Counter()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(random.randint(1, 6)):
            start, end = random.choice([(0, 64), (64, 288), (0x1000, 0x1080), (len(data) - 600, len(data))])
            data[random.randrange(start, end)] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)])
        path.write_bytes(data if random.random() < 0.8 else data[: random.randrange(len(data))])
        for call in (lambda: identify(path), lambda: wrap(path, 2), lambda: wrap(path, 1)):
            try:
                call()
                outcomes["fine"] += 1
            except AmbilinkError as error:
                assert str(path) in str(error) and "\n" not in str(error)
                outcomes["refused"] += 1
    assert min(outcomes["fine"], outcomes["refused"]) > 200

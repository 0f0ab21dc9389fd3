"""The boot image as one ELF file: the kernel's segments, and one more that holds the archive.

The kernel's section headers and symbol table are kept, so that debuggers and the verifying tool find its
symbols; each file of the archive gets a section header of its own, so `readelf -S` lists them.
"""

import struct
from dataclasses import dataclass, replace
from pathlib import Path

from ambilink.bootimage import layout
from ambilink.bootimage.identify import identify
from ambilink.bootimage.layout import PAGE_SIZE, Archive, ArchiveFile, round_up
from ambilink.elf.file import ElfError, ElfFile
from ambilink.elf.layout import (
    EHDR,
    IDENT,
    PF_R,
    PHDR,
    PT_LOAD,
    SHDR,
    SHF_ALLOC,
    SHN_UNDEF,
    SHT_NOBITS,
    SHT_NULL,
    SHT_PROGBITS,
    SHT_STRTAB,
    Section,
    Segment,
)
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular

PLACE = struct.Struct("<QQ")
PLACE_SYMBOL = "image_place"  # struct image_place in the kernel: where the archive lies
ARCHIVE_SECTION = ".archive"
ARCHIVE_ALIGN = 1 << 21  # physical: clear of the kernel, and good for large pages
PHYSICAL_END = 1 << 52


def _place_offset(kernel: ElfFile) -> int:
    """Where in the file the kernel learns where the archive lies."""
    for table in kernel.symbol_tables():
        for symbol in kernel.symbols_of(table):
            if symbol.name == PLACE_SYMBOL.encode() and symbol.section != SHN_UNDEF and symbol.size == PLACE.size:
                return kernel.place_of(symbol.value, PLACE.size, PLACE_SYMBOL)
    raise kernel.refuse(
        f"has no initialised data symbol {PLACE_SYMBOL} of {PLACE.size} bytes",
        "define it as in boot/kernel/image/image.c: the packer writes there where the archive lies",
    )


def _headers_offset(kernel: ElfFile, count: int) -> int:
    """Where so many program headers lie: where they are, as GRUB wants them in the first 32 KiB; or behind the kernel's
    bytes, where there is no room, so that nothing else has to move."""
    contents = [each.offset for each in kernel.segments if each.file_size]
    contents += [each.offset for each in kernel.sections if each.size and each.type not in (SHT_NULL, SHT_NOBITS)]
    contents.append(kernel.header.shoff or len(kernel.data))
    at = kernel.header.phoff
    return at if at and at + PHDR.size * count <= min(contents) else round_up(len(kernel.data), 8)


def build(kernel: Path, archive: bytes, files: Archive) -> bytes:
    """The boot image's bytes. The kernel must define the data symbol `image_place`."""
    elf = ElfFile(kernel, read_regular(kernel, "build the kernel first"))
    place_offset = _place_offset(elf)
    address = round_up(max(each.physical + each.memory_size for each in elf.loads), ARCHIVE_ALIGN)
    if address + len(archive) > PHYSICAL_END:
        raise elf.refuse(f"leaves no room for the archive: its memory ends at {address:#x}")

    segment_count = len(elf.segments) + 1
    headers_at = _headers_offset(elf, segment_count)
    archive_at = round_up(max(len(elf.data), headers_at + PHDR.size * segment_count))
    size = len(archive)
    segments = [*elf.segments, Segment(PT_LOAD, PF_R, archive_at, address, address, size, size, PAGE_SIZE)]

    names = bytearray(b"\0")
    sections = [Section(0, SHT_NULL, 0, 0, 0, 0, 0, 0, 0, 0)]
    if elf.sections:
        names_index = elf.section_names_index
        names = bytearray(elf.section_contents(elf.sections[names_index]))
        sections = [replace(section) for section in elf.sections]

    def add_section(name: str, kind: int, flags: int, at: int, offset: int, size: int) -> None:
        sections.append(Section(len(names), kind, flags, at, offset, size, 0, 0, 1, 0))
        names.extend(name.encode() + b"\0")

    add_section(ARCHIVE_SECTION, SHT_PROGBITS, SHF_ALLOC, address, archive_at, len(archive))
    for file in files.files:
        add_section(file.name, SHT_PROGBITS, SHF_ALLOC, address + file.offset, archive_at + file.offset, file.size)
    names_at = archive_at + len(archive)
    if not elf.sections:
        names_index = len(sections)
        add_section(".shstrtab", SHT_STRTAB, 0, 0, 0, 0)
    elf.check_can_grow(len(sections), segment_count)
    sections[names_index].offset, sections[names_index].size = names_at, len(names)
    sections_at = round_up(names_at + len(names), 8)

    header = replace(
        elf.header,
        phoff=headers_at,
        shoff=sections_at,
        phnum=segment_count,
        shentsize=SHDR.size,
        shnum=len(sections),
        shstrndx=names_index,
    )
    image = bytearray(sections_at)
    image[: len(elf.data)] = elf.data
    image[place_offset : place_offset + PLACE.size] = PLACE.pack(address, len(archive))
    image[: EHDR.size] = header.pack()
    image[headers_at : headers_at + PHDR.size * segment_count] = b"".join(each.pack() for each in segments)
    image[archive_at : archive_at + len(archive)] = archive
    image[names_at : names_at + len(names)] = names
    return bytes(image) + b"".join(each.pack() for each in sections)


@dataclass(frozen=True)
class ImageFile:
    """A boot image on the development machine."""

    path: Path
    archive: Archive
    archive_address: int  # physical
    archive_offset: int  # in the file
    symbols: dict[str, int]  # the kernel's: name to virtual address
    kernel_segments: list[tuple[int, int, int]]  # virtual address, physical address, bytes in memory

    def physical(self, address: int) -> int | None:
        """Where an address of the kernel's own segments lies in physical memory."""
        for virtual, physical, size in self.kernel_segments:
            if virtual <= address < virtual + size:
                return physical + address - virtual
        return None

    def file_at(self, physical: int) -> tuple[ArchiveFile, int] | None:
        """The file whose contents a physical address holds, and the offset in it (the last page included)."""
        at = physical - self.archive_address
        for file in self.archive.files:
            if file.offset <= at < file.offset + round_up(file.size):
                return file, at - file.offset
        return None


def read(path: Path) -> ImageFile:
    data = read_regular(path)
    if data[: len(IDENT)] != IDENT:
        raise AmbilinkError(path, f"is {identify(path).what}, no boot image", "make one with ambilink image pack")
    try:
        elf = ElfFile(path, data)
        loads = elf.loads
    except ElfError as error:
        raise ElfError(path, f"is not a boot image: {error.rule}", "make one with ambilink image pack") from error
    magic = layout.MAGIC.to_bytes(8, "little")
    for each in loads:
        if elf.data[each.offset : each.offset + 8] == magic:
            archive = layout.parse(elf.data[each.offset : each.offset + each.file_size], path)
            segments = [(load.address, load.physical, load.memory_size) for load in loads]
            return ImageFile(path, archive, each.physical, each.offset, _symbols(elf), segments)
    raise AmbilinkError(
        path,
        "holds no archive",
        "it is a kernel, alone or with multiboot modules, or truncated: make a boot image with ambilink image pack",
    )


def _symbols(elf: ElfFile) -> dict[str, int]:
    """None when the section headers are damaged, which does not harm a boot."""
    try:
        return elf.addresses()
    except ElfError:
        return {}

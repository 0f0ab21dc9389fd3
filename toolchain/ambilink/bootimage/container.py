"""The boot image as one ELF file: the kernel's segments, and one more that holds the archive.

The kernel's section headers and symbol table are kept, so that debuggers and the verifying tool find its
symbols; each file of the archive gets a section header of its own, so `readelf -S` lists them.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage import layout
from ambilink.bootimage.layout import PAGE_SIZE, Archive, ArchiveFile, round_up
from ambilink.errors import AmbilinkError

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
PLACE = struct.Struct("<QQ")

PT_LOAD = 1
PF_R = 4
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS = 1, 2, 3, 8
SHF_ALLOC = 2
PLACE_SYMBOL = "image_place"  # struct image_place in the kernel: where the archive lies
ARCHIVE_SECTION = ".archive"
ARCHIVE_ALIGN = 1 << 21  # physical: clear of the kernel, and good for large pages


@dataclass
class _Elf:
    """A kernel file, taken apart."""

    path: Path
    data: bytearray
    header: tuple[int, ...]
    segments: list[list[int]]
    sections: list[list[int]]

    @property
    def entry(self) -> int:
        return self.header[4]

    def section_data(self, index: int) -> bytes:
        offset, size = self.sections[index][4:6]
        return bytes(self.data[offset : offset + size])

    def file_offset(self, address: int, size: int) -> int | None:
        for kind, _, offset, start, _, file_size, _, _ in self.segments:
            if kind == PT_LOAD and start <= address and address + size <= start + file_size:
                return offset + address - start
        return None

    def symbol(self, name: str) -> tuple[int, int] | None:
        """Address and size."""
        for section in self.sections:
            if section[1] != SHT_SYMTAB:
                continue
            strings = self.section_data(section[6])
            wanted = name.encode() + b"\0"
            for name_at, _, _, index, value, size in SYMBOL.iter_unpack(
                bytes(self.data[section[4] : section[4] + section[5]])
            ):
                if index and strings[name_at : name_at + len(wanted)] == wanted:
                    return value, size
        return None


def _take_apart(path: Path) -> _Elf:
    try:
        data = bytearray(path.read_bytes())
        header = HEADER.unpack_from(data)
        if header[0][:6] != b"\x7fELF\x02\x01":
            raise AmbilinkError(path, "is not a 64-bit little-endian ELF file", "give the linked kernel")
        segments = [list(SEGMENT.unpack_from(data, header[5] + SEGMENT.size * i)) for i in range(header[10])]
        sections = [list(SECTION.unpack_from(data, header[6] + SECTION.size * i)) for i in range(header[12])]
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})", "build the kernel first") from error
    except struct.error as error:
        raise AmbilinkError(path, "is a truncated ELF file", "build the kernel again") from error
    return _Elf(path, data, header, segments, sections)


def _physical_end(elf: _Elf) -> int:
    return max(physical + size for kind, _, _, _, physical, _, size, _ in elf.segments if kind == PT_LOAD)


def build(kernel: Path, archive: bytes, files: Archive) -> bytes:
    """The boot image's bytes. The kernel must define the data symbol `image_place`."""
    elf = _take_apart(kernel)
    place = elf.symbol(PLACE_SYMBOL)
    address = round_up(_physical_end(elf), ARCHIVE_ALIGN)
    place_offset = None
    if place and place[1] == PLACE.size:
        place_offset = elf.file_offset(place[0], PLACE.size)
    if place_offset is None:
        raise AmbilinkError(
            kernel,
            f"has no initialised data symbol {PLACE_SYMBOL} of {PLACE.size} bytes",
            "define it as in boot/kernel/image/image.c: the packer writes there where the archive lies",
        )
    elf.data[place_offset : place_offset + PLACE.size] = PLACE.pack(address, len(archive))

    segment_count = len(elf.segments) + 1
    # The program headers move behind the kernel's bytes, so that nothing else has to.
    headers_at = round_up(len(elf.data), 8)
    archive_at = round_up(headers_at + SEGMENT.size * segment_count)
    segments = [*elf.segments, [PT_LOAD, PF_R, archive_at, address, address, len(archive), len(archive), PAGE_SIZE]]

    names = bytearray(elf.section_data(elf.header[13]) if elf.sections else b"\0")
    sections = [list(section) for section in elf.sections] or [[0] * 10]

    def add_section(name: str, kind: int, flags: int, at: int, offset: int, size: int) -> None:
        sections.append([len(names), kind, flags, at, offset, size, 0, 0, 1, 0])
        names.extend(name.encode() + b"\0")

    add_section(ARCHIVE_SECTION, SHT_PROGBITS, SHF_ALLOC, address, archive_at, len(archive))
    for file in files.files:
        add_section(file.name, SHT_PROGBITS, SHF_ALLOC, address + file.offset, archive_at + file.offset, file.size)
    names_index = elf.header[13] if elf.sections else len(sections)
    names_at = archive_at + len(archive)
    if not elf.sections:
        add_section(".shstrtab", SHT_STRTAB, 0, 0, 0, 0)
    sections[names_index][4:6] = [names_at, len(names)]
    sections_at = round_up(names_at + len(names), 8)

    header = list(elf.header)
    header[5], header[6], header[10], header[12], header[13] = (
        headers_at,
        sections_at,
        segment_count,
        len(sections),
        names_index,
    )
    image = bytearray(sections_at + SECTION.size * len(sections))
    image[: len(elf.data)] = elf.data
    image[: HEADER.size] = HEADER.pack(*header)
    for index, segment in enumerate(segments):
        SEGMENT.pack_into(image, headers_at + SEGMENT.size * index, *segment)
    image[archive_at : archive_at + len(archive)] = archive
    image[names_at : names_at + len(names)] = names
    for index, section in enumerate(sections):
        SECTION.pack_into(image, sections_at + SECTION.size * index, *section)
    return bytes(image)


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
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})") from error
    try:
        header = HEADER.unpack_from(data)
        if header[0][:6] != b"\x7fELF\x02\x01":
            raise AmbilinkError(path, "is not a boot image (no ELF header)", "make one with ambilink image pack")
        segments = [SEGMENT.unpack_from(data, header[5] + SEGMENT.size * i) for i in range(header[10])]
    except struct.error as error:
        raise AmbilinkError(path, "is truncated within its headers", "pack the image again") from error
    magic = layout.MAGIC.to_bytes(8, "little")
    for kind, _, offset, _, physical, size, _, _ in segments:
        if kind == PT_LOAD and data[offset : offset + 8] == magic:
            if offset + size > len(data):
                raise AmbilinkError(path, "the archive is cut off: the image is truncated", "pack the image again")
            archive = layout.parse(data[offset : offset + size], path)
            loads = [(s[3], s[4], s[6]) for s in segments if s[0] == PT_LOAD]
            return ImageFile(path, archive, physical, offset, symbols_of(path), loads)
    raise AmbilinkError(path, "holds no archive", "it is a kernel only, or truncated: make it with ambilink image pack")


def symbols_of(path: Path) -> dict[str, int]:
    """Names to addresses; empty when the section headers are damaged, which does not harm a boot."""
    try:
        elf = _take_apart(path)
        found = {}
        for section in elf.sections:
            if section[1] == SHT_SYMTAB:
                strings = elf.section_data(section[6])
                for name_at, _, _, index, value, _ in SYMBOL.iter_unpack(
                    bytes(elf.data[section[4] : section[4] + section[5]])
                ):
                    if index:
                        found[strings[name_at : strings.index(b"\0", name_at)].decode("utf-8", "replace")] = value
        return found
    except (AmbilinkError, struct.error, IndexError, ValueError):
        return {}

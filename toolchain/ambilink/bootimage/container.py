"""The boot image as one ELF file: the kernel's segments, and one more that holds the archive.

The archive's header covers the rest of the file, too: its size, a digest of all bytes outside of the archive, and
checksums of what the kernel's segments load, which the kernel compares when it boots.

The kernel's section headers and symbol table are kept, so that debuggers and the verifying tool find its
symbols; each file of the archive gets a section header of its own, so `readelf -S` lists them.
"""

import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

from ambilink.bootimage import layout
from ambilink.bootimage.identify import identify
from ambilink.bootimage.layout import Archive, ArchiveFile, round_up
from ambilink.bootimage.tree import PAGE_SIZE, DigestKind, checksum_of, digest_of
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
SIGNING_SYMBOLS = ("kernel_signing_start", "kernel_signing_end")  # in the kernel: its code for Ed25519 and BLAKE3
ARCHIVE_SECTION = ".archive"
ARCHIVE_ALIGN = 1 << 21  # physical: clear of the kernel, and good for large pages
PHYSICAL_END = 1 << 52


def data_symbol(kernel: ElfFile, name: str, size: int, example: str) -> int:
    """Where in the file data lie that the packer writes; `example` is the source that defines them in our kernel."""
    for table in kernel.symbol_tables():
        for symbol in kernel.symbols_of(table):
            if symbol.name == name.encode() and symbol.section != SHN_UNDEF and symbol.size == size:
                return kernel.place_of(symbol.value, size, name)
    raise kernel.refuse(
        f"has no initialised data symbol {name} of {size} bytes", f"define it as in {example}: the packer writes there"
    )


def _place_offset(kernel: ElfFile) -> int:
    """Where in the file the kernel learns where the archive lies."""
    return data_symbol(kernel, PLACE_SYMBOL, PLACE.size, "boot/kernel/image/self.c")


def _headers_offset(kernel: ElfFile, count: int) -> int:
    """Where so many program headers lie: where they are, as GRUB wants them in the first 32 KiB; or behind the kernel's
    bytes, where there is no room, so that nothing else has to move."""
    contents = [each.offset for each in kernel.segments if each.file_size]
    contents += [each.offset for each in kernel.sections if each.size and each.type not in (SHT_NULL, SHT_NOBITS)]
    contents.append(kernel.header.shoff or len(kernel.data))
    at = kernel.header.phoff
    return at if at and at + PHDR.size * count <= min(contents) else round_up(len(kernel.data), 8)


def build(kernel: Path, archive: bytes, files: Archive) -> bytes:
    """The boot image's bytes, with a complete header. The kernel must define the data symbol `image_place`."""
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
    return seal(kernel, bytes(image) + b"".join(each.pack() for each in sections), archive_at, len(archive))


def signing_code(kernel: ElfFile) -> range:
    """Where in the file the kernel's code for signatures lies, which has a checksum of its own. A kernel without these
    symbols has no such code."""
    addresses = kernel.addresses()
    start, end = (addresses.get(name, 0) for name in SIGNING_SYMBOLS)
    if start >= end:
        return range(0)
    at = kernel.place_of(start, end - start, SIGNING_SYMBOLS[0])
    return range(at, at + end - start)


@dataclass(frozen=True)
class KernelSums:
    """Of what the kernel's segments load, one after the other, without image_place: boot/kernel/image/self.c."""

    kernel: int
    signing: int  # of the code for signatures; it is no part of the other

    @classmethod
    def of(cls, kernel: ElfFile, archive_at: int = -1) -> "KernelSums":
        """The segment at `archive_at` in the file is none of the kernel's."""
        place, signing = _place_offset(kernel), signing_code(kernel)
        cuts = sorted((range(place, place + PLACE.size), signing), key=lambda cut: cut.start)
        loaded = b""
        for segment in kernel.segments:
            if segment.type != PT_LOAD or segment.offset == archive_at:
                continue
            kernel.contents(segment, "")  # refuses what the file does not have
            at, end = segment.offset, segment.offset + segment.file_size
            for cut in cuts:
                loaded += kernel.data[at : min(cut.start, end)]
                at = max(at, min(cut.stop, end))
            loaded += kernel.data[at:end]
        return cls(checksum_of(loaded), checksum_of(kernel.data[signing.start : signing.stop]))


def seal(path: Path, image: bytes, archive_at: int, size: int, release: int | None = None) -> bytes:
    """An image with the header of its archive completed, for what lies around the archive as it is."""
    end = archive_at + size
    header = layout.header_of(image[archive_at:end], path)
    sums = KernelSums.of(ElfFile(path, image), archive_at)
    header = replace(
        header,
        release=header.release if release is None else release,
        image_size=len(image),
        kernel_checksum=sums.kernel,
        signing_checksum=sums.signing,
        container_digest=digest_of(image[:archive_at] + image[end:]),
    )
    return image[:archive_at] + header.pack() + image[archive_at + PAGE_SIZE :]


def with_tree(
    image: "ImageFile", kind: DigestKind, data: bytes | None = None, release: int | None = None
) -> bytes:
    """The bytes of an image with a tree of that kind, not signed; `data` is the image, where its kernel was changed."""
    kind.require(image.path)
    old, data = image.archive.data, image.data if data is None else data
    archive = layout.with_tree(image.archive.header, old, kind)
    at, end, growth = image.archive_offset, image.archive_offset + len(old), len(archive) - len(old)
    elf = ElfFile(image.path, data)
    place = _place_offset(elf)
    segments = [
        replace(each, file_size=len(archive), memory_size=len(archive))
        if each.offset == at and each.file_size
        else each
        for each in elf.segments
    ]
    sections = [
        replace(
            each,
            offset=each.offset + (growth if each.offset >= end else 0),
            size=len(archive) if (each.offset, each.size) == (at, len(old)) else each.size,
        )
        for each in elf.sections
    ]
    made = bytearray(data[:at] + archive + data[end:])
    made[place : place + PLACE.size] = PLACE.pack(image.archive_address, len(archive))
    header = replace(elf.header, shoff=elf.header.shoff + growth)
    made[: EHDR.size] = header.pack()
    made[header.phoff : header.phoff + PHDR.size * len(segments)] = b"".join(each.pack() for each in segments)
    made[header.shoff : header.shoff + SHDR.size * len(sections)] = b"".join(each.pack() for each in sections)
    return seal(image.path, bytes(made), at, len(archive), release)


@dataclass(frozen=True)
class ImageFile:
    """A boot image on the development machine."""

    path: Path
    archive: Archive
    archive_address: int  # physical
    archive_offset: int  # in the file
    symbols: dict[str, int]  # the kernel's: name to virtual address
    kernel_segments: list[tuple[int, int, int]]  # virtual address, physical address, bytes in memory
    data: bytes = field(repr=False)  # the whole file

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
    """An image whose header and directory are sound; see `damaged` for the rest."""
    return parse(path, read_regular(path))


def parse(path: Path, data: bytes) -> ImageFile:
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
            archive = layout.parse(data[each.offset : each.offset + each.file_size], path)
            size = archive.header.image_size
            if size != len(data):
                what = "it is truncated" if len(data) < size else "something was appended to it"
                raise AmbilinkError(
                    path, f"should have {size:,} bytes and has {len(data):,}: {what}", "pack the image again"
                )
            segments = [(load.address, load.physical, load.memory_size) for load in loads]
            return ImageFile(path, archive, each.physical, each.offset, _symbols(elf), segments, data)
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


def damaged(image: ImageFile) -> list[str]:
    """What of an image does not match, in words."""
    at, header = image.archive_offset, image.archive.header
    found = []
    if digest_of(image.data[:at] + image.data[at + len(image.archive.data) :]) != header.container_digest:
        found.append(f"{_altered_part(image)} do not match their digest")
    return found + [each.what for each in layout.damaged(image.archive)]


def _altered_part(image: ImageFile) -> str:
    """Of what lies outside of the archive."""
    try:
        sums = KernelSums.of(ElfFile(image.path, image.data), image.archive_offset)
    except ElfError:
        return "its ELF headers"
    header = image.archive.header
    if (sums.kernel, sums.signing) != (header.kernel_checksum, header.signing_checksum):
        return "the kernel's segments"
    return "its ELF headers, sections, symbols or the space between"

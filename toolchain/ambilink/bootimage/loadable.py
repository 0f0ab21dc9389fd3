"""A multiboot kernel as memory: where its bytes go, and where it is entered in 32-bit protected mode."""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ambilink.bootimage.multiboot_header import Header, find_header
from ambilink.elf.layout import PT_LOAD, Data
from ambilink.errors import AmbilinkError

LOWEST = 1 << 20  # below lies what firmware uses
ADDRESS_END = 1 << 32
EM_386, EM_X86_64 = 3, 62
ELF_MAGIC = b"\x7fELF"


@dataclass(frozen=True)
class Part:
    """Bytes at a physical address, and zero bytes behind them."""

    address: int
    data: bytes
    memory_size: int

    @property
    def end(self) -> int:
        return self.address + self.memory_size


@dataclass(frozen=True)
class Sections:
    """An ELF file's section headers."""

    entry_size: int
    names_index: int
    headers: tuple[bytes, ...]


@dataclass(frozen=True)
class Loadable:
    path: Path
    header: Header
    parts: tuple[Part, ...]
    entry: int
    sections: Sections | None

    @property
    def load_base(self) -> int:
        return min(part.address for part in self.parts)

    @property
    def end(self) -> int:
        return max(part.end for part in self.parts)


@dataclass(frozen=True)
class _Class:
    """Layouts of one ELF class. Fields of a program header: type, offset, vaddr, paddr, filesz, memsz."""

    header: struct.Struct
    segment: struct.Struct
    order: tuple[int, ...]
    section_size: int


_CLASSES = {
    1: _Class(struct.Struct("<16sHHIIIIIHHHHHH"), struct.Struct("<8I"), (0, 1, 2, 3, 4, 5), 40),
    2: _Class(struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ"), (0, 2, 3, 4, 5, 6), 64),
}


def load(path: Path, data: Data, version: int) -> Loadable:
    """The kernel as a boot loader of this version of Multiboot loads it."""
    header = find_header(path, data, version)
    if header is None:
        raise AmbilinkError(
            path,
            f"has no multiboot{'2' if version == 2 else ''} header in its first "
            f"{32 if version == 2 else 8} KiB, or one whose checksum is wrong",
            "put the header at the beginning of the kernel's first section",
        )
    header.check(path)
    found = _raw(path, data, header) if header.addresses else _elf(path, data, header)
    for part in found.parts:
        if part.address < LOWEST or part.end > ADDRESS_END:
            raise AmbilinkError(
                path, f"loads at {part.address:#x}, outside 1 MiB to 4 GiB", "link its segments there (p_paddr)"
            )
    ordered = sorted(found.parts, key=lambda part: part.address)
    for part, following in pairwise(ordered):
        if part.end > following.address:
            raise AmbilinkError(
                path, f"its segments at {part.address:#x} and {following.address:#x} overlap", "correct p_paddr"
            )
    if not any(part.address <= found.entry < part.end for part in found.parts):
        raise AmbilinkError(path, f"its entry point {found.entry:#x} is not loaded", "correct ENTRY or the entry tag")
    return found


def _raw(path: Path, data: Data, header: Header) -> Loadable:
    addresses = header.addresses
    assert addresses is not None
    start = header.offset - (addresses.header - addresses.load)
    end = start + addresses.load_end - addresses.load if addresses.load_end else len(data)
    if header.entry is None:
        raise AmbilinkError(path, "its header has an address tag and no entry tag", "add the entry tag (type 3)")
    if not 0 <= start <= header.offset < end <= len(data):
        raise AmbilinkError(path, "the addresses of its multiboot header lie outside the file", "correct the header")
    memory_end = max(addresses.bss_end, addresses.load + end - start)
    part = Part(addresses.load, bytes(data[start:end]), memory_end - addresses.load)
    return Loadable(path, header, (part,), header.entry, None)


def _elf(path: Path, data: Data, header: Header) -> Loadable:
    def refuse(rule: str) -> AmbilinkError:
        return AmbilinkError(path, rule, "link the kernel anew")

    if data[:4] != ELF_MAGIC or len(data) < 52 or data[4] not in _CLASSES or data[5] != 1:
        raise refuse("is no little-endian ELF file, and its multiboot header has no addresses")
    layout = _CLASSES[data[4]]
    if len(data) < layout.header.size:
        raise refuse("is truncated: its ELF header ends behind the end of the file")
    fields = layout.header.unpack_from(data)
    machine, entry, phoff, shoff, phentsize, phnum = fields[2], fields[4], fields[5], fields[6], fields[9], fields[10]
    if machine not in (EM_386, EM_X86_64):
        raise refuse(f"is an ELF file for another machine (e_machine {machine})")
    if phnum and phentsize != layout.segment.size:
        raise refuse(f"has e_phentsize {phentsize}, not {layout.segment.size}")
    if phoff + phnum * layout.segment.size > len(data):
        raise refuse("is truncated: the table of program headers ends behind the end of the file")
    parts, places = [], []
    for number in range(phnum):
        values = layout.segment.unpack_from(data, phoff + number * layout.segment.size)
        kind, offset, virtual, physical, file_size, memory_size = (values[at] for at in layout.order)
        if kind != PT_LOAD or not memory_size:
            continue
        if file_size > memory_size or offset + file_size > len(data):
            raise refuse(f"is truncated: the segment at {virtual:#x} ends behind the end of the file")
        parts.append(Part(physical, bytes(data[offset : offset + file_size]), memory_size))
        places.append((virtual, physical, memory_size))
    if not parts:
        raise refuse("has nothing to load")
    shift = _shift(path, header, min(part.address for part in parts), max(part.end for part in parts))
    if header.entry is not None:
        entry = header.entry
    else:
        # e_entry is virtual; kernels in the upper half are entered at the physical address.
        entry = next((entry - v + p for v, p, size in places if v <= entry < v + size), entry)
    moved = tuple(Part(part.address + shift, part.data, part.memory_size) for part in parts)
    return Loadable(path, header, moved, entry + shift, _sections(data, layout, shoff, fields))


def _shift(path: Path, header: Header, start: int, end: int) -> int:
    """How far a relocatable kernel must be moved from where it is linked."""
    wanted = header.relocatable
    if wanted is None:
        return 0
    align = max(wanted.align, 1)
    if start >= max(wanted.lowest, LOWEST) and end - 1 <= wanted.highest and start % align == 0:
        return 0
    base = -(-max(wanted.lowest, LOWEST) // align) * align
    if base + end - start - 1 > wanted.highest:
        raise AmbilinkError(
            path,
            f"does not fit between {wanted.lowest:#x} and {wanted.highest:#x}, where its header wants to be loaded",
            "correct the relocatable tag",
        )
    return base - start


def _sections(data: Data, layout: _Class, offset: int, fields: tuple[int, ...]) -> Sections | None:
    size, count, names = fields[11], fields[12], fields[13]
    if not offset or not count or size != layout.section_size or offset + count * size > len(data):
        return None
    headers = tuple(bytes(data[at : at + size]) for at in range(offset, offset + count * size, size))
    return Sections(size, names, headers)

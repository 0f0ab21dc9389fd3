"""A multiboot kernel with its modules as one ELF file that PVH starts: QEMU's -kernel and the bundled emulator.

The kernel's parts lie where it is linked; behind them the stub with the prepared information, and each module on a page
of its own. The stub is entered as PVH asks, finishes the information, and enters the kernel as its boot protocol asks.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage.identify import PVH_NOTE
from ambilink.bootimage.layout import PAGE_SIZE, round_up
from ambilink.bootimage.loadable import ADDRESS_END, EM_X86_64, Loadable, Part, Sections, load
from ambilink.bootimage.multiboot_entry import CODE, ENTRY, PARAMETERS_AT
from ambilink.bootimage.multiboot_info import Module, PlacedModule, information
from ambilink.elf.layout import (
    EHDR,
    ET_EXEC,
    IDENT,
    PF_R,
    PF_W,
    PF_X,
    PHDR,
    PT_LOAD,
    PT_NOTE,
    SHT_NOBITS,
    SHT_NULL,
    FileHeader,
    Segment,
)
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular

NOTE = struct.Struct("<III4sII")
CONTENTS_AT = 2 * PAGE_SIZE  # QEMU looks for a Multiboot header in the first 8 KiB
ROOM = 4096  # for what the stub adds: 64 memory ranges, 1024 bytes of words, ACPI's pointer


def wrap(kernel: Path, version: int, command_line: str = "", modules: Sequence[Module] = ()) -> bytes:
    """The wrapper's bytes."""
    loadable = load(kernel, read_regular(kernel, "build the kernel first"), version)
    return _elf(*_place(loadable, version, command_line, modules))


def _place(kernel: Loadable, version: int, command_line: str, modules: Sequence[Module]) -> tuple[list[Part], int]:
    """All parts of memory, and where the stub is."""
    stub_at = round_up(kernel.end)
    parameters_at = stub_at + round_up(len(CODE), 16)
    text_at = parameters_at + 16
    text = command_line.encode() + b"\0"
    address = round_up(text_at + len(text), 8)

    def information_with(sections: Sections | None, placed: Sequence[PlacedModule]) -> bytes:
        return information(version, address, kernel, sections, placed)

    unplaced = [PlacedModule(0, len(module.data), module.command_line) for module in modules]
    size = len(information_with(kernel.sections, unplaced))
    room = round_up(size + ROOM + len(text))
    if address + room > ADDRESS_END - PAGE_SIZE:
        raise AmbilinkError(kernel.path, "leaves no room below 4 GiB for what it is handed", "link it lower")
    loose = _Loose(kernel.path, round_up(address + room))
    sections = loose.place_sections(kernel) if kernel.sections else None
    placed = [PlacedModule(loose.put(m.data, PAGE_SIZE), len(m.data), m.command_line) for m in modules]
    prepared = information_with(sections, placed)
    assert len(prepared) == size
    stub = bytearray(address - stub_at + room)
    stub[: len(CODE)] = CODE
    for entry in ENTRY.values():
        struct.pack_into("<I", stub, entry + PARAMETERS_AT, parameters_at)
    parameters = (kernel.entry, address, address + len(prepared), text_at)
    struct.pack_into("<IIII", stub, parameters_at - stub_at, *parameters)
    stub[text_at - stub_at : text_at - stub_at + len(text)] = text
    stub[address - stub_at : address - stub_at + len(prepared)] = prepared
    return [*kernel.parts, Part(stub_at, bytes(stub), len(stub)), *loose.parts], stub_at + ENTRY[version]


class _Loose:
    """Lays out what may lie anywhere."""

    def __init__(self, path: Path, address: int) -> None:
        self.path, self.start, self.data = path, address, bytearray()

    @property
    def parts(self) -> list[Part]:
        return [Part(self.start, bytes(self.data), len(self.data))] if self.data else []

    def put(self, data: bytes, align: int) -> int:
        at = round_up(self.start + len(self.data), max(align, 1))
        if at + len(data) > ADDRESS_END:
            raise AmbilinkError(self.path, "and its modules end beyond 4 GiB", "link it lower, or leave out modules")
        self.data += bytes(at - self.start - len(self.data)) + data
        return at

    def place_sections(self, kernel: Loadable) -> Sections:
        """As GRUB does: sections that the kernel does not load are loaded, and their headers have the address."""
        assert kernel.sections is not None
        wide = kernel.sections.entry_size == 64
        fields = struct.Struct("<IIQQQQIIQQ" if wide else "<10I")
        headers, data = [], read_regular(kernel.path)
        for header in kernel.sections.headers:
            values = list(fields.unpack(header))
            kind, address, offset, size, align = values[1], values[3], values[4], values[5], values[8]
            if kind not in (SHT_NULL, SHT_NOBITS) and not address and size:
                if offset + size > len(data):
                    raise AmbilinkError(kernel.path, "is truncated: a section ends behind its end", "link it anew")
                values[3] = self.put(data[offset : offset + size], min(align, PAGE_SIZE))
            headers.append(fields.pack(*values))
        return Sections(kernel.sections.entry_size, kernel.sections.names_index, tuple(headers))


@dataclass(frozen=True)
class _Placed:
    part: Part
    offset: int


def _elf(parts: Sequence[Part], entry: int) -> bytes:
    note = NOTE.pack(4, 4, PVH_NOTE[1], PVH_NOTE[0] + b"\0", entry, 0)
    headers_size = PHDR.size * (len(parts) + 1)
    note_at = round_up(EHDR.size + headers_size, 8)
    offset = max(CONTENTS_AT, round_up(note_at + len(note)))
    placed = []
    for part in parts:
        offset = round_up(offset) + part.address % PAGE_SIZE
        placed.append(_Placed(part, offset))
        offset += len(part.data)
    segments = [
        Segment(PT_LOAD, PF_R | PF_W | PF_X, each.offset, address, address, len(each.part.data), size, PAGE_SIZE)
        for each in placed
        for address, size in ((each.part.address, each.part.memory_size),)
    ]
    segments.append(Segment(PT_NOTE, PF_R, note_at, 0, 0, NOTE.size - 4, NOTE.size - 4, 4))
    header = FileHeader(
        ident=IDENT + bytes(16 - len(IDENT)),
        type=ET_EXEC,
        machine=EM_X86_64,
        version=1,
        entry=entry,
        phoff=EHDR.size,
        shoff=0,
        flags=0,
        ehsize=EHDR.size,
        phentsize=PHDR.size,
        phnum=len(segments),
        shentsize=0,
        shnum=0,
        shstrndx=0,
    )
    image = bytearray(offset)
    image[: EHDR.size] = header.pack()
    image[EHDR.size : EHDR.size + headers_size] = b"".join(segment.pack() for segment in segments)
    image[note_at : note_at + len(note)] = note
    for each in placed:
        image[each.offset : each.offset + len(each.part.data)] = each.part.data
    return bytes(image)

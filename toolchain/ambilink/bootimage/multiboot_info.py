"""The information that a multiboot kernel is handed, but for what only the machine knows: the stub adds that."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from ambilink.bootimage.loadable import Loadable, Sections

LOADER = b"ambilink\0"
_TAG = struct.Struct("<II")


@dataclass(frozen=True)
class Module:
    """One module; `name` is its path below the folder that GRUB reads."""

    name: str
    data: bytes
    command_line: str


@dataclass(frozen=True)
class PlacedModule:
    start: int
    size: int
    command_line: str


def information(
    version: int, address: int, kernel: Loadable, sections: Sections | None, modules: Sequence[PlacedModule]
) -> bytes:
    """A multiple of 8 bytes, for this address; `sections` have the addresses where they lie."""
    if version == 2:
        return _multiboot2(kernel, sections, modules)
    return _multiboot1(address, sections, modules)


def _tag(kind: int, body: bytes) -> bytes:
    tag = _TAG.pack(kind, _TAG.size + len(body)) + body
    return tag + bytes(-len(tag) % 8)


def _multiboot2(kernel: Loadable, sections: Sections | None, modules: Sequence[PlacedModule]) -> bytes:
    tags = [_TAG.pack(0, 0), _tag(2, LOADER)]  # first the whole size, which the stub writes
    for module in modules:
        place = struct.pack("<II", module.start, module.start + module.size)
        tags.append(_tag(3, place + module.command_line.encode() + b"\0"))
    if sections:
        head = struct.pack("<III", len(sections.headers), sections.entry_size, sections.names_index)
        tags.append(_tag(9, head + b"".join(sections.headers)))
    tags.append(_tag(21, struct.pack("<I", kernel.load_base)))
    return b"".join(tags)


def _multiboot1(address: int, sections: Sections | None, modules: Sequence[PlacedModule]) -> bytes:
    flags = 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9  # memory, command line, modules, memory map, loader's name
    body = bytearray(120)
    name_at = len(body)
    body += LOADER + bytes(-len(LOADER) % 8)
    list_at = len(body)
    body += bytes(16 * len(modules))
    for number, module in enumerate(modules):
        end = module.start + module.size
        struct.pack_into("<IIII", body, list_at + 16 * number, module.start, end, address + len(body), 0)
        body += module.command_line.encode() + b"\0"
    if sections:
        flags |= 1 << 5
        body += bytes(-len(body) % 8)
        place = (len(sections.headers), sections.entry_size, address + len(body), sections.names_index)
        struct.pack_into("<IIII", body, 28, *place)
        body += b"".join(sections.headers)
    struct.pack_into("<I", body, 0, flags)
    struct.pack_into("<II", body, 20, len(modules), address + list_at)
    struct.pack_into("<I", body, 64, address + name_at)
    return bytes(body + bytes(-len(body) % 8))

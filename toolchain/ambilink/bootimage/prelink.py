"""Linking at build time: what `linker = "pack"` puts into a boot image.

Every library gets one address for the whole image, every program one too. The model links each program there, and its
writable pages are stored as they are after relocation, each different run once. Boot maps and copies: pages that stay
writable are copied, those of RELRO are mapped from the image, shared like text. The start block is stored as well.

    pack/pages       the finished pages of all programs and libraries
    pack/<program>   struct image_packed, its mappings and the start block (boot/include/ambilink/image.h)
"""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage.layout import PAGE_SIZE, FileKind, round_up
from ambilink.bootimage.linked import PROT_WRITE, Linked, Store
from ambilink.elf.layout import ET_DYN
from ambilink.errors import AmbilinkError
from ambilink.link.closure import load_needed
from ambilink.link.module import Module

PAGES_FILE = "pack/pages"
FOLDER = "pack"
MAGIC = int.from_bytes(b"AMBPACK1", "little")
PACKED = struct.Struct("<10Q2I")
MAPPING = struct.Struct("<4Q4I")
# Between what the loader service and the kernel choose by themselves, with room below for what is opened later.
REGION_LOW, REGION_HIGH = 0x7100_0000_0000, 0x7E00_0000_0000
MEMORY_MAX, ALIGN_MAX = 1 << 28, 1 << 30  # of an object
SLOT = 1 << 16  # objects begin at multiples, with room to grow: a change of one seldom moves others

Contents = Mapping[str, tuple[FileKind, bytes]]


@dataclass(frozen=True)
class Addresses:
    """Load biases by file, and where every start block lies."""

    low: int
    high: int
    block: int
    biases: Mapping[str, int]


class _Pages:
    """The file of finished pages; equal runs are stored once."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._known: dict[bytes, int] = {}

    def add(self, run: bytes) -> int:
        if run not in self._known:
            self._known[run] = len(self.data)
            self.data += run + bytes(-len(run) % PAGE_SIZE)
        return self._known[run]


Program = tuple[str, tuple[str, ...]]  # its name in the image, and the libraries that are preloaded


def modules_of(where: Path, contents: Contents, program: str, preload: Sequence[str] = ()) -> list[Module]:
    """A program and what it needs, in search order."""
    found: dict[str, Module] = {}

    def take(name: str, referrer: str) -> Module:
        if name not in found:
            if name not in contents:
                raise AmbilinkError(where, f"{referrer} needs {name}, which is not in the image", "add the library")
            soname = name.split("/")[-1] if contents[name][0].is_library else name
            found[name] = Module(soname, Path(name), contents[name][1])
        return found[name]

    def need(module: Module, soname: str, optional: bool) -> Module | None:
        name = f"lib/{soname}"
        return None if optional and name not in contents else take(name, module.name)

    order = [take(program, program)]
    for soname in preload:
        found_first = take(f"lib/{soname}", program)
        if found_first not in order:
            order.append(found_first)
    load_needed(order, need)
    return order


def default_seed(manifest: bytes) -> int:
    """Another one for each manifest, the same for each build of it."""
    return int.from_bytes(hashlib.blake2b(manifest, digest_size=8).digest(), "little")


def place(closures: Mapping[str, Sequence[Module]], block_size: int, seed: int) -> Addresses:
    """The start block first, then the programs (one place for all: no process has two), then the libraries."""

    def draw(text: str) -> int:
        return int.from_bytes(hashlib.blake2b(f"{seed} {text}".encode(), digest_size=8).digest(), "little")

    sizes: dict[str, Module] = {}
    for modules in closures.values():
        for module in modules:
            if module.type != ET_DYN:
                raise module.refuse("has a fixed address, and pack chooses it", "link it as a PIE")
            if module.high - module.low > MEMORY_MAX or module.align > ALIGN_MAX:
                raise module.refuse(
                    f"has {module.high - module.low:,} bytes of memory, aligned to {module.align:#x}, and pack takes "
                    f"{MEMORY_MAX:,} and {ALIGN_MAX:#x} at most",
                    "let the loader link it",
                )
            sizes[str(module.path)] = module
    programs = {str(modules[0].path) for modules in closures.values()}

    def room(module: Module) -> int:
        return round_up((module.high - module.low) * 5 // 4, max(SLOT, module.align))

    low = at = REGION_LOW + draw("base") % ((REGION_HIGH - REGION_LOW) // SLOT) * SLOT
    biases = {}
    at += round_up(block_size, SLOT)
    align = max(module.align for module in sizes.values())
    at = round_up(at, align)
    for name in programs:
        biases[name] = at - sizes[name].low
    at += max(room(sizes[name]) for name in programs)
    for name in sorted((name for name in sizes if name not in programs), key=draw):
        at = round_up(at, sizes[name].align)
        biases[name] = at - sizes[name].low
        at += room(sizes[name])
    return Addresses(low, at, low, biases)


def packed_name(program: Program) -> str:
    """The file that says how to start a program."""
    return "+".join((f"{FOLDER}/{program[0].split('/', 1)[1]}", *program[1]))


def _record(linked: Linked, addresses: Addresses, pages: _Pages, files: Sequence[str]) -> bytes:
    """struct image_packed, its mappings and the start block."""
    mappings = []
    for piece in linked.pieces:
        file = piece.file or PAGES_FILE
        source = piece.source if piece.file else pages.add(piece.run) if piece.run else 0
        copied = len(piece.run) if piece.prot & PROT_WRITE else 0
        where = (piece.address, piece.size, source, copied)
        mappings.append(MAPPING.pack(*where, files.index(file), piece.prot, piece.module, 0))
    block_at = round_up(PACKED.size + MAPPING.size * len(mappings), 16)
    head = PACKED.pack(
        MAGIC,
        addresses.low,
        addresses.high,
        linked.entry,
        linked.program_headers,
        linked.program_header_count,
        addresses.block,
        block_at,
        len(linked.block),
        linked.link_offset,
        len(mappings),
        PACKED.size,
    )
    return b"".join((head, *mappings)).ljust(block_at, b"\0") + linked.block


def prelink(
    where: Path, contents: Contents, programs: Sequence[Program], seed: int, store: Store
) -> dict[str, tuple[FileKind, bytes]]:
    """The files to add for programs. `contents` are all other files of it, in the order
    in which they will be there."""
    closures = {packed_name(each): modules_of(where, contents, *each) for each in programs}
    largest = max(
        sum(PAGE_SIZE // 4 * (2 + len(module.name) // 512) for module in modules) for modules in closures.values()
    )
    blocks_limit = round_up(largest + 16 * PAGE_SIZE, SLOT)
    addresses = place(closures, blocks_limit, seed)
    pages = _Pages()
    files = [*contents, PAGES_FILE]
    records: dict[str, tuple[FileKind, bytes]] = {}
    for name, modules in closures.items():
        linked = store.link(modules, [addresses.biases[str(module.path)] for module in modules], addresses.block)
        if round_up(len(linked.block)) > blocks_limit:
            raise AmbilinkError(
                modules[0].path, "has more constructors than fit before the objects", "report this: it is a defect"
            )
        records[name] = (FileKind.PACKED, _record(linked, addresses, pages, files))
    store.trim()
    return {PAGES_FILE: (FileKind.PAGES, bytes(pages.data))} | records

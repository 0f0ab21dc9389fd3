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

from ambilink.errors import AmbilinkError
from ambilink.image import start_block
from ambilink.image.layout import PAGE_SIZE, FileKind, round_up
from ambilink.link.image import ET_DYN, PF_W, PF_X, Image
from ambilink.link.relocate import Link

PAGES_FILE = "pack/pages"
FOLDER = "pack"
MAGIC = int.from_bytes(b"AMBPACK1", "little")
PACKED = struct.Struct("<10Q2I")
MAPPING = struct.Struct("<4Q4I")
PROT_READ, PROT_WRITE, PROT_EXECUTE = 1, 2, 4
# Between what the loader service and the kernel choose by themselves, with room below for what is opened later.
REGION_LOW, REGION_HIGH = 0x7100_0000_0000, 0x7E00_0000_0000
SLOT = 1 << 16  # objects begin at multiples, with room to grow: a change of one seldom moves others

Contents = Mapping[str, tuple[FileKind, bytes]]


@dataclass(frozen=True)
class Addresses:
    """Load biases by file, and where every start block lies."""

    low: int
    high: int
    block: int
    biases: Mapping[str, int]


@dataclass(frozen=True)
class _Mapping:
    address: int
    size: int
    file: str
    source: int  # offset in the file
    source_size: int  # bytes to copy; 0: mapped from the image
    prot: int
    module: int

    def pack(self, files: Sequence[str]) -> bytes:
        return MAPPING.pack(
            self.address, self.size, self.source, self.source_size, files.index(self.file), self.prot, self.module, 0
        )


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


def images_of(where: Path, contents: Contents, program: str) -> list[Image]:
    """A program and what it needs, in search order."""
    found: dict[str, Image] = {}

    def take(name: str, referrer: str) -> Image:
        if name not in found:
            if name not in contents:
                raise AmbilinkError(where, f"{referrer} needs {name}, which is not in the image", "add the library")
            soname = name.split("/")[-1] if contents[name][0] is FileKind.LIBRARY else name
            found[name] = Image(soname, Path(name), contents[name][1])
        return found[name]

    order = [take(program, program)]
    for image in order:  # grows as it goes
        image.needed = [take(f"lib/{soname}", image.name) for soname in image.needed_names]
        order += [other for other in image.needed if other not in order]
    return order


def default_seed(manifest: bytes) -> int:
    """Another one for each manifest, the same for each build of it."""
    return int.from_bytes(hashlib.blake2b(manifest, digest_size=8).digest(), "little")


def place(closures: Mapping[str, Sequence[Image]], block_size: int, seed: int) -> Addresses:
    """The start block first, then the programs (one place for all: no process has two), then the libraries."""

    def draw(text: str) -> int:
        return int.from_bytes(hashlib.blake2b(f"{seed} {text}".encode(), digest_size=8).digest(), "little")

    sizes: dict[str, Image] = {}
    for images in closures.values():
        for image in images:
            if image.type != ET_DYN:
                raise AmbilinkError(image.path, "has a fixed address, and pack chooses it", "link it as a PIE")
            sizes[str(image.path)] = image
    programs = {str(images[0].path) for images in closures.values()}

    def room(image: Image) -> int:
        return round_up((image.high - image.low) * 5 // 4, max(SLOT, image.align))

    low = at = REGION_LOW + draw("base") % ((REGION_HIGH - REGION_LOW) // SLOT) * SLOT
    biases = {}
    at += round_up(block_size, SLOT)
    align = max(image.align for image in sizes.values())
    at = round_up(at, align)
    for name in programs:
        biases[name] = at - sizes[name].low
    at += max(room(sizes[name]) for name in programs)
    for name in sorted((name for name in sizes if name not in programs), key=draw):
        at = round_up(at, sizes[name].align)
        biases[name] = at - sizes[name].low
        at += room(sizes[name])
    return Addresses(low, at, low, biases)


def _mappings(result: Link, pages: _Pages) -> list[_Mapping]:
    found = []
    waiting = {id(image) for image, _, _ in start_block.waiting_relro(result)}
    for module, image in enumerate(result.images):
        name = str(image.path)
        relro = (0, 0) if id(image) in waiting else start_block.relro_pages(image)
        for segment in image.segments:
            start = segment.address & -PAGE_SIZE
            size = round_up(segment.address + segment.memory_size) - start
            if not segment.flags & PF_W:
                prot = PROT_READ | (PROT_EXECUTE if segment.flags & PF_X else 0)
                found.append(_Mapping(image.bias + start, size, name, segment.offset & -PAGE_SIZE, 0, prot, module))
                continue
            window = image.windows[start]
            fixed = max(0, min(relro[1], start + size) - start) if relro[0] <= start < relro[1] else 0
            if fixed:
                source = pages.add(bytes(window[:fixed]))
                found.append(_Mapping(image.bias + start, fixed, PAGES_FILE, source, 0, PROT_READ, module))
            rest = bytes(window[fixed:])
            if rest:
                run = rest.rstrip(b"\0")
                source = pages.add(run) if run else 0
                prot = PROT_READ | PROT_WRITE
                found.append(
                    _Mapping(image.bias + start + fixed, len(rest), PAGES_FILE, source, len(run), prot, module)
                )
    return found


def packed_name(program: str) -> str:
    """The file that says how to start a program."""
    return f"{FOLDER}/{program.split('/', 1)[1]}"


def prelink(where: Path, contents: Contents, programs: Sequence[str], seed: int) -> dict[str, tuple[FileKind, bytes]]:
    """The files to add for programs, by their names in the image. `contents` are all other files of it, in the order
    in which they will be there."""
    closures = {program: images_of(where, contents, program) for program in programs}
    largest = max(
        sum(PAGE_SIZE // 4 * (2 + len(image.name) // 512) for image in images) for images in closures.values()
    )
    blocks_limit = round_up(largest + 16 * PAGE_SIZE, SLOT)
    addresses = place(closures, blocks_limit, seed)
    pages = _Pages()
    files = [*contents, PAGES_FILE]
    records: dict[str, bytes] = {}
    for program, images in closures.items():
        result = start_block.link_at(images, [addresses.biases[str(image.path)] for image in images])
        block = start_block.build(result, addresses.block)
        if round_up(len(block.data)) > blocks_limit:
            raise AmbilinkError(
                Path(program), "has more constructors than fit before the objects", "report this: it is a defect"
            )
        first = images[0]
        if first.debug_address:
            _write(first, first.debug_address, addresses.block + block.link)
        mappings = _mappings(result, pages)
        block_at = round_up(PACKED.size + MAPPING.size * len(mappings), 16)
        records[program] = b"".join(
            (
                PACKED.pack(
                    MAGIC,
                    addresses.low,
                    addresses.high,
                    first.bias + first.entry,
                    first.bias + first.headers_address if first.header_count else 0,
                    first.header_count,
                    addresses.block,
                    block_at,
                    len(block.data),
                    block.link,
                    len(mappings),
                    PACKED.size,
                ),
                *(mapping.pack(files) for mapping in mappings),
            )
        ).ljust(block_at, b"\0")
        records[program] += block.data
    added: dict[str, tuple[FileKind, bytes]] = {PAGES_FILE: (FileKind.PAGES, bytes(pages.data))}
    for program, record in records.items():
        added[packed_name(program)] = (FileKind.PACKED, record)
    return added


def _write(image: Image, address: int, value: int) -> None:
    for start, window in image.windows.items():
        if 0 <= address - start <= len(window) - 8:
            window[address - start : address - start + 8] = value.to_bytes(8, "little")

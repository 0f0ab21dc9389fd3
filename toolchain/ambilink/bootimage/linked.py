"""One program, linked at build time at given addresses: what `prelink` puts together, and keeps from build to build.

A program is linked again when it, or anything that it needs, has other contents or another address, or when the code of
this package changed. All else is taken over.
"""

import hashlib
import json
import os
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from ambilink.bootimage import start_block
from ambilink.bootimage.layout import PAGE_SIZE, round_up
from ambilink.files import write_atomically
from ambilink.link.lazy import relro_pages
from ambilink.link.module import Module
from ambilink.link.relocate import Link

PROT_READ, PROT_WRITE, PROT_EXECUTE = 1, 2, 4
KEPT = 256  # programs, over all images of a build folder
DIGEST_SIZE = 32
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Piece:
    """A range of the program's address space."""

    address: int
    size: int
    prot: int
    module: int  # which of the objects, in the order of loading
    file: str  # mapped from this file of the image; "": from `run`
    source: int  # offset in that file
    run: bytes  # finished pages, without the zero bytes at the end of those that stay writable


@dataclass(frozen=True)
class Linked:
    entry: int
    program_headers: int
    program_header_count: int
    link_offset: int  # of struct start_link in the block
    block: bytes
    pieces: tuple[Piece, ...]


def _pieces(result: Link) -> list[Piece]:
    found = []
    waiting = {id(module) for module, _, _ in start_block.waiting_relro(result)}
    for number, module in enumerate(result.modules):
        relro = (0, 0) if id(module) in waiting else relro_pages(module)
        for segment, following in zip(module.loads, [*module.loads[1:], None], strict=True):
            start = segment.address & -PAGE_SIZE
            end = round_up(segment.address + segment.memory_size)
            if following is not None:  # a page of two segments is the later one's, with the contents of both
                end = min(end, following.address & -PAGE_SIZE)
            size = end - start
            if not size:
                continue
            address = module.bias + start
            if not segment.writable:
                prot = PROT_READ | (PROT_EXECUTE if segment.executable else 0)
                found.append(Piece(address, size, prot, number, str(module.path), segment.offset & -PAGE_SIZE, b""))
                continue
            memory = module.writable[start]
            fixed = max(0, min(relro[1], start + size) - start) if relro[0] <= start < relro[1] else 0
            if fixed:
                found.append(Piece(address, fixed, PROT_READ, number, "", 0, bytes(memory[:fixed])))
            rest = bytes(memory[fixed:])
            if rest:
                prot = PROT_READ | PROT_WRITE
                found.append(Piece(address + fixed, len(rest), prot, number, "", 0, rest.rstrip(b"\0")))
    return found


def link_program(modules: Sequence[Module], biases: Sequence[int], block_address: int) -> Linked:
    """`modules`: the program and what it needs, in search order."""
    result = start_block.link_at(modules, biases)
    block = start_block.build(result, block_address)
    first = modules[0]
    if not any(each.address <= first.entry < each.end for each in first.loads):
        raise first.refuse(f"has the entry point {first.entry:#x}, outside its segments")
    found = first.find_writable(first.debug_address, 8) if first.debug_address else None
    if found:
        memory, at = found
        memory[at : at + 8] = (block_address + block.link).to_bytes(8, "little")
    headers, count = first.program_headers
    return Linked(
        first.bias + first.entry,
        first.bias + headers if count else 0,
        count,
        block.link,
        block.data,
        tuple(_pieces(result)),
    )


@cache
def _code_digest() -> bytes:
    """Of all that decides what linking gives."""
    package = Path(__file__).parents[1]
    folders = (package / "elf", package / "link")
    paths = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    paths += [package / "bootimage/start_block.py", Path(__file__)]
    return hashlib.blake2b(b"".join(path.read_bytes() for path in paths)).digest()


def _key(modules: Sequence[Module], biases: Sequence[int], block_address: int) -> str:
    key = hashlib.blake2b(_code_digest(), digest_size=DIGEST_SIZE)
    key.update(_LENGTH.pack(block_address))
    for module, bias in zip(modules, biases, strict=True):
        # `path` is the name in the image.
        key.update(f"{module.name}\0{module.path}\0".encode() + _LENGTH.pack(bias))
        key.update(hashlib.blake2b(module.data).digest())
    return key.hexdigest()


class Store:
    """Linked programs in a folder, the least recently used given up first."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.linked = self.taken = 0  # programs

    def link(self, modules: Sequence[Module], biases: Sequence[int], block_address: int) -> Linked:
        if self.folder is None:
            self.linked += 1
            return link_program(modules, biases, block_address)
        path = self.folder / _key(modules, biases, block_address)
        found = _load(path)
        if found is None:
            found = link_program(modules, biases, block_address)
            self.linked += 1
            _save(path, found)
        else:
            self.taken += 1
            os.utime(path)
        return found

    def trim(self) -> None:
        if self.folder is None or not self.folder.is_dir():
            return
        paths = sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in paths[KEPT:]:
            path.unlink(missing_ok=True)


def _save(path: Path, linked: Linked) -> None:
    pieces = [{**asdict(piece), "run": len(piece.run)} for piece in linked.pieces]
    head = json.dumps({**asdict(linked), "block": len(linked.block), "pieces": pieces}).encode()
    body = b"".join((_LENGTH.pack(len(head)), head, linked.block, *(piece.run for piece in linked.pieces)))
    write_atomically(path, hashlib.blake2b(body, digest_size=DIGEST_SIZE).digest() + body)


def _load(path: Path) -> Linked | None:
    """None where there is none, or a damaged one."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, body = data[:DIGEST_SIZE], data[DIGEST_SIZE:]
    if hashlib.blake2b(body, digest_size=DIGEST_SIZE).digest() != digest:
        return None
    at = _LENGTH.size + _LENGTH.unpack_from(body)[0]
    head = json.loads(body[_LENGTH.size : at])

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return body[at - size : at]

    head["block"] = take(head["block"])
    head["pieces"] = tuple(Piece(**{**piece, "run": take(piece["run"])}) for piece in head["pieces"])
    return Linked(**head)

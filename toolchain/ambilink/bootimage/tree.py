"""The tree of digests over an archive's pages: boot/include/ambilink/image.h, libs/imagetree/src/tree.c in Python."""

import hashlib
from collections.abc import Iterator
from enum import IntEnum

import google_crc32c

from ambilink.errors import AmbilinkError

PAGE_SIZE = 4096
BLOCK_SIZE = 64  # bytes that BLAKE3 takes at once
DIGEST_SIZE = 32


class DigestKind(IntEnum):
    """What a tree consists of. The first detects corruption; a signature can vouch for the second."""

    CRC32C = 0
    BLAKE3 = 1

    def require(self, where: object) -> None:
        """That it can be computed here. The package is one that only signed images need."""
        if self is DigestKind.BLAKE3:
            try:
                import blake3  # noqa: F401
            except ImportError as error:
                rule = "is signed, or is to be, and what computes its digests is not here (no blake3)"
                raise AmbilinkError(where, rule, "pip install 'ambilink[sign]'") from error

    @property
    def size(self) -> int:
        return 4 if self is DigestKind.CRC32C else DIGEST_SIZE


def digest_of(data: bytes | bytearray | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_SIZE).digest()


def checksum_of(data: bytes | bytearray | memoryview) -> int:
    value: int = google_crc32c.value(bytes(data))
    return value


def _hash(page: bytes) -> bytes:
    """Without the zero blocks at its end."""
    from blake3 import blake3

    used = -(-len(page.rstrip(b"\0")) // BLOCK_SIZE) * BLOCK_SIZE
    digest: bytes = blake3(page[:used]).digest()
    return digest


def page_digest(kind: DigestKind, page: bytes) -> bytes:
    return _hash(page) if kind is DigestKind.BLAKE3 else checksum_of(page).to_bytes(4, "little")


def _pages(data: bytes) -> Iterator[bytes]:
    return (data[at : at + PAGE_SIZE] for at in range(0, len(data), PAGE_SIZE))


def _level(kind: DigestKind, digests: list[bytes]) -> bytes:
    level = b"".join(digests)
    return level + bytes(-len(level) % PAGE_SIZE)


def build_tree(kind: DigestKind, data: bytes) -> tuple[bytes, bytes]:
    """The tree over pages, of which the first is the header's, and its root."""
    digests = [page_digest(kind, page) for page in _pages(data)]
    digests[0] = bytes(kind.size)
    tree = b""
    while True:
        level = _level(kind, digests)
        tree += level
        digests = [page_digest(kind, page) for page in _pages(level)]
        if len(digests) == 1:
            return tree, digests[0]


def tree_pages(kind: DigestKind, pages: int) -> int:
    """How many pages the tree over so many pages has."""
    count = 0
    while True:
        pages = -(-pages * kind.size // PAGE_SIZE)
        count += pages
        if pages <= 1:
            return count


def damaged_pages(kind: DigestKind, data: bytes, tree_offset: int, root: bytes) -> set[int]:
    """Pages of an archive that do not match the tree, and pages of the tree that do not match their level above: all
    that a reader would refuse. Pages below a damaged page of the tree cannot be checked, and are all refused."""
    levels = [(0, tree_offset // PAGE_SIZE)]
    at = tree_offset // PAGE_SIZE
    while len(levels) == 1 or levels[-1][1] > 1:
        count = -(-levels[-1][1] * kind.size // PAGE_SIZE)
        levels.append((at, count))
        at += count
    bad: set[int] = set()
    for depth in range(len(levels) - 1, -1, -1):
        first, count = levels[depth]
        for number in range(count):
            page = data[(first + number) * PAGE_SIZE : (first + number + 1) * PAGE_SIZE]
            if depth == len(levels) - 1:
                expected, parent = root[: kind.size], None
            else:
                place = number * kind.size
                parent = levels[depth + 1][0] + place // PAGE_SIZE
                start = levels[depth + 1][0] * PAGE_SIZE + place
                expected = data[start : start + kind.size]
            found = bytes(kind.size) if depth == 0 and number == 0 else page_digest(kind, page)
            if parent in bad or found != expected:
                bad.add(first + number)
        if depth and not _padded(kind, levels, depth, data):
            bad.add(first + count - 1)
    return bad - {0}


def _padded(kind: DigestKind, levels: list[tuple[int, int]], depth: int, data: bytes) -> bool:
    """Behind a level's last digest there are zero bytes."""
    first, count = levels[depth]
    end = first * PAGE_SIZE + levels[depth - 1][1] * kind.size
    return not any(data[end : (first + count) * PAGE_SIZE])

"""The kernel's hash of pages is BLAKE3: by the vectors that its authors publish, and the package `blake3`."""

import ctypes
import random

from blake3 import blake3

from ambilink.bootimage.tree import BLOCK_SIZE, PAGE_SIZE, DigestKind, page_digest

# test_vectors.json of https://github.com/BLAKE3-team/BLAKE3: those of whole blocks, up to a page.
PUBLISHED = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
    2048: "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
    3072: "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2",
    4096: "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969",
}
BLOCKS = PAGE_SIZE // BLOCK_SIZE


def of_blocks(library: ctypes.CDLL, page: bytes, blocks: int) -> bytes:
    digest = ctypes.create_string_buffer(32)
    library.blake3_of_blocks(page, ctypes.c_uint(blocks), digest)
    return digest.raw


def test_published_vectors(library):
    page = bytes(i % 251 for i in range(PAGE_SIZE))
    for size, digest in PUBLISHED.items():
        assert of_blocks(library, page, size // BLOCK_SIZE).hex() == digest, size


def test_every_length(library):
    """As the package has it; what lies behind the blocks does not matter."""
    draw = random.Random(3)
    for blocks in range(BLOCKS + 1):
        page = draw.randbytes(PAGE_SIZE)
        assert of_blocks(library, page, blocks) == blake3(page[: blocks * BLOCK_SIZE]).digest(), blocks


def test_pages(library):
    """Zero blocks at the end are left out, wherever the last byte is; the packer does the same."""
    draw, digest = random.Random(4), ctypes.create_string_buffer(32)
    ends = (0, 1, 63, 64, 65, 1023, 1024, 1025, 3071, 3073, 3137, 4095, 4096)
    for end in (*ends, *(draw.randrange(4096) for _ in range(40))):
        page = (draw.randbytes(end)[:-1] + b"\x01" if end else b"").ljust(PAGE_SIZE, b"\0")
        aligned = (ctypes.c_uint64 * (PAGE_SIZE // 8)).from_buffer_copy(page)
        library.page_digest(ctypes.c_uint32(DigestKind.BLAKE3), aligned, digest)
        assert digest.raw == page_digest(DigestKind.BLAKE3, page), end

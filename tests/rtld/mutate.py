"""mutate.py LIBRARY SEED ROUNDS FILE DEPENDENCY...: link damaged copies of FILE; prints how many linked and
how many were refused. The round is printed before it runs, so that a crash can be repeated."""

import ctypes
import mmap
import random
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.rtld.core import BLOCK_SIZE, FIND, LOG_SIZE, PAGE, SPACE_BASE, SPACE_SIZE, Host, HostFile

INTERESTING = [
    0,
    1,
    7,
    8,
    0x7F,
    0xFF,
    0xFFF,
    0x1000,
    0xFFFF,
    1 << 31,
    (1 << 32) - 1,
    1 << 47,
    (1 << 63) - 1,
    (1 << 64) - 8,
    (1 << 64) - 1,
]
libc = ctypes.CDLL(None, use_errno=True)


class Guarded:
    """Bytes whose end lies on a page border, with an inaccessible page behind."""

    def __init__(self, size: int) -> None:
        self.size = (size + PAGE - 1) // PAGE * PAGE
        self.map = mmap.mmap(-1, self.size + PAGE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        if libc.mprotect(ctypes.c_void_p(self.address + self.size), PAGE, 0) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")

    def put(self, data: bytes) -> None:
        self.map[: self.size] = data + bytes(self.size - len(data))


def spots(data: bytes) -> list[int]:
    """Where structure lies: headers, the dynamic section, and the tables that it leads to."""
    found = list(range(0, 64, 2))
    at, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    found += range(at, at + 56 * count, 4)
    for index in range(count):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", data, at + 56 * index)
        if kind == 2:
            found += range(offset, offset + size, 8)
            tables = {tag: value for tag, value in struct.iter_unpack("<QQ", data[offset : offset + size])}
            for tag in (4, 5, 6, 7, 23, 36, 0x6FFFFEF5):  # in read-only segments, where address and offset agree
                start = tables.get(tag, 0)
                found += range(start, min(start + 256, len(data) - 8), 4)
    return found


def mutate(data: bytes, chance: random.Random, places: list[int]) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.choice(places) if chance.random() < 0.9 else chance.randrange(len(data) - 8)
        if at + 8 > len(changed):
            continue
        size, form = chance.choice(((1, "<B"), (2, "<H"), (4, "<I"), (8, "<Q")))
        limit = 1 << 8 * size
        old = struct.unpack_from(form, changed, at)[0]
        new = chance.choice(
            (
                chance.choice(INTERESTING),
                chance.randrange(limit),
                old + chance.choice((-8, -1, 1, 8, 4096)),
                old ^ 1 << chance.randrange(8 * size),
            )
        )
        struct.pack_into(form, changed, at, new % limit)
    if chance.random() < 0.05:
        del changed[chance.randrange(64, len(changed)) // 8 * 8 :]
    return bytes(changed)


def main() -> None:
    library, seed, rounds, *paths = sys.argv[1:]
    core = ctypes.CDLL(library)
    originals = [Path(path).read_bytes() for path in paths]
    guards = [Guarded(len(data)) for data in originals]
    table = (HostFile * len(paths))()
    numbers = {Path(path).name.encode(): number for number, path in enumerate(paths)}
    for index, (data, guard) in enumerate(zip(originals, guards, strict=True)):
        guard.put(data)
        table[index] = HostFile(guard.address, guard.size)
    space, log, block = (ctypes.create_string_buffer(size) for size in (SPACE_SIZE, LOG_SIZE, BLOCK_SIZE))
    host = Host(
        table,
        FIND(lambda _, name: numbers.get(name, -1)),
        b"program",
        ctypes.addressof(space),
        SPACE_BASE,
        SPACE_SIZE,
        ctypes.addressof(block),
        BLOCK_SIZE,
        ctypes.addressof(log),
        LOG_SIZE,
    )
    chance = random.Random(int(seed))
    places = spots(originals[0])
    results = [0, 0]
    for number in range(int(rounds)):
        data = mutate(originals[0], chance, places)
        guards[0].put(data)
        # A truncated file ends at the guard too.
        table[0].size = guards[0].size if len(data) == len(originals[0]) else len(data) // PAGE * PAGE
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        results[core.host_link(ctypes.byref(host))] += 1
    print(results[1], results[0])


main()

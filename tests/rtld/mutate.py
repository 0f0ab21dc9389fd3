"""mutate.py LIBRARY SEED ROUNDS FILE DEPENDENCY...: link damaged copies of FILE; prints how many linked and
how many were refused. Each change is printed before it is tried, so that a crash can be repeated."""

import ctypes
import mmap
import struct
import sys
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))
from ambilink.core.linker import Input, Linker, Memory
from ambilink.elf.layout import PAGE

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


Edit = tuple[int, int, str, int]  # offset, size, how, value


def edits(places: list[int], size: int) -> st.SearchStrategy[list[Edit]]:
    """A few changed words, mostly where structure lies."""
    where = st.one_of(st.sampled_from(places), st.sampled_from(places), st.integers(64, size - 8))
    how = st.sampled_from(["set", "set", "add", "flip"])
    value = st.one_of(st.sampled_from(INTERESTING), st.integers(0, (1 << 64) - 1))
    return st.lists(st.tuples(where, st.sampled_from([1, 2, 4, 8]), how, value), min_size=1, max_size=4)


def apply(data: bytes, changes: list[Edit]) -> bytes:
    changed = bytearray(data)
    for at, size, how, value in changes:
        if at + size > len(changed):
            continue
        old = int.from_bytes(changed[at : at + size], "little")
        if how == "set":
            new = value
        elif how == "add":
            new = old + (-8, -1, 1, 8, 4096)[value % 5]
        else:
            new = old ^ 1 << value % (8 * size)
        changed[at : at + size] = (new % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(changed)


def main() -> None:
    library, seed, rounds, *paths = sys.argv[1:]
    core = Linker(Path(library))
    originals = [Path(path).read_bytes() for path in paths]
    guards = [Guarded(len(data)) for data in originals]
    for data, guard in zip(originals, guards, strict=True):
        guard.put(data)
    files = Input([])
    files.addresses = [(guard.address, guard.size) for guard in guards]
    numbers = {Path(path).name: number for number, path in enumerate(paths)}
    table = files.table([numbers] * len(paths))
    memory = Memory()
    results = [0, 0]
    size = len(originals[0])

    @hypothesis.seed(int(seed))
    @settings(max_examples=int(rounds), database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(edits(spots(originals[0]), size), st.one_of(st.just(size), st.integers(64, size)))
    def link(changes: list[Edit], length: int) -> None:
        guards[0].put(apply(originals[0], changes))
        # A truncated file ends at the guard too.
        table[0].size = guards[0].size if length == size else length // PAGE * PAGE
        sys.stdout.write(f"{changes} {length}\n")
        sys.stdout.flush()
        results[core.run(core.request("program", table, memory), memory).good] += 1

    link()
    print(results[1], results[0])


main()

"""Reading four-level page tables from a machine's memory (Intel volume 3A, 4.5)."""

from collections.abc import Iterator
from dataclasses import dataclass

from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory

ADDRESS_MASK = 0x000FFFFFFFFFF000
PRESENT, WRITE, USER, LARGE = 1, 2, 4, 0x80
NO_EXECUTE = 1 << 63
USER_HALF = 256  # entries of the top-level table


@dataclass(frozen=True)
class Page:
    address: int
    frame: int
    writable: bool
    executable: bool


def user_pages(memory: PhysicalMemory, table: int) -> Iterator[Page]:
    """Every page that user mode can reach, by ascending address."""
    yield from _walk(memory, table, 39, 0, True, True)


def _walk(
    memory: PhysicalMemory, table: int, shift: int, base: int, writable: bool, executable: bool
) -> Iterator[Page]:
    count = USER_HALF if shift == 39 else 512
    for index, entry in enumerate(memory.words(table, count)):
        if not entry & PRESENT or not entry & USER:
            continue
        address = base + (index << shift)
        may_write = writable and bool(entry & WRITE)
        may_execute = executable and not entry & NO_EXECUTE
        if shift == 12:
            yield Page(address, entry & ADDRESS_MASK, may_write, may_execute)
        elif entry & LARGE:
            frame = entry & ADDRESS_MASK & ~((1 << shift) - 1)
            for offset in range(0, 1 << shift, PAGE_SIZE):
                yield Page(address + offset, frame + offset, may_write, may_execute)
        else:
            yield from _walk(memory, entry & ADDRESS_MASK, shift - 9, address, may_write, may_execute)

"""Reading four-level page tables from a machine's memory (Intel volume 3A, 4.5)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ambilink.errors import AmbilinkError
from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory

ADDRESS_MASK = 0x000FFFFFFFFFF000
PRESENT, WRITE, USER, LARGE = 1, 2, 4, 0x80
NO_EXECUTE = 1 << 63
TABLES_MAX = 1 << 12  # 8 GiB of pages: more have damaged tables only
USER_HALF = 256  # entries of the top-level table


@dataclass(frozen=True)
class Page:
    address: int
    frame: int
    writable: bool
    executable: bool


def user_pages(memory: PhysicalMemory, table: int) -> Iterator[Page]:
    """Every page that user mode can reach, by ascending address."""
    tables = 0

    def entries(table: int, count: int) -> Iterator[int]:
        nonlocal tables
        tables += 1
        if tables > TABLES_MAX:
            raise AmbilinkError("the guest's page tables", "have no end", "the guest's memory is damaged")
        try:
            return memory.words(table, count)
        except IndexError as error:
            raise AmbilinkError("the guest's page tables", str(error), "the guest's memory is damaged") from error

    yield from _walk(entries, table, 39, 0, True, True)


def _walk(
    entries: Callable[[int, int], Iterator[int]], table: int, shift: int, base: int, writable: bool, executable: bool
) -> Iterator[Page]:
    count = USER_HALF if shift == 39 else 512
    for index, entry in enumerate(entries(table, count)):
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
            yield from _walk(entries, entry & ADDRESS_MASK, shift - 9, address, may_write, may_execute)

"""Reading four-level page tables from a machine's memory (Intel volume 3A, 4.5)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ambilink.errors import AmbilinkError
from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory

ADDRESS_MASK = 0x000FFFFFFFFFF000
PRESENT, WRITE, USER, LARGE = 1, 2, 4, 0x80
# The kernel's: present once it was touched, if it is what was packed (boot/kernel/memory/guard.h).
WITHHELD = 0x400
NO_EXECUTE = 1 << 63
TABLES_MAX = 1 << 12  # 8 GiB of pages: more have damaged tables only
USER_HALF = 256  # entries of the top-level table
KERNEL_BITS = 0xFFFF << 48  # of addresses of the other half


@dataclass(frozen=True)
class Page:
    address: int
    frame: int
    writable: bool
    executable: bool
    size: int = PAGE_SIZE


def user_pages(memory: PhysicalMemory, table: int) -> Iterator[Page]:
    """Every page that user mode can reach, touched or not, by ascending address. Table 0: the process ended, and its
    memory is others'."""
    if not table:
        return
    for page in _walk(_reader(memory), table, 39, range(USER_HALF), USER, 0, True, True):
        for offset in range(0, page.size, PAGE_SIZE):
            yield Page(page.address + offset, page.frame + offset, page.writable, page.executable)


def kernel_pages(memory: PhysicalMemory, table: int) -> Iterator[Page]:
    """Every page of the upper half, of whatever size, by ascending address."""
    half = range(USER_HALF, 2 * USER_HALF)
    for page in _walk(_reader(memory), table, 39, half, 0, 0, True, True):
        yield Page(page.address | KERNEL_BITS, page.frame, page.writable, page.executable, page.size)


def _reader(memory: PhysicalMemory) -> Callable[[int, int], Iterator[int]]:
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

    return entries


def _walk(
    entries: Callable[[int, int], Iterator[int]],
    table: int,
    shift: int,
    indices: range,
    wanted: int,
    base: int,
    writable: bool,
    executable: bool,
) -> Iterator[Page]:
    """`wanted`: bits that an entry must have beside the present one."""
    for index, entry in enumerate(entries(table, indices.stop)):
        is_there = entry & PRESENT or (shift == 12 and entry & WITHHELD)
        if index < indices.start or not is_there or entry & wanted != wanted:
            continue
        address = base + (index << shift)
        may_write = writable and bool(entry & WRITE)
        may_execute = executable and not entry & NO_EXECUTE
        if shift == 12 or entry & LARGE:
            size = 1 << shift
            yield Page(address, entry & ADDRESS_MASK & -size, may_write, may_execute, size)
        else:
            yield from _walk(
                entries, entry & ADDRESS_MASK, shift - 9, range(512), wanted, address, may_write, may_execute
            )

"""From a virtual address to a physical one, as the processor does it (Intel volume 3A, chapter 4)."""

from dataclasses import dataclass

from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory

PRESENT, LARGE = 1, 0x80
FRAME_MASK = 0x000FFFFFFFFFF000
CR0_PAGING, CR4_LARGE_PAGES, CR4_PAE, EFER_LONG = 1 << 31, 1 << 4, 1 << 5, 1 << 10
BITS_32 = 0xFFFFFFFF


@dataclass(frozen=True)
class Paging:
    """How addresses are translated: the control registers that say so."""

    cr0: int
    cr3: int
    cr4: int
    efer: int

    @property
    def table(self) -> int:
        return self.cr3 & FRAME_MASK

    def physical(self, memory: PhysicalMemory, address: int) -> int | None:
        """None: not mapped, or by tables that lie where there is no memory."""
        if not self.cr0 & CR0_PAGING:
            return address & BITS_32
        try:
            if self.efer & EFER_LONG:
                return _walk(memory, self.cr3 & FRAME_MASK, address, (39, 30, 21, 12), 8, (30, 21))
            if self.cr4 & CR4_PAE:
                return _walk(memory, self.cr3 & ~31 & BITS_32, address & BITS_32, (30, 21, 12), 8, (21,))
            large = (22,) if self.cr4 & CR4_LARGE_PAGES else ()
            return _walk(memory, self.cr3 & ~0xFFF & BITS_32, address & BITS_32, (22, 12), 4, large)
        except IndexError:
            return None


def _walk(
    memory: PhysicalMemory, table: int, address: int, shifts: tuple[int, ...], size: int, large: tuple[int, ...]
) -> int | None:
    """`size`: of an entry; `large`: shifts of levels whose entries may be pages."""
    index_mask = PAGE_SIZE // size - 1
    for shift in shifts:
        at = table + (address >> shift & index_mask) * size
        entry = int.from_bytes(memory.read(at, size), "little")
        if not entry & PRESENT:
            return None
        if shift == 12 or (entry & LARGE and shift in large):
            return entry & FRAME_MASK & -(1 << shift) | address & (1 << shift) - 1
        table = entry & FRAME_MASK
    return None


def read_virtual(memory: PhysicalMemory, paging: Paging, address: int, size: int) -> bytes:
    """As many of the bytes as are mapped and there, from the first on."""
    found = b""
    while len(found) < size:
        at = address + len(found)
        part = min(size - len(found), PAGE_SIZE - at % PAGE_SIZE)
        physical = paging.physical(memory, at)
        try:
            found += memory.read(physical, part) if physical is not None else b""
        except IndexError:
            return found
        if physical is None:
            return found
    return found

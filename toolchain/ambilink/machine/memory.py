"""A machine's physical memory, as ranges of one buffer."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

from ambilink.errors import AmbilinkError

PAGE_SIZE = 4096
LOW_LIMIT = 3 << 30  # like a PC: memory beyond this lies above 4 GiB
HIGH_START = 4 << 30
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Range:
    start: int  # physical address
    size: int  # bytes
    offset: int  # of the first byte in the buffer


def ranges_of(size: int) -> list[Range]:
    """Where `size` bytes of memory lie in the physical address space of a PC."""
    low = min(size, LOW_LIMIT)
    ranges = [Range(0, low, 0)]
    if size > low:
        ranges.append(Range(HIGH_START, size - low, low))
    return ranges


def allocate(size: int, descriptor: int = -1) -> "PhysicalMemory":
    """Memory of a machine, or the file that it has in its place. Raises AmbilinkError where the host has no room."""
    try:
        return PhysicalMemory(mmap.mmap(descriptor, size), size)
    except (OSError, OverflowError, ValueError) as error:
        rule = f"this computer has no {size // MEGABYTE:,} MiB for the machine"
        raise AmbilinkError("--memory", rule, "give less") from error


class PhysicalMemory:
    """Reads and writes by physical address. A range that does not exist raises IndexError."""

    def __init__(self, buffer: mmap.mmap, size: int) -> None:
        self.buffer = buffer
        self.size = size
        self.ranges = ranges_of(size)

    def offset(self, address: int, size: int = 1) -> int:
        for part in self.ranges:
            if part.start <= address and address + size <= part.start + part.size:
                return address - part.start + part.offset
        raise IndexError(f"no memory at physical {address:#x}, {size} bytes")

    def read(self, address: int, size: int) -> bytes:
        at = self.offset(address, size)
        return self.buffer[at : at + size]

    def write(self, address: int, data: bytes) -> None:
        at = self.offset(address, len(data))
        self.buffer[at : at + len(data)] = data

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "little")

    def words(self, address: int, count: int) -> Iterator[int]:
        return iter(memoryview(self.read(address, 8 * count)).cast("Q"))

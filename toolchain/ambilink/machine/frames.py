"""The calls that led to where a CPU is, by the chain of frame pointers in the machine's memory."""

from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import CpuPlace
from ambilink.machine.paging import read_virtual

CALLS_MAX = 16


def calls_to(place: CpuPlace, memory: PhysicalMemory) -> list[int]:
    """Where the CPU is, and the return addresses, the innermost first."""
    found, frame, size = [place.rip], place.registers["rbp"], place.bits // 8
    code = read_virtual(memory, place.paging, place.rip, 1)
    if not code:  # a call to nowhere: its return address is on top of the stack
        found += _words(place, memory, place.registers["rsp"], size, 1)
    while len(found) < CALLS_MAX:
        words = _words(place, memory, frame, size, 2)
        if len(words) < 2 or not words[1]:
            break
        found.append(words[1])
        if words[0] <= frame:
            break
        frame = words[0]
    return found


def _words(place: CpuPlace, memory: PhysicalMemory, address: int, size: int, count: int) -> list[int]:
    data = read_virtual(memory, place.paging, address, size * count)
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data) - size + 1, size)]

"""Accesses to what is not there: physical addresses without memory or a device, ports without a device.

A PC reads all ones there, and what is written is lost. So it is here, and each instruction that did it is noted.
"""

from collections.abc import Callable, Iterable

from ambilink.machine.frames import calls_to
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import CpuPlace, Touch

PLACES_MAX = 64  # instructions, and ports; more are counted
ADDRESSES_END = 1 << 52
# Ports that software touches on machines without them: codes of the power-on test, which serve as a delay, and PCI's
# configuration, of which all ones say that there is no PCI.
EXPECTED_PORTS = frozenset((0x80, 0xED, *range(0xCF8, 0xD00)))
READ, WRITTEN = "read", "written"


def holes(taken: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Start and size of what lies between ranges of physical addresses, which are start and size, too."""
    found, end = [], 0
    for start, size in sorted(taken):
        if start > end:
            found.append((end, start - end))
        end = max(end, start + size)
    return [*found, (end, ADDRESSES_END - end)]


class Nowhere:
    def __init__(self, memory: PhysicalMemory, place: Callable[[], CpuPlace], executed: Callable[[], int]) -> None:
        """`place`: of the running instruction; `executed`: instructions, which differ between runs of it."""
        self._memory, self._place, self._executed = memory, place, executed
        self._touches: dict[tuple[bool, int], Touch] = {}
        self._last = (0, 0)  # instructions before, and the place: a wide access comes in parts
        self.more = 0  # times that there was no room for

    @property
    def touches(self) -> list[Touch]:
        return list(self._touches.values())

    def at(self, start: int) -> "Hole":
        """What answers from a physical address on."""
        return Hole(self, start)

    def memory(self, address: int, access: str) -> None:
        place = self._place()
        now = (self._executed(), place.rip)
        if now == self._last:
            return
        self._last = now
        self._note((False, place.rip), address, access, place)

    def port(self, port: int, is_write: bool) -> None:
        if port not in EXPECTED_PORTS:
            self._note((True, port), port, WRITTEN if is_write else READ, None)

    def _note(self, key: tuple[bool, int], address: int, access: str, place: CpuPlace | None) -> None:
        touch = self._touches.get(key)
        if touch is not None:
            touch.count += 1
            touch.accesses |= {access}
        elif len(self._touches) < PLACES_MAX:
            first = place or self._place()
            calls = calls_to(first, self._memory)
            self._touches[key] = Touch(key[0], address, {access}, first, calls)
        else:
            self.more += 1


class Hole:
    """Physical addresses with nothing behind them."""

    def __init__(self, nowhere: Nowhere, start: int) -> None:
        self._nowhere, self._start = nowhere, start

    def read(self, offset: int) -> int:
        self._nowhere.memory(self._start + offset, READ)
        return -1

    def write(self, offset: int, value: int) -> None:
        self._nowhere.memory(self._start + offset, WRITTEN)

"""When each process was created, began, was ready and ended: what the kernel left in memory for that
(boot/include/ambilink/record.h), and, where the machine stops at each step, instructions and the host's time."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from ambilink.bootimage.container import ImageFile
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import Moment, Stops
from ambilink.verify.kernel_place import distance_of
from ambilink.verify.kernel_state import ProcessState, exit_status_of

SYMBOL = "kernel_lives"
STOP_SYMBOL = "life_changes"
MAGIC = int.from_bytes(b"ALIVES02", "little")
HEADER = struct.Struct("<5Q")
NANOSECONDS = 10**9
CAPACITY_MAX = 1 << 16  # more has damaged memory only


class LifeEvent(IntEnum):
    CREATED = 0  # an empty address space
    BEGUN = 1  # its first thread may run
    READY = 2  # it asked for a request
    ENDED = 3


LIFE = struct.Struct(f"<Q32sQq{len(LifeEvent)}Q")
INSTANTS_AT = LIFE.size - 8 * len(LifeEvent)


@dataclass(frozen=True)
class Instant:
    nanoseconds: int  # since boot, by the kernel's clock
    instructions: int | None = None  # executed until then, where the machine counts them
    seconds: float | None = None  # since power-on, by the host's clock


@dataclass(frozen=True)
class Life:
    number: int
    name: str
    state: ProcessState
    exit_status: int
    instants: Mapping[LifeEvent, Instant]


@dataclass(frozen=True)
class Lives:
    created: int  # processes in all; the table may have had room for fewer
    lives: list[Life] = field(default_factory=list)


class LifeWatch:
    """Notes the moment of each step while a machine runs."""

    def __init__(self, image: ImageFile) -> None:
        self._image = image
        self._moments: dict[int, Moment] = {}  # by `changing`

    @property
    def stops(self) -> Stops:
        address = self._image.symbols.get(STOP_SYMBOL)
        return {} if address is None else {address: self._note}

    def _note(self, moment: Moment) -> None:
        header = _header(self._image, moment.memory)
        if header:
            self._moments.setdefault(header.changing, moment)

    def read(self, memory: PhysicalMemory) -> Lives | None:
        """None where the kernel is not ours, or had not begun when the machine ended."""
        header = _header(self._image, memory)
        address = self._image.physical(self._image.symbols.get(SYMBOL, -1))
        if header is None or address is None:
            return None
        count = min(header.created, header.capacity)
        try:
            raw = memory.read(address + HEADER.size, count * LIFE.size)
        except IndexError:
            return None
        first = self._image.symbols[SYMBOL] + distance_of(self._image, memory) + HEADER.size
        records = enumerate(LIFE.iter_unpack(raw))
        lives = [self._life(first + index * LIFE.size, header.frequency, each) for index, each in records]
        return Lives(header.created, lives)

    def _life(self, at: int, frequency: int, values: tuple[int, ...]) -> Life:
        """`at`: the kernel's address of the record."""
        number, name, state, status, *instants = values
        assert isinstance(name, bytes)
        reached, before = {}, 0
        for event, counts in zip(LifeEvent, instants, strict=True):
            if counts:
                before = max(before, counts * NANOSECONDS // frequency)  # a tick may be late, but time never goes back
                moment = self._moments.get(at + INSTANTS_AT + event * 8)
                instructions, seconds = (moment.instructions, moment.seconds) if moment else (None, None)
                reached[event] = Instant(before, instructions, seconds)
        text = name.split(b"\0")[0].decode("utf-8", "replace")
        known = state in ProcessState.__members__.values()
        seen = ProcessState(state) if known else ProcessState.ALIVE
        return Life(number, text, seen, exit_status_of(status), reached)


class _Header(NamedTuple):
    magic: int
    capacity: int
    frequency: int  # counts of the timer in a second
    created: int
    changing: int  # address of the instant that was kept last


def _header(image: ImageFile, memory: PhysicalMemory) -> _Header | None:
    address = image.physical(image.symbols.get(SYMBOL, -1))
    if address is None:
        return None
    try:
        header = _Header(*HEADER.unpack(memory.read(address, HEADER.size)))
    except IndexError:  # its segment lies where the machine has no memory
        return None
    is_sound = header.magic == MAGIC and header.capacity <= CAPACITY_MAX and header.frequency
    return header if is_sound else None

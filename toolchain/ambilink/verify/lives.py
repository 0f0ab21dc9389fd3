"""When each process was created, began, was ready and ended: what the kernel left in memory for that
(boot/include/ambilink/record.h), and, where the machine stops at each step, instructions and the host's time."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from ambilink.bootimage.container import ImageFile
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import Moment, Stops
from ambilink.verify.kernel_state import ProcessState

SYMBOL = "kernel_lives"
STOP_SYMBOL = "life_changes"
MAGIC = int.from_bytes(b"ALIVES01", "little")
HEADER = struct.Struct("<4Q")
CAPACITY_MAX = 1 << 16  # more has damaged memory only


class LifeEvent(IntEnum):
    CREATED = 0  # an empty address space
    BEGUN = 1  # its first thread may run
    READY = 2  # it asked for a request
    ENDED = 3


LIFE = struct.Struct(f"<Q32sQq{len(LifeEvent)}Q")


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
            self._moments.setdefault(header[3], moment)

    def read(self, memory: PhysicalMemory) -> Lives | None:
        """None where the kernel is not ours, or had not begun when the machine ended."""
        header = _header(self._image, memory)
        address = self._image.physical(self._image.symbols.get(SYMBOL, -1))
        if header is None or address is None:
            return None
        _, capacity, created, _ = header
        count = min(created, capacity)
        try:
            raw = memory.read(address + HEADER.size, count * LIFE.size)
        except IndexError:
            return None
        return Lives(created, [self._life(index, each) for index, each in enumerate(LIFE.iter_unpack(raw))])

    def _life(self, index: int, values: tuple[int, ...]) -> Life:
        number, name, state, status, *instants = values
        assert isinstance(name, bytes)
        reached = {}
        for event, instant in zip(LifeEvent, instants, strict=True):
            if instant:
                moment = self._moments.get(index * len(LifeEvent) + event)
                reached[event] = (
                    Instant(instant, moment.instructions, moment.seconds) if moment else Instant(instant)
                )
        text = name.split(b"\0")[0].decode("utf-8", "replace")
        known = state in ProcessState.__members__.values()
        return Life(number, text, ProcessState(state) if known else ProcessState.ALIVE, status, reached)


def _header(image: ImageFile, memory: PhysicalMemory) -> tuple[int, int, int, int] | None:
    address = image.physical(image.symbols.get(SYMBOL, -1))
    if address is None:
        return None
    try:
        magic, capacity, created, changing = HEADER.unpack(memory.read(address, HEADER.size))
    except IndexError:  # its segment lies where the machine has no memory
        return None
    return (magic, capacity, created, changing) if magic == MAGIC and capacity <= CAPACITY_MAX else None

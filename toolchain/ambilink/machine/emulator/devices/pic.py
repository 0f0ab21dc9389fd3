"""Two cascaded 8259A interrupt controllers, as their data sheet has them, with the PC's edge/level registers."""

from collections.abc import Callable

COMMAND_FIRST, COMMAND_SECOND = 0x20, 0xA0
TRIGGER_FIRST, TRIGGER_SECOND = 0x4D0, 0x4D1  # a bit a line: 1 is level, 0 edge
CASCADE = 2  # the first one's line that the second is on
SPURIOUS = 7
ALWAYS_EDGE_FIRST, ALWAYS_EDGE_SECOND = 0x07, 0x21  # timer, keyboard, cascade; clock, coprocessor

# Initialisation and operation command words.
ICW1, ICW1_NEEDS_4, ICW1_SINGLE, ICW1_LEVEL = 0x10, 0x01, 0x02, 0x08
ICW4_AUTO_END, ICW4_NESTED = 0x02, 0x10  # automatic end of interrupt, special fully nested mode
OCW3 = 0x08
OCW3_MASK_COMMAND, OCW3_MASK_ON, OCW3_POLL, OCW3_READ, OCW3_SERVICE = 0x40, 0x20, 0x04, 0x02, 0x01


class Controller:
    """One 8259A. Lines are numbered 0 to 7; `lowest` is the one of the lowest priority."""

    def __init__(self, changed: Callable[[], None], always_edge: int, mask: int, base: int, cascade: int) -> None:
        self._changed, self._always_edge = changed, always_edge
        self.trigger = 0
        self.levels = 0
        self._reset()
        self.mask, self.base, self.cascade = mask, base, cascade

    def _reset(self) -> None:
        """What ICW1 does."""
        self.requests = self.in_service = self.mask = 0
        self.lowest = 7
        self.auto_end = self.rotates = self.nested = self.special_mask = False
        self.polls = self.reads_service = False
        self.all_level = False
        self._expected: list[str] = []  # initialisation words that follow

    def _is_level(self, bit: int) -> bool:
        return self.all_level or bool(self.trigger & bit)

    def set_line(self, line: int, is_up: bool) -> None:
        """An edge is forgotten when the line falls before it was acknowledged."""
        bit = 1 << line
        if is_up and (not self.levels & bit or self._is_level(bit)):
            self.requests |= bit
        elif not is_up:
            self.requests &= ~bit
        self.levels = self.levels | bit if is_up else self.levels & ~bit
        self._changed()

    def _first(self, lines: int) -> int | None:
        """The line of the highest priority among them."""
        for step in range(1, 9):
            line = (self.lowest + step) % 8
            if lines & 1 << line:
                return line
        return None

    def _priority(self, line: int) -> int:
        return (line - self.lowest - 1) % 8

    def requested(self, is_first: bool = False) -> int | None:
        """The line to serve next, if it may interrupt what is being served."""
        line = self._first(self.requests & ~self.mask)
        if line is None:
            return None
        served = self.in_service
        if self.special_mask:
            served &= ~self.mask
        if self.nested and is_first:
            served &= ~(1 << CASCADE)
        serving = self._first(served)
        return line if serving is None or self._priority(line) < self._priority(serving) else None

    def acknowledge(self, line: int) -> None:
        bit = 1 << line
        if not self._is_level(bit):
            self.requests &= ~bit
        if not self.auto_end:
            self.in_service |= bit
        elif self.rotates:
            self.lowest = line
        self._changed()

    # Registers.

    def read_command(self) -> int:
        if self.polls:
            self.polls = False
            return self._poll()
        return self.in_service if self.reads_service else self.requests

    def read_data(self) -> int:
        if self.polls:
            self.polls = False
            return self._poll()
        return self.mask

    def _poll(self) -> int:
        line = self.requested()
        if line is None:
            return 0
        self.acknowledge(line)
        return 0x80 | line

    def write_command(self, value: int) -> None:
        if value & ICW1:
            self._reset()
            self.all_level = bool(value & ICW1_LEVEL)
            self.requests = self.levels if self.all_level else self.levels & self.trigger
            self._expected = ["base"]
            if not value & ICW1_SINGLE:
                self._expected.append("cascade")
            if value & ICW1_NEEDS_4:
                self._expected.append("mode")
        elif value & OCW3:
            self._operate_3(value)
        else:
            self._operate_2(value)
        self._changed()

    def write_data(self, value: int) -> None:
        word = self._expected.pop(0) if self._expected else ""
        if word == "base":
            self.base = value & 0xF8
        elif word == "cascade":
            self.cascade = value
        elif word == "mode":
            self.auto_end, self.nested = bool(value & ICW4_AUTO_END), bool(value & ICW4_NESTED)
        else:
            self.mask = value
        self._changed()

    def _operate_2(self, value: int) -> None:
        rotate, specific, end = value & 0x80, value & 0x40, value & 0x20
        if not end and not specific:
            self.rotates = bool(rotate)  # in automatic end of interrupt
            return
        if not end and not rotate:
            return  # no operation
        if specific:
            line: int | None = value & 7
        else:
            served = self.in_service & ~self.mask if self.special_mask else self.in_service
            line = self._first(served)
        if line is None:
            return
        if end:
            self.in_service &= ~(1 << line)
        if rotate:
            self.lowest = line

    def _operate_3(self, value: int) -> None:
        if value & OCW3_MASK_COMMAND:
            self.special_mask = bool(value & OCW3_MASK_ON)
        if value & OCW3_POLL:
            self.polls = True
        elif value & OCW3_READ:
            self.reads_service = bool(value & OCW3_SERVICE)

    def write_trigger(self, value: int) -> None:
        self.trigger = value & ~self._always_edge
        self.requests |= self.levels & self.trigger
        self._changed()


class InterruptControllers:
    """Both, with 16 lines; line 2 is the second one's."""

    ports = (
        *(COMMAND_FIRST, COMMAND_FIRST + 1),
        *(COMMAND_SECOND, COMMAND_SECOND + 1),
        *(TRIGGER_FIRST, TRIGGER_SECOND),
    )

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called when `pending` became another."""
        self.pending = False  # the line to the CPU
        self._tell = changed
        self._is_busy = False
        # As a BIOS leaves them: timer, keyboard and clock get through, with the vectors of the first PC.
        self.first = Controller(self._arrange, ALWAYS_EDGE_FIRST, 0xB8, 0x08, 1 << CASCADE)
        self.second = Controller(self._arrange, ALWAYS_EDGE_SECOND, 0x8E, 0x70, CASCADE)

    def lets_in(self, line: int) -> bool:
        if line >= 8:
            return not self.second.mask & 1 << line - 8 and not self.first.mask & 1 << CASCADE
        return not self.first.mask & 1 << line

    def set_line(self, line: int, is_up: bool) -> None:
        if line >= 8:
            self.second.set_line(line - 8, is_up)
        elif line != CASCADE:
            self.first.set_line(line, is_up)

    def _arrange(self) -> None:
        """The second's output is a line of the first, the first's is the CPU's."""
        if self._is_busy:
            return
        self._is_busy = True
        self.first.set_line(CASCADE, self.second.requested() is not None)
        self._is_busy = False
        pending = self.first.requested(True) is not None
        if pending != self.pending:
            self.pending = pending
            self._tell()

    def acknowledge(self) -> int:
        """What the CPU does when it takes the interrupt; returns the vector: line 7's if no request is left, and then
        nothing is in service."""
        line = self.first.requested(True)
        if line is None:
            return self.first.base + SPURIOUS
        if line != CASCADE:
            self.first.acknowledge(line)
            return self.first.base + line
        second = self.second.requested()
        self.first.acknowledge(CASCADE)
        if second is None:
            return self.second.base + SPURIOUS
        self.second.acknowledge(second)
        # In special fully nested mode, or with another request below, the output falls and rises again.
        if self.second.requested() is not None:
            self.first.set_line(CASCADE, False)
            self.first.set_line(CASCADE, True)
        return self.second.base + second

    def read(self, port: int) -> int:
        if port in (TRIGGER_FIRST, TRIGGER_SECOND):
            return (self.first if port == TRIGGER_FIRST else self.second).trigger
        controller = self.first if port < COMMAND_SECOND else self.second
        return controller.read_data() if port & 1 else controller.read_command()

    def write(self, port: int, value: int) -> None:
        if port in (TRIGGER_FIRST, TRIGGER_SECOND):
            (self.first if port == TRIGGER_FIRST else self.second).write_trigger(value)
            return
        controller = self.first if port < COMMAND_SECOND else self.second
        if port & 1:
            controller.write_data(value)
        else:
            controller.write_command(value)

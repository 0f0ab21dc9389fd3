"""The processor's local APIC: by memory (xAPIC), and by MSRs (x2APIC) where CPUID says so. Intel, 3A, chapter 11.
There is one processor, so an interrupt is for it, or is lost."""

from collections.abc import Callable

from ambilink.machine.emulator.devices.apic_timer import ApicTimer
from ambilink.machine.emulator.devices.bus import Clock

BASE = 0xFEE00000
SIZE = 0x1000
MSR_BASE, MSR_FIRST, MSR_LAST, MSR_DEADLINE = 0x1B, 0x800, 0x8FF, 0x6E0
BASE_BOOT, BASE_X2, BASE_ON = 1 << 8, 1 << 10, 1 << 11
BASE_KNOWN = 0xFFFFFFF000 | BASE_BOOT | BASE_X2 | BASE_ON

ID, VERSION, PRIORITY, ARBITRATION, RUNNING, END = 0x20, 0x30, 0x80, 0x90, 0xA0, 0xB0
LOGICAL, FORMAT, SPURIOUS, SERVICE, TRIGGER, REQUEST, ERRORS = 0xD0, 0xE0, 0xF0, 0x100, 0x180, 0x200, 0x280
COMMAND, COMMAND_HIGH, TIMER, THERMAL, COUNTER, LINT0, LINT1, ERROR = range(0x300, 0x380, 0x10)
INITIAL, CURRENT, DIVIDE = 0x380, 0x390, 0x3E0
SELF = 0x3F0  # x2APIC alone
LOCAL = (TIMER, THERMAL, COUNTER, LINT0, LINT1, ERROR)  # the local vector table
WRITABLE = {  # bits of its entries
    TIMER: 0x700FF,
    THERMAL: 0x107FF,
    COUNTER: 0x107FF,
    LINT0: 0x1A7FF,
    LINT1: 0x1A7FF,
    ERROR: 0x100FF,
}
VERSION_VALUE = 0x50014  # six entries in the local vector table
READABLE = frozenset(
    (ID, VERSION, PRIORITY, RUNNING, LOGICAL, FORMAT, SPURIOUS, ERRORS, COMMAND, COMMAND_HIGH, *LOCAL, INITIAL, CURRENT)
) | {DIVIDE, *range(SERVICE, ERRORS, 0x10)}
X2_WRITABLE = frozenset((PRIORITY, END, SPURIOUS, ERRORS, COMMAND, *LOCAL, INITIAL, DIVIDE, SELF))

MASKED = 0x10000
SOFTWARE_ON = 0x100
MODE_SHIFT, FIXED, LOWEST, NMI, EXTERNAL = 8, 0, 1, 4, 7
LOGICAL_MODE, LEVEL = 0x800, 0x8000
TIMER_MODE_SHIFT = 17
ILLEGAL_SENT, ILLEGAL_RECEIVED, ILLEGAL_REGISTER = 0x20, 0x40, 0x80
FIRST_VECTOR = 16
VECTOR_NMI = 2
ALL = 0xFF


class ProtectionFault(Exception):
    """The access to an MSR that makes #GP."""


def _highest(vectors: int) -> int:
    return vectors.bit_length() - 1


class LocalApic:
    def __init__(
        self,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
        ended: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`changed`: pending or next_event changed. `ended`: a level-triggered interrupt of the vector was served.
        A count of the timer is a nanosecond, as one of the time-stamp counter is."""
        self._changed, self._ended = changed, ended
        self._timer = ApicTimer(clock)
        self.base = BASE | BASE_BOOT | BASE_ON
        self.external = False  # what the 8259As ask, by LINT0
        self.nmi = False  # one waits
        self._reset()
        # As a BIOS leaves it: on, and the 8259As get through.
        self._spurious = SOFTWARE_ON | 0xFF
        self._local[LINT0] = EXTERNAL << MODE_SHIFT | LEVEL
        self._local[LINT1] = NMI << MODE_SHIFT | LEVEL

    def _reset(self) -> None:
        self.priority = 0
        self._id = 0
        self._logical, self._format, self._spurious = 0, 0xFFFFFFFF, 0xFF
        self.service = self.trigger = self.request = 0
        self._errors_found = self._errors = 0
        self._command = self._command_high = 0
        self._local = dict.fromkeys(LOCAL, MASKED)
        self._timer.reset()

    # Whose interrupt is next.

    @property
    def is_on(self) -> bool:
        return bool(self.base & BASE_ON)

    @property
    def _is_x2(self) -> bool:
        return bool(self.base & BASE_X2)

    @property
    def _is_software_on(self) -> bool:
        return self.is_on and bool(self._spurious & SOFTWARE_ON)

    @property
    def _running_priority(self) -> int:
        serving = _highest(self.service) & 0xF0 if self.service else 0
        return self.priority if self.priority & 0xF0 >= serving else serving

    @property
    def lets_external_in(self) -> bool:
        local = self._local[LINT0]
        return not self.is_on or (not local & MASKED and local >> MODE_SHIFT & 7 == EXTERNAL)

    @property
    def _own_pending(self) -> bool:
        if not self.request or not self._is_software_on:
            return False
        return _highest(self.request) & 0xF0 > self._running_priority & 0xF0

    @property
    def pending(self) -> bool:
        return self.nmi or self._own_pending or (self.external and self.lets_external_in)

    def acknowledge(self) -> int | None:
        """The vector that the CPU takes; None: the 8259As give it."""
        if not self._own_pending:
            return None
        vector = _highest(self.request)
        self.request &= ~(1 << vector)
        self.service |= 1 << vector
        return vector

    def take_nmi(self) -> bool:
        was, self.nmi = self.nmi, False
        return was

    def set_external(self, is_up: bool) -> None:
        rose, self.external = is_up and not self.external, is_up
        local = self._local[LINT0]
        if rose and self.is_on and not local & MASKED and local >> MODE_SHIFT & 7 != EXTERNAL:
            self.receive(local & 0xFF, local >> MODE_SHIFT & 7, False)
        self._changed()

    def receive(self, vector: int, mode: int = FIXED, is_level: bool = False) -> None:
        """An interrupt message for this processor."""
        if mode == NMI:
            self.nmi = True
        elif mode in (FIXED, LOWEST) and self._is_software_on:
            if vector < FIRST_VECTOR:
                self._fail(ILLEGAL_RECEIVED)
                return
            bit = 1 << vector
            self.request |= bit
            self.trigger = self.trigger | bit if is_level else self.trigger & ~bit
        self._changed()

    def _fail(self, error: int) -> None:
        is_new = not self._errors_found & error
        self._errors_found |= error
        local = self._local[ERROR]
        if is_new and not local & MASKED and local & 0xFF >= FIRST_VECTOR:
            self.receive(local & 0xFF)

    def is_addressed(self, destination: int, is_logical: bool) -> bool:
        if not is_logical:
            return destination in (self._id, 0xFFFFFFFF if self._is_x2 else ALL)
        if self._is_x2:
            logical = self._x2_logical
            is_in_cluster = destination >> 16 == logical >> 16 and bool(destination & logical & 0xFFFF)
            return is_in_cluster or destination == 0xFFFFFFFF
        own = self._logical >> 24
        if destination == ALL:
            return True
        if self._format >> 28 == 0xF:
            return bool(own & destination)
        return own >> 4 == destination >> 4 and bool(own & destination & 15)

    @property
    def _x2_logical(self) -> int:
        return self._id >> 4 << 16 | 1 << (self._id & 15)

    # The timer.

    @property
    def next_event(self) -> int | None:
        return self._timer.next_event

    @property
    def wakes(self) -> bool:
        """Whether the timer will interrupt."""
        return self.next_event is not None and not self._local[TIMER] & MASKED and self._is_software_on

    def run_events(self) -> None:
        local = self._local[TIMER]
        if self._timer.run_events() and not local & MASKED:
            self.receive(local & 0xFF)

    # Registers.

    def read(self, offset: int) -> int:
        """By memory, 32 bits on a border of 16 bytes."""
        if not self.is_on or self._is_x2:
            return 0xFFFFFFFF
        if offset & 15 or offset not in READABLE | {ARBITRATION}:
            self._fail(ILLEGAL_REGISTER)
            return 0
        return self._read(offset)

    def _read(self, offset: int) -> int:
        if SERVICE <= offset < ERRORS:
            vectors = (self.service, self.trigger, self.request)[(offset - SERVICE) >> 7]
            return vectors >> 32 * (offset >> 4 & 7) & 0xFFFFFFFF
        if offset in self._local:
            return self._local[offset]
        if offset == CURRENT:
            return self._timer.current
        return {
            ID: self._id if self._is_x2 else self._id << 24,
            VERSION: VERSION_VALUE,
            PRIORITY: self.priority,
            ARBITRATION: self._running_priority,
            RUNNING: self._running_priority,
            LOGICAL: self._x2_logical if self._is_x2 else self._logical,
            FORMAT: self._format,
            SPURIOUS: self._spurious,
            ERRORS: self._errors,
            COMMAND: self._command,
            COMMAND_HIGH: self._command_high,
            INITIAL: self._timer.initial,
            DIVIDE: self._timer.divide,
        }[offset]

    def write(self, offset: int, value: int) -> None:
        """By memory, as read."""
        if self.is_on and not self._is_x2:
            self._write(offset, value & 0xFFFFFFFF)

    def _write(self, offset: int, value: int) -> None:
        if offset in self._local:
            self._write_local(offset, value)
        elif offset == ID:
            self._id = value >> 24
        elif offset == PRIORITY:
            self.priority = value & 0xFF
        elif offset == END:
            self._end()
        elif offset == LOGICAL:
            self._logical = value & 0xFF000000
        elif offset == FORMAT:
            self._format = value | 0x0FFFFFFF
        elif offset == SPURIOUS:
            self._write_spurious(value)
        elif offset == ERRORS:
            self._errors, self._errors_found = self._errors_found, 0
        elif offset == COMMAND_HIGH:
            self._command_high = value & 0xFF000000
        elif offset == COMMAND:
            self._send(value, self._command_high >> 24)
        elif offset == INITIAL:
            self._timer.start(value)
        elif offset == DIVIDE:
            self._timer.set_divide(value)
        elif offset & 15 or offset not in READABLE:
            self._fail(ILLEGAL_REGISTER)
        self._changed()

    def _write_spurious(self, value: int) -> None:
        """While it is off by software, all of the local vector table is masked."""
        self._spurious = value & 0x3FF
        if not value & SOFTWARE_ON:
            for offset in LOCAL:
                self._local[offset] |= MASKED

    def _write_local(self, offset: int, value: int) -> None:
        value &= WRITABLE[offset]
        if not self._spurious & SOFTWARE_ON:
            value |= MASKED
        self._local[offset] = value
        if offset == TIMER:
            self._timer.set_mode(value >> TIMER_MODE_SHIFT & 3)

    def _end(self) -> None:
        if not self.service:
            return
        vector = _highest(self.service)
        self.service &= ~(1 << vector)
        if self.trigger & 1 << vector:
            self._ended(vector)

    def _send(self, value: int, destination: int) -> None:
        self._command = value & 0xCCFFF & ~0x1000
        vector, mode, shorthand = value & 0xFF, value >> MODE_SHIFT & 7, value >> 18 & 3
        is_logical = bool(value & LOGICAL_MODE)
        if mode in (FIXED, LOWEST) and vector < FIRST_VECTOR:
            self._fail(ILLEGAL_SENT)
            return
        if shorthand in (1, 2) or (shorthand == 0 and self.is_addressed(destination, is_logical)):
            self.receive(vector, mode)

    # MSRs, and CR8, which is the upper half of the priority.

    @property
    def control_8(self) -> int:
        return self.priority >> 4

    @control_8.setter
    def control_8(self, value: int) -> None:
        self.priority = value << 4
        self._changed()

    def read_msr(self, msr: int, counter: int) -> int:
        """Raises ProtectionFault. `counter`: the time-stamp counter."""
        if msr == MSR_BASE:
            return self.base
        if msr == MSR_DEADLINE:
            return self._timer.deadline(counter)
        offset = (msr - MSR_FIRST) << 4
        if not self._is_x2 or offset not in READABLE or offset in (FORMAT, COMMAND_HIGH):
            raise ProtectionFault
        value = self._read(offset)
        return value | self._command_high << 32 if offset == COMMAND else value

    def write_msr(self, msr: int, value: int, counter: int) -> None:
        if msr == MSR_BASE:
            self._write_base(value)
            return
        if msr == MSR_DEADLINE:
            self._timer.set_deadline(value, counter)
            self._changed()
            return
        offset = (msr - MSR_FIRST) << 4
        if not self._is_x2 or offset not in X2_WRITABLE:
            raise ProtectionFault
        if (offset != COMMAND and value >> 32) or (offset in (END, ERRORS) and value):
            raise ProtectionFault
        if offset == COMMAND:
            self._command_high = value >> 32
            self._send(value & 0xFFFFFFFF, value >> 32)
        elif offset == SELF:
            self._send(value & 0xFF | 1 << 18, 0)
        else:
            self._write(offset, value)
        self._changed()

    def _write_base(self, value: int) -> None:
        """From x2APIC the way back is by switching it off."""
        before, after = self.base & (BASE_X2 | BASE_ON), value & (BASE_X2 | BASE_ON)
        is_way_back = before == BASE_X2 | BASE_ON and after == BASE_ON
        if value & ~BASE_KNOWN or after == BASE_X2 or is_way_back or (not before and after == BASE_X2 | BASE_ON):
            raise ProtectionFault
        if before and not after:
            self._reset()
        # Its registers stay where they are: no kernel moves them.
        self.base = value & ~0xFFFFFFF000 | BASE
        self._changed()

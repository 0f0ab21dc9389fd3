"""The 8254 timer, three channels, and port 0x61, which holds the third one's gate and output.

A channel is no process: what it counts, and its output, follow from the time since it was loaded.
"""

from collections.abc import Callable

from ambilink.machine.emulator.devices.bus import NANOSECONDS, Clock

BASE, CONTROL = 0x40, 0x43
FREQUENCY = 1193182
SPEAKER = 2  # the channel behind port 0x61

LATCH, LOW, HIGH, BOTH = range(4)
READ_BACK = 3  # in place of a channel
NULL_COUNT, OUTPUT = 0x40, 0x80  # of the status byte


def clocks_at(nanoseconds: int) -> int:
    """How often the timer's clock rose since power-on."""
    return nanoseconds * FREQUENCY // NANOSECONDS


def instant_of(clocks: int) -> int:
    """When it rises for that time: the first nanosecond at which clocks_at is this."""
    return -(-clocks * NANOSECONDS // FREQUENCY)


def _from_bcd(value: int) -> int:
    return sum((value >> 4 * digit & 15) * 10**digit for digit in range(4))


def _to_bcd(value: int) -> int:
    return sum(value // 10**digit % 10 << 4 * digit for digit in range(4))


class Channel:
    def __init__(self, clock: Clock, gate: bool) -> None:
        self._clock = clock
        self.gate = gate
        # As a BIOS leaves it: a square wave of 18.2 Hz.
        self.mode, self.access, self.bcd = 3, BOTH, False
        self._reload: int | None = 0x10000  # None: no count was written since the control word
        self._next_reload: int | None = None  # written while it counts: taken at the period's end
        self._loaded = 0  # the clock from which on it counts
        self._paused: int | None = None if gate else 0  # counts that had passed when it stopped; None: it counts
        self._period_end = 0  # the clock at which that is
        self._written_low: int | None = None
        self._latched: list[int] = []
        self._status: int | None = None
        self._reads_high = False

    # Counting.

    @property
    def _modulus(self) -> int:
        return 10000 if self.bcd else 0x10000

    @property
    def _is_periodic(self) -> bool:
        return self.mode in (2, 3)

    @property
    def _is_triggered(self) -> bool:
        """The gate's rising edge starts it, not the count."""
        return self.mode in (1, 5)

    @property
    def _passed(self) -> int:
        """Counts since it was loaded; negative before the clock that loads it."""
        if self._paused is not None:
            return self._paused
        return clocks_at(self._clock()) - self._loaded

    def _start(self, passed: int = 0) -> None:
        self._paused = None
        self._loaded = clocks_at(self._clock()) + 1 - passed

    def _settle(self) -> None:
        """Take a count that waited for the end of a period."""
        if self._next_reload is None or not self._is_periodic or self._paused is not None:
            return
        if clocks_at(self._clock()) >= self._period_end:
            self._loaded = self._period_end
            self._reload, self._next_reload = self._next_reload, None

    def load(self, count: int) -> None:
        count = (_from_bcd(count) if self.bcd else count) or self._modulus
        self._settle()
        if self._is_periodic and self._reload is not None and self._paused is None:
            if self._next_reload is None:
                self._period_end = self._loaded + (max(0, self._passed) // self._reload + 1) * self._reload
            self._next_reload = count
            return
        if self._is_triggered:
            # The output stays as it is until the gate rises.
            if self._reload is None:
                self._reload, self._paused = count, count + 1
            self._next_reload = count
            return
        self._reload, self._next_reload = count, None
        if self.gate:
            self._start()
        else:
            self._paused = 0

    def set_mode(self, access: int, mode: int, bcd: bool) -> None:
        self.access, self.mode, self.bcd = access, mode if mode < 6 else mode - 4, bcd
        self._reload = self._next_reload = self._written_low = self._status = None
        self._paused = 0
        self._latched = []
        self._reads_high = False

    def set_gate(self, is_open: bool) -> None:
        rose, fell = is_open and not self.gate, self.gate and not is_open
        self._settle()
        if fell and not self._is_triggered and self._paused is None:
            self._paused = max(0, self._passed)
        self.gate = is_open
        if not rose or self._reload is None:
            return
        if self._is_triggered or self._is_periodic:
            self._reload, self._next_reload = self._next_reload or self._reload, None
            self._start()
        elif self._paused is not None:
            self._start(self._paused + 1)

    @property
    def count(self) -> int:
        """As it is read, in BCD where that was asked for."""
        self._settle()
        if self._reload is None:
            return 0
        passed = max(0, self._passed)
        if self.mode == 2:
            left = self._reload - passed % self._reload
        elif self.mode == 3:
            left = self._square(passed)
        else:
            left = (self._reload - passed) % self._modulus
        return _to_bcd(left % self._modulus) if self.bcd else left & 0xFFFF

    def _square(self, passed: int) -> int:
        """It counts down by two, twice a period; from an odd count the first half is one clock longer."""
        assert self._reload is not None
        even = self._reload & ~1 or self._modulus
        at, half = passed % self._reload, (self._reload + 1) // 2
        return even - 2 * (at if at < half else at - half)

    @property
    def output(self) -> bool:
        self._settle()
        if self._reload is None:
            return self.mode != 0
        passed = self._passed
        if self.mode in (0, 1):
            return passed >= self._reload
        if passed < 0:
            return True
        if self.mode == 2:
            return self._paused is not None or passed % self._reload != self._reload - 1
        if self.mode == 3:
            return self._paused is not None or passed % self._reload < (self._reload + 1) // 2
        return passed != self._reload  # 4 and 5: low for one clock

    def next_rise(self) -> int | None:
        """The clock at which the output rises next, after now."""
        self._settle()
        if self._reload is None or self._paused is not None:
            return None
        passed = self._passed
        if self._is_periodic:
            if self._next_reload is not None:
                return self._period_end
            return self._loaded + (max(passed, 0) // self._reload + 1) * self._reload
        end = self._reload if self.mode in (0, 1) else self._reload + 1
        return self._loaded + end if passed < end else None

    # Registers.

    def latch_count(self) -> None:
        if self._latched:
            return
        count = self.count
        low, high = count & 0xFF, count >> 8
        self._latched = {LOW: [low], HIGH: [high]}.get(self.access, [low, high])

    def latch_status(self) -> None:
        if self._status is not None:
            return
        waits = self._reload is None or self._next_reload is not None or self._passed < 0
        self._status = self.access << 4 | self.mode << 1 | self.bcd
        self._status |= (OUTPUT if self.output else 0) | (NULL_COUNT if waits else 0)

    def read(self) -> int:
        if self._status is not None:
            status, self._status = self._status, None
            return status
        if self._latched:
            return self._latched.pop(0)
        count = self.count
        if self.access == BOTH:
            self._reads_high = not self._reads_high
            return count & 0xFF if self._reads_high else count >> 8
        return count & 0xFF if self.access == LOW else count >> 8

    def write(self, value: int) -> None:
        if self.access == LOW:
            self.load(value)
        elif self.access == HIGH:
            self.load(value << 8)
        elif self._written_low is None:
            self._written_low = value
            if self.mode == 0 and self._paused is None:  # the first byte stops the count
                self._paused = 0
                self._reload = None
        else:
            low, self._written_low = self._written_low, None
            self.load(value << 8 | low)


class Timer:
    """All three channels; the first one's output is an interrupt line."""

    ports = (*range(BASE, CONTROL + 1),)

    def __init__(self, clock: Clock, tick: Callable[[], None], changed: Callable[[], None] = lambda: None) -> None:
        """`tick`: the first channel's output rose. `changed`: next_event is another."""
        self._clock, self._tick, self._changed = clock, tick, changed
        self.channels = (Channel(clock, True), Channel(clock, True), Channel(clock, False))
        self.next_event = self._next_tick()

    def _next_tick(self) -> int | None:
        clock = self.channels[0].next_rise()
        return None if clock is None else instant_of(clock)

    def _arrange(self) -> None:
        event = self._next_tick()
        if event != self.next_event:
            self.next_event = event
            self._changed()

    def run_events(self) -> None:
        """Ticks that came together are one, as the interrupt controllers would see them."""
        if self.next_event is not None and self.next_event <= self._clock():
            self._tick()
            self.next_event = self._next_tick()

    def read(self, port: int) -> int:
        return self.channels[port - BASE].read() if port != CONTROL else 0xFF

    def write(self, port: int, value: int) -> None:
        if port != CONTROL:
            self.channels[port - BASE].write(value)
        elif value >> 6 == READ_BACK:
            self._read_back(value)
        else:
            self._control(self.channels[value >> 6], value)
        self._arrange()

    def _control(self, channel: Channel, value: int) -> None:
        access = value >> 4 & 3
        if access == LATCH:
            channel.latch_count()
            return
        was_down = channel is self.channels[0] and not channel.output
        channel.set_mode(access, value >> 1 & 7, bool(value & 1))
        if was_down and channel.output:
            self._tick()

    def _read_back(self, value: int) -> None:
        for index, channel in enumerate(self.channels):
            if value & 2 << index:
                if not value & 0x20:
                    channel.latch_count()
                if not value & 0x10:
                    channel.latch_status()


class ControlPort:
    """Port 0x61: bit 0 is the gate of the timer's third channel, bit 5 its output; kernels measure how fast the CPU is
    by it. Bit 4 changes every 15 microseconds, with the refresh of memory."""

    ports = (0x61,)
    GATE, KEPT, REFRESH, OUTPUT = 0x01, 0x0F, 0x10, 0x20
    REFRESH_CLOCKS = 18

    def __init__(self, clock: Clock, timer: Timer) -> None:
        self._clock, self._channel = clock, timer.channels[SPEAKER]
        self._value = 0

    def read(self, port: int) -> int:
        refresh = clocks_at(self._clock()) // self.REFRESH_CLOCKS % 2
        return self._value | (self.REFRESH if refresh else 0) | (self.OUTPUT if self._channel.output else 0)

    def write(self, port: int, value: int) -> None:
        self._value = value & self.KEPT
        self._channel.set_gate(bool(value & self.GATE))

"""The local APIC's timer (Intel, volume 3A, 11.5.4): one shot, periodic, and by a deadline of the time-stamp counter.
A count, before it is divided, is a nanosecond."""

from ambilink.machine.emulator.devices.bus import Clock

ONE_SHOT, PERIODIC, DEADLINE = 0, 1, 2
DIVIDE_BITS = 11


class ApicTimer:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        self.mode = ONE_SHOT
        self._initial = self.divide = 0
        self._started = 0  # nanoseconds: when the count began
        self._deadline = 0  # nanoseconds
        self.next_event: int | None = None

    @property
    def _divisor(self) -> int:
        code = (self.divide >> 1 & 4 | self.divide & 3) + 1
        return 1 << (code & 7)

    @property
    def _counts(self) -> int:
        """Since the count began."""
        return (self._clock() - self._started) // self._divisor

    @property
    def initial(self) -> int:
        return self._initial

    @property
    def current(self) -> int:
        if not self._initial:
            return 0
        if self.mode == PERIODIC:
            return self._initial - self._counts % self._initial
        return max(0, self._initial - self._counts)

    def _schedule(self) -> None:
        event: int | None = None
        if self.mode == DEADLINE:
            event = self._deadline or None
        elif self._initial:
            length = self._initial * self._divisor
            if self.mode == PERIODIC:
                event = self._started + ((self._clock() - self._started) // length + 1) * length
            elif self._counts < self._initial:
                event = self._started + length
        self.next_event = event

    def run_events(self) -> bool:
        """Whether it has run out."""
        if self.next_event is None or self.next_event > self._clock():
            return False
        self._deadline = 0
        self._schedule()
        return True

    def set_mode(self, mode: int) -> None:
        """To a deadline, or from it, it is disarmed."""
        if DEADLINE in (mode, self.mode) and mode != self.mode:
            self._initial = self._deadline = 0
        self.mode = mode
        self._schedule()

    def start(self, initial: int) -> None:
        if self.mode != DEADLINE:
            self._initial, self._started = initial, self._clock()
            self._schedule()

    def set_divide(self, value: int) -> None:
        left = self.current
        self.divide = value & DIVIDE_BITS
        if left:
            self._started = self._clock() - (self._initial - left) * self._divisor
        self._schedule()

    def set_deadline(self, value: int, counter: int) -> None:
        """`counter`: the time-stamp counter now."""
        if self.mode == DEADLINE:
            self._deadline = 0 if not value else max(1, self._clock() + max(0, value - counter))
            self._schedule()

    def deadline(self, counter: int) -> int:
        return counter + self._deadline - self._clock() if self._deadline else 0

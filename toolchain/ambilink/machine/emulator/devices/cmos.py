"""The CMOS clock, an MC146818. It starts at the same instant at each boot, so that boots repeat exactly."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ambilink.machine.emulator.devices.bus import NANOSECONDS, Clock

INDEX, DATA = 0x70, 0x71
POWER_ON = datetime(2024, 11, 1, 12, 0, 0, tzinfo=UTC)
SECOND, SECOND_ALARM, MINUTE, MINUTE_ALARM, HOUR, HOUR_ALARM, WEEKDAY, DAY, MONTH, YEAR = range(10)
STATUS_A, STATUS_B, STATUS_C, STATUS_D = range(10, 14)
CENTURY = 0x32
SIZE = 128

UPDATING = 0x80  # status A
SET, ON_PERIOD, ON_ALARM, ON_UPDATE, BINARY, HOURS_24 = 0x80, 0x40, 0x20, 0x10, 0x04, 0x02  # status B
ASKED, PERIOD, ALARM, UPDATE = 0x80, 0x40, 0x20, 0x10  # status C
VALID = 0x80  # status D
AFTERNOON = 0x80
CRYSTAL = 32768
UPDATE_TIME = 244_000  # nanoseconds before a second's end in which it says so


class WallClock:
    ports = (INDEX, DATA)

    def __init__(
        self,
        clock: Clock,
        raise_line: Callable[[bool], None] = lambda _: None,
        changed: Callable[[], None] = lambda: None,
        memory_size: int = 0,
    ) -> None:
        """`changed`: next_event is another. The size of memory is where a BIOS leaves it."""
        self._clock, self._raise_line, self._changed = clock, raise_line, changed
        self._index = STATUS_D
        self._start = POWER_ON  # what it shows for power-on
        self._held: datetime | None = None  # while it is set
        self._cells = bytearray(SIZE)
        self._cells[STATUS_A], self._cells[STATUS_B] = 0x26, HOURS_24
        self._store_memory_size(memory_size)
        self._flags = 0
        self._next_period: int | None = None  # in periods since power-on
        self._next_second: int | None = None
        self.next_event: int | None = None

    def _store_memory_size(self, size: int) -> None:
        low = min(size, 3 << 30)
        kilobytes, parts = min(max(low - (1 << 20), 0) >> 10, 0xFFFF), max(low - (16 << 20), 0) >> 16
        for at, value, width in (
            (0x15, 639, 2),
            (0x17, kilobytes, 2),
            (0x30, kilobytes, 2),
            (0x34, min(parts, 0xFFFF), 2),
            (0x5B, max(size - low, 0) >> 16, 3),
        ):
            self._cells[at : at + width] = value.to_bytes(width, "little")

    # Events.

    @property
    def _period(self) -> int | None:
        """In cycles of the crystal."""
        rate = self._cells[STATUS_A] & 15
        if not rate:
            return None
        return 1 << (rate + 6 if rate <= 2 else rate - 1)

    def _period_instant(self, number: int) -> int:
        assert self._period is not None
        return -(-number * self._period * NANOSECONDS // CRYSTAL)

    def _arrange(self) -> None:
        control, now = self._cells[STATUS_B], self._clock()
        self._next_period = self._next_second = None
        if control & ON_PERIOD and self._period:
            self._next_period = now * CRYSTAL // (self._period * NANOSECONDS) + 1
        if control & (ON_ALARM | ON_UPDATE) and not control & SET:
            self._next_second = now // NANOSECONDS + 1
        self._set_next_event()
        self._changed()

    def _set_next_event(self) -> None:
        events = []
        if self._next_period is not None:
            events.append(self._period_instant(self._next_period))
        if self._next_second is not None:
            events.append(self._next_second * NANOSECONDS)
        self.next_event = min(events, default=None)

    def run_events(self) -> None:
        now = self._clock()
        if self.next_event is None or self.next_event > now:
            return
        if self._next_period is not None and self._period and self._period_instant(self._next_period) <= now:
            self._flags |= PERIOD
            self._next_period = now * CRYSTAL // (self._period * NANOSECONDS) + 1
        if self._next_second is not None and self._next_second * NANOSECONDS <= now:
            self._flags |= UPDATE | (ALARM if self._is_alarm() else 0)
            self._next_second = now // NANOSECONDS + 1
        self._set_next_event()
        self._ask()

    def _is_alarm(self) -> bool:
        """A cell of 0xC0 or more matches anything."""
        pairs = ((SECOND, SECOND_ALARM), (MINUTE, MINUTE_ALARM), (HOUR, HOUR_ALARM))
        return all(self._cells[alarm] >= 0xC0 or self._cells[alarm] == self._time(at) for at, alarm in pairs)

    def _ask(self) -> None:
        enabled = self._cells[STATUS_B] & (ON_PERIOD | ON_ALARM | ON_UPDATE)
        if self._flags & enabled and not self._flags & ASKED:
            self._flags |= ASKED
            self._raise_line(True)

    # Time.

    @property
    def _now(self) -> datetime:
        return self._held or self._start + timedelta(seconds=self._clock() // NANOSECONDS)

    def _encode(self, value: int) -> int:
        return value if self._cells[STATUS_B] & BINARY else value // 10 << 4 | value % 10

    def _decode(self, value: int) -> int:
        return value if self._cells[STATUS_B] & BINARY else (value >> 4) * 10 + (value & 15)

    def _time(self, index: int) -> int:
        now = self._now
        if index == HOUR and not self._cells[STATUS_B] & HOURS_24:
            return self._encode((now.hour + 11) % 12 + 1) | (AFTERNOON if now.hour >= 12 else 0)
        fields = {
            SECOND: now.second,
            MINUTE: now.minute,
            HOUR: now.hour,
            WEEKDAY: now.isoweekday() % 7 + 1,
            DAY: now.day,
            MONTH: now.month,
            YEAR: now.year % 100,
            CENTURY: now.year // 100,
        }
        return self._encode(fields[index])

    def _set_time(self, index: int, value: int) -> None:
        """What is no date is left out."""
        now = self._now
        if index == HOUR and not self._cells[STATUS_B] & HOURS_24:
            number = self._decode(value & ~AFTERNOON) % 12 + (12 if value & AFTERNOON else 0)
        else:
            number = self._decode(value)
        names = {SECOND: "second", MINUTE: "minute", HOUR: "hour", DAY: "day", MONTH: "month"}
        try:
            if index == YEAR:
                now = now.replace(year=now.year // 100 * 100 + number)
            elif index == CENTURY:
                now = now.replace(year=number * 100 + now.year % 100)
            elif index in names:
                now = now.replace(**{names[index]: number})  # type: ignore[arg-type]
        except ValueError:
            return
        if self._held:
            self._held = now
        else:
            self._start = now - timedelta(seconds=self._clock() // NANOSECONDS)

    # Registers.

    def read(self, port: int) -> int:
        if port == INDEX:
            return 0xFF
        index = self._index
        if index in (SECOND, MINUTE, HOUR, WEEKDAY, DAY, MONTH, YEAR, CENTURY):
            return self._time(index)
        if index == STATUS_A:
            left = NANOSECONDS - self._clock() % NANOSECONDS
            is_updating = left <= UPDATE_TIME and not self._cells[STATUS_B] & SET
            return self._cells[STATUS_A] | (UPDATING if is_updating else 0)
        if index == STATUS_C:
            flags, self._flags = self._flags, 0
            self._raise_line(False)
            return flags
        return VALID if index == STATUS_D else self._cells[index]

    def write(self, port: int, value: int) -> None:
        if port == INDEX:
            self._index = value & SIZE - 1
            return
        index = self._index
        if index in (SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, CENTURY):
            self._set_time(index, value)
        elif index == STATUS_A:
            self._cells[STATUS_A] = value & 0x7F
            self._arrange()
        elif index == STATUS_B:
            self._control(value)
        elif index not in (STATUS_C, STATUS_D, WEEKDAY):
            self._cells[index] = value

    def _control(self, value: int) -> None:
        if value & SET:
            self._held = self._now
            value &= ~ON_UPDATE
        elif self._held:
            self._start = self._held - timedelta(seconds=self._clock() // NANOSECONDS)
            self._held = None
        self._cells[STATUS_B] = value
        self._arrange()
        self._ask()

"""The devices of the emulated PC. Each claims its ports on the bus; time is handed in, in nanoseconds."""

from collections.abc import Callable
from typing import Protocol

Clock = Callable[[], int]  # nanoseconds since power-on
NANOSECONDS = 1_000_000_000


class Device(Protocol):
    @property
    def ports(self) -> tuple[int, ...]: ...

    def read(self, port: int) -> int: ...

    def write(self, port: int, value: int) -> None: ...


class Bus:
    def __init__(self, devices: list[Device]) -> None:
        self._by_port = {port: device for device in devices for port in device.ports}

    def read(self, port: int, size: int) -> int:
        device = self._by_port.get(port)
        if device is None:
            return (1 << 8 * size) - 1
        return device.read(port)

    def write(self, port: int, size: int, value: int) -> None:
        device = self._by_port.get(port)
        if device is not None:
            device.write(port, value & 0xFF)


class Serial:
    """16550, always ready to send. It receives keys, from its first output on, and in loopback mode what it sends
    itself, by which kernels test it. It requests interrupts for keys only."""

    BASE = 0x3F8
    DATA, INTERRUPTS, FIFO, LINE, MODEM, LINE_STATUS, MODEM_STATUS, SCRATCH = range(8)
    DIVISOR_LATCH, LOOPBACK, FIFO_ON = 0x80, 0x10, 0x01
    EMPTY, RECEIVED, NO_INTERRUPT, KEY, ON_RECEIVED = 0x60, 0x01, 0x01, 0x04, 0x01
    CONNECTED = 0xB0  # what a terminal answers: carrier, data set ready, clear to send

    def __init__(self, put: Callable[[bytes], None], request: Callable[[bool], None] = lambda _: None) -> None:
        """`request`: the line to the interrupt controllers, whether it is up."""
        self.ports = tuple(range(self.BASE, self.BASE + 8))
        self._put, self._request = put, request
        self._keys = bytearray()
        self._is_used = False
        self._registers = [0] * 8
        self._divisor = [12, 0]
        self._received: list[int] = []

    def _has(self, register: int, bits: int) -> bool:
        return bool(self._registers[register] & bits)

    def type(self, keys: bytes) -> None:
        self._keys += keys
        self._arrange()

    @property
    def _key_waits(self) -> bool:
        return bool(self._keys) and self._is_used and not self._has(self.MODEM, self.LOOPBACK)

    def _arrange(self) -> None:
        self._request(self._key_waits and self._has(self.INTERRUPTS, self.ON_RECEIVED))

    def _take(self) -> int:
        if self._received or not self._key_waits:
            return self._received.pop(0) if self._received else 0
        key = self._keys.pop(0)
        self._arrange()
        return key

    def read(self, port: int) -> int:
        register = port - self.BASE
        if register <= 1 and self._has(self.LINE, self.DIVISOR_LATCH):
            return self._divisor[register]
        if register == self.DATA:
            return self._take()
        if register == self.FIFO:
            why = self.KEY if self._key_waits and self._has(self.INTERRUPTS, self.ON_RECEIVED) else self.NO_INTERRUPT
            return why | (0xC0 if self._has(self.FIFO, self.FIFO_ON) else 0)
        if register == self.LINE_STATUS:
            return self.EMPTY | (self.RECEIVED if self._received or self._key_waits else 0)
        if register == self.MODEM_STATUS:
            return self._looped_modem() if self._has(self.MODEM, self.LOOPBACK) else self.CONNECTED
        return self._registers[register]

    def _looped_modem(self) -> int:
        """The outputs as inputs: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD."""
        out = self._registers[self.MODEM]
        return (out & 2) << 3 | (out & 1) << 5 | (out & 4) << 4 | (out & 8) << 4

    def write(self, port: int, value: int) -> None:
        register = port - self.BASE
        if register <= 1 and self._has(self.LINE, self.DIVISOR_LATCH):
            self._divisor[register] = value
        elif register == self.DATA:
            if self._has(self.MODEM, self.LOOPBACK):
                self._received.append(value)
            else:
                self._put(bytes((value,)))
                if not self._is_used:
                    self._is_used = True
                    self._arrange()
        elif register not in (self.LINE_STATUS, self.MODEM_STATUS):
            self._registers[register] = value
            self._arrange()


class InterruptController:
    """Two cascaded 8259s; only the first one's lines are used."""

    FIRST = 0x20
    SECOND = 0xA0

    def __init__(self) -> None:
        self.ports = (self.FIRST, self.FIRST + 1, self.SECOND, self.SECOND + 1)
        self.mask = 0xFF
        self.base = 0
        self.requests = 0
        self.in_service = 0
        self._init_step = 0
        self._read_service = False

    def read(self, port: int) -> int:
        if port == self.FIRST + 1:
            return self.mask
        if port == self.FIRST:
            return self.in_service if self._read_service else self.requests
        return 0

    def write(self, port: int, value: int) -> None:
        if port == self.FIRST:
            self._command(value)
        elif port == self.FIRST + 1:
            self._data(value)

    def _command(self, value: int) -> None:
        if value & 0x10:
            self._init_step, self.in_service, self.mask = 1, 0, 0
        elif value & 0x08:
            self._read_service = value & 3 == 3
        elif value & 0x20:
            self.in_service &= self.in_service - 1  # the highest priority is the lowest bit

    def _data(self, value: int) -> None:
        if self._init_step == 0:
            self.mask = value
        else:
            if self._init_step == 1:
                self.base = value & 0xF8
            self._init_step = (self._init_step + 1) % 4

    def request(self, line: int) -> None:
        self.requests |= 1 << line

    def withdraw(self, line: int) -> None:
        self.requests &= ~(1 << line)

    @property
    def pending(self) -> bool:
        ready = self.requests & ~self.mask
        return bool(ready) and not self.in_service & (ready & -ready) - 1 and not self.in_service & ready

    def acknowledge(self) -> int:
        """Take the highest request; returns its vector."""
        ready = self.requests & ~self.mask
        line = (ready & -ready).bit_length() - 1
        self.requests &= ~(1 << line)
        self.in_service |= 1 << line
        return self.base + line


class Timer:
    """8254, channel 0: rate generator at 1193182 Hz / reload."""

    BASE = 0x40
    FREQUENCY = 1193182

    def __init__(self, clock: Clock) -> None:
        self.ports = (self.BASE, self.BASE + 1, self.BASE + 3)
        self._clock = clock
        self._reload = 0
        self._started = 0  # nanoseconds
        self._ticks = 0  # fired since then
        self._latched: list[int] = []
        self._writes: list[int] = []

    @property
    def running(self) -> bool:
        return self._reload != 0

    def _instant(self, tick: int) -> int:
        return self._started + tick * self._reload * NANOSECONDS // self.FREQUENCY

    @property
    def next_tick(self) -> int:
        """When the next interrupt is due, in nanoseconds since power-on."""
        return self._instant(self._ticks + 1)

    def fire(self) -> None:
        self._ticks += 1

    def _count(self) -> int:
        counts = (self._clock() - self._started) * self.FREQUENCY // NANOSECONDS
        return self._reload - counts % self._reload if self._reload else 0

    def read(self, port: int) -> int:
        if port != self.BASE:
            return 0
        if not self._latched:
            count = self._count()
            self._latched = [count & 0xFF, count >> 8 & 0xFF]
        return self._latched.pop(0)

    def write(self, port: int, value: int) -> None:
        if port == self.BASE + 3:
            if value >> 6 == 0:
                self._command(value)
        elif port == self.BASE:
            self._writes.append(value)
            if len(self._writes) == 2:
                self._reload = self._writes[0] | self._writes[1] << 8 or 0x10000
                self._started, self._ticks, self._writes = self._clock(), 0, []

    def _command(self, value: int) -> None:
        if value & 0x30 == 0:
            count = self._count()
            self._latched = [count & 0xFF, count >> 8 & 0xFF]
        else:
            self._writes = []


class Speaker:
    """Port 0x61 and the 8254's channel 2 behind it, in mode 0: kernels measure how fast the CPU is by it.

    Bit 0 lets the channel count, bit 5 is its output, which rises when the count has run out."""

    CHANNEL, CONTROL = 0x42, 0x61
    GATE, OUTPUT = 0x01, 0x20

    def __init__(self, clock: Clock) -> None:
        self.ports = (self.CHANNEL, self.CONTROL)
        self._clock = clock
        self._control = 0
        self._bytes: list[int] = []
        self._count = 0
        self._started: int | None = None  # nanoseconds; None: it does not count
        self._read_high = False

    def _left(self) -> int:
        if self._started is None:
            return self._count
        return max(0, self._count - (self._clock() - self._started) * Timer.FREQUENCY // NANOSECONDS)

    def read(self, port: int) -> int:
        if port == self.CONTROL:
            return self._control | (self.OUTPUT if self._started is not None and not self._left() else 0)
        self._read_high = not self._read_high
        return self._left() & 0xFF if self._read_high else self._left() >> 8

    def write(self, port: int, value: int) -> None:
        if port == self.CONTROL:
            opened = value & self.GATE and not self._control & self.GATE
            self._control = value & 3
            if opened and self._count:
                self._started = self._clock()
            return
        self._bytes.append(value)
        if len(self._bytes) == 2:
            self._count, self._bytes = self._bytes[0] | self._bytes[1] << 8 or 0x10000, []
            self._started = self._clock() if self._control & self.GATE else None


class WallClock:
    """The CMOS clock, in BCD. It starts at the same instant at each boot, so that boots repeat exactly."""

    PORT = 0x70
    POWER_ON = (2024, 11, 1, 12, 0, 0)

    def __init__(self, clock: Clock) -> None:
        self.ports = (self.PORT, self.PORT + 1)
        self._clock = clock
        self._index = 0

    def read(self, port: int) -> int:
        year, month, day, hour, minute, second = self.POWER_ON
        total = hour * 3600 + minute * 60 + second + self._clock() // NANOSECONDS
        fields = {
            0: total % 60,
            2: total // 60 % 60,
            4: total // 3600 % 24,
            7: day + total // 86400,  # a boot does not last to the end of a month
            8: month,
            9: year % 100,
        }
        if self._index == 11:
            return 0x02  # 24 hours, BCD
        value = fields.get(self._index, 0)
        return value // 10 << 4 | value % 10

    def write(self, port: int, value: int) -> None:
        if port == self.PORT:
            self._index = value & 0x7F


class DebugExit:
    """isa-debug-exit: the byte written ends the machine."""

    def __init__(self, port: int, stop: Callable[[], None]) -> None:
        self.ports = (port,)
        self.code: int | None = None
        self._stop = stop

    def read(self, port: int) -> int:
        return 0

    def write(self, port: int, value: int) -> None:
        self.code = value
        self._stop()

"""The first serial line, a 16550A, as its data sheet has it. It sends at once; what it receives are keys, and in
loopback mode what it sends itself."""

from collections.abc import Callable

from ambilink.machine.emulator.devices.bus import NANOSECONDS, Clock

BASE = 0x3F8
DATA, INTERRUPTS, FIFO, LINE, MODEM, LINE_STATUS, MODEM_STATUS, SCRATCH = range(8)
CRYSTAL = 115200  # bits a second at a divisor of 1

# Interrupt enable register.
ON_RECEIVED, ON_SENT, ON_LINE, ON_MODEM = 1, 2, 4, 8
# Interrupt identification register, in the order of their priority.
WHY_LINE, WHY_RECEIVED, WHY_TIMEOUT, WHY_SENT, WHY_MODEM, WHY_NOTHING = 0x06, 0x04, 0x0C, 0x02, 0x00, 0x01
FIFOS_ON = 0xC0
# FIFO control register.
FIFO_ENABLE, FIFO_CLEAR_RECEIVED = 0x01, 0x02
TRIGGERS = (1, 4, 8, 14)
FIFO_SIZE = 16
# Line control and status registers.
LINE_DIVISOR, LINE_BREAK, LINE_PARITY, LINE_STOPS = 0x80, 0x40, 0x08, 0x04
RECEIVED, OVERRUN, BREAK, IDLE = 0x01, 0x02, 0x10, 0x60
ERRORS = 0x1E
# Modem control and status registers.
LOOPBACK, OUT2 = 0x10, 0x08
CONNECTED = 0xB0  # what a terminal answers: carrier, data set ready, clear to send
RING = 0x40
TIMEOUT_CHARACTERS = 4


class Serial:
    ports = tuple(range(BASE, BASE + 8))

    def __init__(
        self,
        clock: Clock,
        put: Callable[[bytes], None],
        raise_line: Callable[[bool], None] = lambda _: None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`raise_line`: the interrupt line, whether it is up. `changed`: next_event is another."""
        self._clock, self._put, self._raise_line, self._changed = clock, put, raise_line, changed
        self._keys = bytearray()
        self._is_used = False
        self._enabled = self._fifo = self._modem = self._scratch = 0
        self._line = 3
        self._divisor = 12
        self._received: list[int] = []
        self._received_at = 0  # when the last one came or was read
        self._errors = 0
        self._modem_status, self._modem_changes = CONNECTED, 0
        self._sent_waits = False  # the interrupt that the transmitter is empty
        self.next_event: int | None = None

    @property
    def only_sends(self) -> bool:
        """Until a register is written: what is sent changes nothing, and the line status is IDLE."""
        waits = self._keys or self._received or self._errors or self._enabled & ON_SENT
        return self._is_used and not waits and not self._modem & LOOPBACK and not self._line & LINE_DIVISOR

    def send(self, data: bytes) -> None:
        """Of a line that only sends."""
        self._sent_waits = True
        self._put(data)

    # Receiving.

    def type(self, keys: bytes) -> None:
        """It takes them as it has room, from its first output on: then a kernel has set it up."""
        self._keys += keys
        self._arrange()

    def _take_keys(self) -> None:
        room = FIFO_SIZE if self._fifo & FIFO_ENABLE else 1
        if not self._keys or not self._is_used or self._modem & LOOPBACK:
            return
        taken = self._keys[: max(0, room - len(self._received))]
        if taken:
            del self._keys[: len(taken)]
            self._received += taken
            self._received_at = self._clock()

    def _receive(self, value: int) -> None:
        """Of itself, in loopback mode: there an overrun is possible."""
        if self._fifo & FIFO_ENABLE:
            if len(self._received) == FIFO_SIZE:
                self._errors |= OVERRUN
            else:
                self._received.append(value)
        else:
            if self._received:
                self._errors |= OVERRUN
            self._received = [value]
        self._received_at = self._clock()

    @property
    def _character_time(self) -> int:
        bits = 7 + (self._line & 3) + bool(self._line & LINE_STOPS) + bool(self._line & LINE_PARITY)
        return bits * (self._divisor or 0x10000) * NANOSECONDS // CRYSTAL

    @property
    def _trigger(self) -> int:
        return TRIGGERS[self._fifo >> 6] if self._fifo & FIFO_ENABLE else 1

    @property
    def _timeout(self) -> int:
        return self._received_at + TIMEOUT_CHARACTERS * self._character_time

    # Interrupts.

    def _why(self) -> int:
        """What asks for an interrupt, of that the most urgent."""
        if self._enabled & ON_LINE and self._errors:
            return WHY_LINE
        if self._enabled & ON_RECEIVED and self._received:
            if len(self._received) >= self._trigger:
                return WHY_RECEIVED
            if self._clock() >= self._timeout:
                return WHY_TIMEOUT
        if self._enabled & ON_SENT and self._sent_waits:
            return WHY_SENT
        if self._enabled & ON_MODEM and self._modem_changes:
            return WHY_MODEM
        return WHY_NOTHING

    def _arrange(self) -> None:
        """The line as the registers have it; on a PC the output OUT2 lets it through."""
        self._take_keys()
        why = self._why()
        waits = self._enabled & ON_RECEIVED and 0 < len(self._received) < self._trigger and why != WHY_TIMEOUT
        event = self._timeout if waits else None
        if event != self.next_event:
            self.next_event = event
            self._changed()
        is_let_through = self._modem & OUT2 and not self._modem & LOOPBACK
        self._raise_line(bool(is_let_through) and why != WHY_NOTHING)

    def run_events(self) -> None:
        if self.next_event is not None and self.next_event <= self._clock():
            self._arrange()

    # Registers.

    def read(self, port: int) -> int:
        register = port - BASE
        value = self._read(register)
        if register <= LINE_STATUS or register == MODEM_STATUS:
            self._arrange()
        return value

    def _read(self, register: int) -> int:
        if register <= INTERRUPTS and self._line & LINE_DIVISOR:
            return self._divisor >> 8 * register & 0xFF
        if register == DATA:
            self._received_at = self._clock()
            return self._received.pop(0) if self._received else 0
        if register == INTERRUPTS:
            return self._enabled
        if register == FIFO:
            why = self._why()
            if why == WHY_SENT:
                self._sent_waits = False
            return why | (FIFOS_ON if self._fifo & FIFO_ENABLE else 0)
        if register == LINE_STATUS:
            self._take_keys()
            status = self._errors | IDLE | (RECEIVED if self._received else 0)
            self._errors = 0
            return status
        if register == MODEM_STATUS:
            changes, self._modem_changes = self._modem_changes, 0
            return self._modem_status | changes
        return {LINE: self._line, MODEM: self._modem, SCRATCH: self._scratch}[register]

    def write(self, port: int, value: int) -> None:
        register = port - BASE
        if register <= INTERRUPTS and self._line & LINE_DIVISOR:
            keep = 0xFF00 if register == 0 else 0x00FF
            self._divisor = self._divisor & keep | value << 8 * register
        elif register == DATA:
            self._send(value)
        elif register == INTERRUPTS:
            self._sent_waits |= bool(value & ON_SENT and not self._enabled & ON_SENT)
            self._enabled = value & 0x0F
        elif register == FIFO:
            self._control_fifo(value)
        elif register == LINE:
            self._control_line(value)
        elif register == MODEM:
            self._control_modem(value & 0x1F)
        elif register == SCRATCH:
            self._scratch = value
            return
        else:
            return  # the status registers
        self._arrange()

    def _send(self, value: int) -> None:
        self._sent_waits = True
        if self._modem & LOOPBACK:
            self._receive(value & (0x20 << (self._line & 3)) - 1)
        else:
            self._is_used = True
            self._put(bytes((value,)))

    def _control_fifo(self, value: int) -> None:
        if (value ^ self._fifo) & FIFO_ENABLE or value & FIFO_CLEAR_RECEIVED:
            self._received.clear()
        self._fifo = value & 0xC9 if value & FIFO_ENABLE else 0

    def _control_line(self, value: int) -> None:
        if value & ~self._line & LINE_BREAK and self._modem & LOOPBACK:
            self._receive(0)
            self._errors |= BREAK
        self._line = value

    def _control_modem(self, value: int) -> None:
        """In loopback mode the outputs are the inputs: RTS is CTS, DTR is DSR, OUT1 is RI, OUT2 is DCD."""
        self._modem = value
        before = self._modem_status
        self._modem_status = CONNECTED
        if value & LOOPBACK:
            self._modem_status = (value & 2) << 3 | (value & 1) << 5 | (value & 4) << 4 | (value & 8) << 4
        changed = before ^ self._modem_status
        self._modem_changes |= (changed & ~RING | before & changed & RING) >> 4

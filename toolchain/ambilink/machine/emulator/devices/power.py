"""ACPI's fixed registers and the reset register: a kernel ends the machine by them, or measures time."""

from collections.abc import Callable

from ambilink.machine.emulator.devices.bus import NANOSECONDS, Clock

EVENT, CONTROL, TIMER = 0x600, 0x604, 0x608
RESET, PCI_ADDRESS = 0xCF9, 0xCF8
TIMER_FREQUENCY = 3579545
ACPI_ON, SLEEP = 0x0001, 0x2000
SLEEP_TYPE_SHIFT, SLEEP_TYPE_OFF = 10, 0  # what the table DSDT says of state S5
RESET_CPU = 0x04


class Power:
    """Registers wider than a byte, which are also reached by the byte."""

    wide_ports = (*range(EVENT, TIMER + 4), PCI_ADDRESS)

    def __init__(self, clock: Clock, switch_off: Callable[[], None]) -> None:
        self._clock, self._switch_off = clock, switch_off
        self._enabled, self._control = 0, 0

    @property
    def _registers(self) -> bytes:
        timer = self._clock() * TIMER_FREQUENCY // NANOSECONDS & 0xFFFFFFFF
        words = (0, self._enabled, self._control | ACPI_ON, 0)
        return b"".join(each.to_bytes(2, "little") for each in words) + timer.to_bytes(4, "little")

    def read_wide(self, port: int, size: int) -> int:
        if port == PCI_ADDRESS:
            return 0xFFFFFFFF  # there is no PCI
        return int.from_bytes((self._registers + b"\xff" * 4)[port - EVENT :][:size], "little")

    def write_wide(self, port: int, size: int, value: int) -> None:
        if port == EVENT + 2:
            self._enabled = value & 0xFFFF
        elif port in (CONTROL, CONTROL + 1):
            shift = 8 * (port - CONTROL)
            value = value << shift | (self._control & 0xFF if shift else self._control & 0xFF00 if size == 1 else 0)
            self._control = value & 0x1C02
            if value & SLEEP and value >> SLEEP_TYPE_SHIFT & 7 == SLEEP_TYPE_OFF:
                self._switch_off()


class ResetRegister:
    """Port 0xCF9: bit 2 resets, however hard bit 1 says."""

    ports = (RESET,)

    def __init__(self, reset: Callable[[str], None]) -> None:
        self._reset = reset
        self._value = 0

    def read(self, port: int) -> int:
        return self._value

    def write(self, port: int, value: int) -> None:
        self._value = value & 0x02
        if value & RESET_CPU:
            self._reset("port 0xcf9")

"""The IO-APIC (82093AA): 24 pins, each with a vector, a destination and a mask. The timer's line is on pin 2, as the
table MADT says. Whatever polarity a pin is given, an interrupt is an active line."""

from ambilink.machine.emulator.devices.local_apic import EXTERNAL, LocalApic

BASE = 0xFEC00000
SIZE = 0x1000
PINS = 24
TIMER_PIN = 2
ID, VERSION, ARBITRATION, FIRST_ENTRY = 0, 1, 2, 0x10
VERSION_VALUE = 0x20 | PINS - 1 << 16
SELECT, WINDOW, END = 0x00, 0x10, 0x40  # offsets in memory
MASKED, LEVEL, IN_SERVICE, LOGICAL = 1 << 16, 1 << 15, 1 << 14, 1 << 11
READ_ONLY = IN_SERVICE | 1 << 12


class IoApic:
    def __init__(self, local: LocalApic) -> None:
        self._local = local
        self._select = 0
        self._id = 0
        self._levels = 0  # of the pins
        self.entries = [MASKED] * PINS
        self.external_pins = 0  # that pass the 8259As on

    @staticmethod
    def _pin(line: int) -> int:
        return TIMER_PIN if line == 0 else line

    def lets_in(self, line: int) -> bool:
        return not self.entries[self._pin(line)] & MASKED

    def set_line(self, line: int, is_up: bool) -> None:
        pin = self._pin(line)
        bit = 1 << pin
        rose = is_up and not self._levels & bit
        self._levels = self._levels | bit if is_up else self._levels & ~bit
        if rose or (is_up and self.entries[pin] & LEVEL):
            self._deliver(pin)

    def _deliver(self, pin: int) -> None:
        entry = self.entries[pin]
        is_level = bool(entry & LEVEL)
        if entry & MASKED or (is_level and entry & IN_SERVICE) or entry >> 8 & 7 == EXTERNAL:
            return
        if not self._local.is_addressed(entry >> 56, bool(entry & LOGICAL)):
            return
        if is_level:
            self.entries[pin] |= IN_SERVICE
        self._local.receive(entry & 0xFF, entry >> 8 & 7, is_level)

    def end(self, vector: int) -> None:
        """Of a level-triggered interrupt; it comes again while the line is up."""
        for pin, entry in enumerate(self.entries):
            if entry & LEVEL and entry & IN_SERVICE and entry & 0xFF == vector:
                self.entries[pin] &= ~IN_SERVICE
                if self._levels & 1 << pin:
                    self._deliver(pin)

    # Registers.

    def read(self, offset: int) -> int:
        if offset == SELECT:
            return self._select
        return self._read_selected() if offset == WINDOW else 0

    def _read_selected(self) -> int:
        if self._select in (ID, ARBITRATION):
            return self._id << 24
        if self._select == VERSION:
            return VERSION_VALUE
        pin = (self._select - FIRST_ENTRY) >> 1
        if not 0 <= pin < PINS:
            return 0
        return self.entries[pin] >> (32 if self._select & 1 else 0) & 0xFFFFFFFF

    def write(self, offset: int, value: int) -> None:
        if offset == SELECT:
            self._select = value & 0xFF
        elif offset == END:
            self.end(value & 0xFF)
        elif offset == WINDOW and self._select == ID:
            self._id = value >> 24 & 15
        elif offset == WINDOW and 0 <= self._select - FIRST_ENTRY < 2 * PINS:
            self._write_entry((self._select - FIRST_ENTRY) >> 1, bool(self._select & 1), value & 0xFFFFFFFF)

    def _write_entry(self, pin: int, is_high: bool, value: int) -> None:
        entry = self.entries[pin]
        if is_high:
            self.entries[pin] = entry & 0xFFFFFFFF | (value & 0xFF000000) << 32
            return
        entry = entry & ~0xFFFFFFFF & (1 << 64) - 1 | value & 0x1AFFF & ~READ_ONLY | entry & READ_ONLY
        if not entry & LEVEL:
            entry &= ~IN_SERVICE
        self.entries[pin] = entry
        if entry & LEVEL and self._levels & 1 << pin:
            self._deliver(pin)

"""Interrupt lines: what a device raises reaches both 8259As and the IO-APIC."""

from typing import Protocol

TIMER = 0
KEYBOARD = 1
SERIAL = 4
CLOCK = 8
POWER = 9  # ACPI's


class Receiver(Protocol):
    def set_line(self, line: int, is_up: bool) -> None: ...

    def lets_in(self, line: int) -> bool:
        """Whether it is not masked."""
        ...


class Lines:
    def __init__(self, receivers: tuple[Receiver, ...]) -> None:
        self._receivers = receivers
        self._up = 0

    def set(self, line: int, is_up: bool) -> None:
        bit = 1 << line
        if bool(self._up & bit) == is_up:
            return
        self._up ^= bit
        for each in self._receivers:
            each.set_line(line, is_up)

    def pulse(self, line: int) -> None:
        """Down and up: a new edge."""
        self.set(line, False)
        self.set(line, True)

    def reach(self, line: int) -> bool:
        """Whether the CPU would learn of it."""
        return any(each.lets_in(line) for each in self._receivers)

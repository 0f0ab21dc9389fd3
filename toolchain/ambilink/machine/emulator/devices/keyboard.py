"""The 8042 keyboard controller and a keyboard without keys: kernels look for it, and reset the machine by it."""

from collections.abc import Callable

DATA, COMMAND = 0x60, 0x64
FAST_CONTROL = 0x92  # bit 0 resets, bit 1 is the gate of address line 20

OUTPUT_FULL, SYSTEM, LAST_WAS_COMMAND, UNLOCKED = 0x01, 0x04, 0x08, 0x10
INTERRUPTS, SYSTEM_FLAG, DISABLED, TRANSLATED = 0x01, 0x04, 0x10, 0x40  # the command byte
RESET_PULSE_FIRST, RESET_LINE = 0xF0, 0x01
ACKNOWLEDGED, TEST_PASSED, CONTROLLER_PASSED = 0xFA, 0xAA, 0x55
IDENTITY = (0xAB, 0x83)
# Commands of the controller that take a byte: command byte, output port, and what would be the mouse's.
TAKE_A_BYTE = frozenset((0x60, 0xD1, 0xD2, 0xD3, 0xD4))
# Those of the keyboard: lamps, scan code set, repeat rate.
KEYBOARD_TAKES_A_BYTE = frozenset((0xED, 0xF0, 0xF3))


class Keyboard:
    ports = (DATA, COMMAND, FAST_CONTROL)

    def __init__(self, reset: Callable[[str], None], raise_line: Callable[[bool], None] = lambda _: None) -> None:
        self._reset, self._raise_line = reset, raise_line
        self._command_byte = INTERRUPTS | SYSTEM_FLAG | TRANSLATED
        self._output_port = 0x03  # no reset, address line 20 on
        self._output: list[int] = []
        self._last = 0  # read
        self._awaits: int | None = None  # the controller's command whose byte comes next
        self._keyboard_awaits: int | None = None
        self._last_was_command = False

    def _arrange(self) -> None:
        self._raise_line(bool(self._output) and bool(self._command_byte & INTERRUPTS))

    def _answer(self, *values: int) -> None:
        self._output += values
        self._arrange()

    def read(self, port: int) -> int:
        if port == FAST_CONTROL:
            return self._output_port & 2
        if port == COMMAND:
            status = SYSTEM | UNLOCKED | (OUTPUT_FULL if self._output else 0)
            return status | (LAST_WAS_COMMAND if self._last_was_command else 0)
        if self._output:
            self._last = self._output.pop(0)
            self._raise_line(False)
            self._arrange()
        return self._last

    def write(self, port: int, value: int) -> None:
        if port == FAST_CONTROL:
            self._output_port = self._output_port & ~2 | value & 2
            if value & 1:
                self._reset("port 0x92")
            return
        self._last_was_command = port == COMMAND
        if port == COMMAND:
            self._command(value)
        elif self._awaits is not None:
            command, self._awaits = self._awaits, None
            self._take(command, value)
        else:
            self._press(value)

    def _command(self, value: int) -> None:
        self._awaits = value if value in TAKE_A_BYTE else None
        answers = {0x20: self._command_byte, 0xAA: CONTROLLER_PASSED, 0xAB: 0, 0xA9: 1, 0xC0: 0xA0}
        if value in answers:
            self._answer(answers[value])
        elif value == 0xD0:
            self._answer(self._output_port)
        elif value in (0xAD, 0xAE):
            self._command_byte = self._command_byte & ~DISABLED | (DISABLED if value == 0xAD else 0)
        elif value >= RESET_PULSE_FIRST and not value & RESET_LINE:
            self._reset("the keyboard controller")

    def _take(self, command: int, value: int) -> None:
        if command == 0x60:
            self._command_byte = value
            self._arrange()
        elif command == 0xD1:
            self._output_port = value
            if not value & RESET_LINE:
                self._reset("the keyboard controller")
        elif command == 0xD2:
            self._answer(value)

    def _press(self, value: int) -> None:
        """A byte for the keyboard."""
        if self._keyboard_awaits is not None:
            command, self._keyboard_awaits = self._keyboard_awaits, None
            self._answer(ACKNOWLEDGED, *((2,) if command == 0xF0 and value == 0 else ()))
            return
        self._keyboard_awaits = value if value in KEYBOARD_TAKES_A_BYTE else None
        if value == 0xEE:
            self._answer(value)  # echo
        else:
            self._answer(ACKNOWLEDGED, *{0xFF: (TEST_PASSED,), 0xF2: IDENTITY}.get(value, ()))

"""What every machine is given and gives back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ambilink.machine.keys import Keys
from ambilink.machine.memory import PhysicalMemory
from ambilink.verdict import AMBILINK_RULES, VerdictRules

EXIT_PASS = 0
EXIT_FAIL = 1
EXIT_NO_MACHINE = 77
EXIT_MACHINE_BROKE = 99


class Verdict(Enum):
    PASS = "pass"
    FAIL = "fail"
    TIMEOUT = "timeout"
    SILENCE = "silence"  # no line for longer than the rules allow
    RESET = "reset"  # triple fault, or the guest asked for a reset
    HALTED = "halted"  # stopped with interrupts off, nothing can wake it
    BROKEN = "broken"  # the machine itself failed

    @property
    def exit_status(self) -> int:
        if self is Verdict.PASS:
            return EXIT_PASS
        return EXIT_MACHINE_BROKE if self is Verdict.BROKEN else EXIT_FAIL


class NoMachine(Exception):
    """The machine is not available on this computer; the text says what is missing."""


@dataclass(frozen=True)
class KernelSegment:
    address: int  # physical
    data: bytes
    memory_size: int


@dataclass(frozen=True)
class Kernel:
    segments: tuple[KernelSegment, ...]
    entry32: int | None  # PVH: 32-bit protected mode, paging off, ebx = start info
    entry64: int | None  # long mode, memory identity-mapped, rbx = start info

    @property
    def end(self) -> int:
        return max(each.address + each.memory_size for each in self.segments)


@dataclass(frozen=True)
class BootRequest:
    image: Path
    memory_megabytes: int = 128
    timeout: float = 20.0  # seconds
    seed: int | None = None
    arguments: str = ""  # appended to the kernel's command line
    accelerator: str = "tcg"  # QEMU only: tcg or kvm
    rules: VerdictRules = AMBILINK_RULES
    rules_from: str = ""  # the profile's file, for messages
    expected: tuple[str, ...] = ()  # lines; where the rules have no pass of their own, all of them are the pass
    made_of: Path | None = None  # the file of which the image was made for this boot
    is_cd: bool = False  # the image is an ISO: firmware boots it, QEMU's
    firmware: str = "bios"  # of a CD: bios or uefi
    kernel: Kernel | None = None  # what the image's file holds; QEMU reads it by itself
    keys: Keys | None = None  # QEMU only: what is typed
    debugger_port: int | None = None  # QEMU only: the machine waits for a debugger that connects there

    @property
    def command_line(self) -> str:
        words = [] if self.seed is None else [f"seed={self.seed}"]
        if self.arguments:
            words.append(self.arguments)
        return " ".join(words)


@dataclass(frozen=True)
class ConsoleLine:
    text: str
    seconds: float  # since power-on, by the host's clock
    instructions: int | None  # executed before the line end; None where the machine cannot tell
    console: str = ""  # whose it is, where the rules tell consoles apart

    @property
    def shown(self) -> str:
        return f"{self.console}: {self.text}" if self.console else self.text


LineSink = Callable[[ConsoleLine], None]


@dataclass(frozen=True)
class Moment:
    """Of a machine that stopped at an address and will go on."""

    memory: PhysicalMemory
    seconds: float  # since power-on, by the host's clock
    instructions: int  # executed before


# What to call when the CPU reaches an address (of the running address space), before it goes on.
Stops = Mapping[int, Callable[[Moment], None]]
# How often the instruction at an address was executed, by page table and address; page table 0 is the kernel's half.
Counts = dict[tuple[int, int], int]


@dataclass
class Outcome:
    machine: str
    verdict: Verdict
    detail: str  # why, in words, where the verdict alone does not say
    console: list[ConsoleLine]
    seconds: float
    instructions: int | None
    memory: PhysicalMemory | None
    counters: dict[str, int] = field(default_factory=dict)
    crash: list[str] = field(default_factory=list)  # from the line that the rules call a failure on

    @property
    def text(self) -> list[str]:
        return [line.shown for line in self.console]


TERMINAL_CONTROLS = re.compile(rb"\x1b\[[0-9;=?]*[A-Za-z]|\r(?=.)")


class Console:
    """Collects the serial line's bytes into lines, for each console that the rules tell apart."""

    def __init__(
        self, sink: LineSink | None = None, rules: VerdictRules = AMBILINK_RULES, is_terminal: bool = False
    ) -> None:
        """`is_terminal`: firmware and boot loader move the cursor and clear the screen, which is left out."""
        self.lines: list[ConsoleLine] = []
        self._raw = bytearray()  # since the last line end
        self._partial: dict[str, bytes] = {}  # unfinished lines of consoles
        self._console = ""
        self._prefix = re.compile(rules.console_prefix.encode()) if rules.console_prefix else None
        self._switch = re.compile(rules.console_switch.encode()) if rules.console_switch else None
        self._sink = sink
        self._controls = TERMINAL_CONTROLS if is_terminal else None

    def put(self, data: bytes, seconds: float, instructions: int | None) -> None:
        for byte in data:
            if byte == 10:
                self._end_line(seconds, instructions)
            else:
                self._raw.append(byte)

    def finish(self, seconds: float, instructions: int | None) -> None:
        """Keep what came after the last line end."""
        if self._raw:
            self._end_line(seconds, instructions)
        for console, text in self._partial.items():
            if text:
                self._add(console, text, seconds, instructions)
        self._partial.clear()

    def _end_line(self, seconds: float, instructions: int | None) -> None:
        raw = bytes(self._raw)
        self._raw.clear()
        if self._switch:
            raw = self._part_by_console(raw)
        elif self._prefix:
            match = self._prefix.match(raw)
            self._console = _name(match) if match else ""
            raw = raw[match.end() :] if match else raw
        self._add(self._console, raw, seconds, instructions)

    def _part_by_console(self, raw: bytes) -> bytes:
        """The whole line of the console that the line end belongs to; the others' parts are kept."""
        assert self._switch is not None
        at = 0
        for match in self._switch.finditer(raw):
            self._keep(raw[at : match.start()])
            self._console, at = _name(match), match.end()
        self._keep(raw[at:])
        return self._partial.pop(self._console, b"")

    def _keep(self, part: bytes) -> None:
        self._partial[self._console] = self._partial.get(self._console, b"") + part

    def _add(self, console: str, raw: bytes, seconds: float, instructions: int | None) -> None:
        raw = self._controls.sub(b"", raw) if self._controls else raw
        line = ConsoleLine(raw.decode("utf-8", "replace").rstrip("\r"), seconds, instructions, console)
        self.lines.append(line)
        if self._sink:
            self._sink(line)


def _name(match: re.Match[bytes]) -> str:
    return (match["console"] or b"").decode("utf-8", "replace")

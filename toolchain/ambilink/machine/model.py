"""What every machine is given and gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ambilink.machine.memory import PhysicalMemory

EXIT_PASS = 0
EXIT_FAIL = 1
EXIT_NO_MACHINE = 77
EXIT_MACHINE_BROKE = 99

GUEST_PASS = 0x10  # what the guest writes to the debug-exit port
GUEST_FAIL = 0x11


class Verdict(Enum):
    PASS = "pass"
    FAIL = "fail"
    TIMEOUT = "timeout"
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
    kernel: Kernel | None = None  # what the image's file holds; QEMU reads it by itself

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


LineSink = Callable[[ConsoleLine], None]
# What to call when the CPU reaches an address (of the running address space), before it goes on.
Stops = Mapping[int, Callable[[PhysicalMemory], None]]
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

    @property
    def text(self) -> list[str]:
        return [line.text for line in self.console]


class Console:
    """Collects the serial line's bytes into lines."""

    def __init__(self, sink: LineSink | None = None) -> None:
        self.lines: list[ConsoleLine] = []
        self._partial = bytearray()
        self._sink = sink

    def put(self, data: bytes, seconds: float, instructions: int | None) -> None:
        for byte in data:
            if byte == 10:
                self._end_line(seconds, instructions)
            else:
                self._partial.append(byte)

    def finish(self, seconds: float, instructions: int | None) -> None:
        """Keep what came after the last line end."""
        if self._partial:
            self._end_line(seconds, instructions)

    def _end_line(self, seconds: float, instructions: int | None) -> None:
        text = self._partial.decode("utf-8", "replace").rstrip("\r")
        self._partial.clear()
        line = ConsoleLine(text, seconds, instructions)
        self.lines.append(line)
        if self._sink:
            self._sink(line)


def verdict_of_guest(code: int) -> tuple[Verdict, str]:
    if code == GUEST_PASS:
        return Verdict.PASS, ""
    if code == GUEST_FAIL:
        return Verdict.FAIL, "the guest said that it failed"
    return Verdict.FAIL, f"the guest ended the machine with an unknown code {code:#x}"

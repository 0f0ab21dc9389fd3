"""What every machine is given and gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ambilink.machine.keys import Keys
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.paging import EFER_LONG, FRAME_MASK, Paging
from ambilink.verdict import AMBILINK_RULES, VerdictRules

FLAG_INTERRUPT = 0x200
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
    ENDED = "ended"  # by a person: at the terminal, in the debugger
    BROKEN = "broken"  # the machine itself failed

    @property
    def exit_status(self) -> int:
        if self in (Verdict.PASS, Verdict.ENDED):
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
class BootModule:
    """A file that the kernel is handed in memory."""

    path: Path
    words: str = ""  # its command line


@dataclass(frozen=True)
class GuestThread:
    """A thread of the guest, as its kernel keeps it."""

    number: int  # unlike any other's, and not 0 or 1
    name: str
    text: str  # what it is
    does: str  # or waits for
    page_table: int  # physical address
    registers: Mapping[str, int]  # of user mode, saved when it entered the kernel last
    is_ready: bool
    frame_end: int  # of the memory where they were saved: while it runs the CPU's next frame ends there


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
    modules: tuple[BootModule, ...] = ()  # handed to the kernel; of one that boots by multiboot they are in `image`
    kernel: Kernel | None = None  # what the image's file holds; QEMU reads it by itself
    keys: Keys | None = None  # what is typed
    debugger_port: int | None = None  # the machine waits for a debugger that connects there
    threads: Callable[[PhysicalMemory], list[GuestThread]] | None = None  # of the guest, for the debugger
    stop_at: int | None = None  # emulator only: behind so many instructions
    stops_at_nothing: bool | None = None  # emulator only: at addresses with nothing behind; None: by the kernel

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


# What to call when the CPU reaches an address (of the running address space), before it goes on; it may give more.
Stop = Callable[[Moment], "Stops | None"]
Stops = Mapping[int, Stop]
# How often the instruction at an address was executed, by page table and address; page table 0 is the kernel's half.
Counts = dict[tuple[int, int], int]


@dataclass(frozen=True)
class Loop:
    """That the CPU goes round in."""

    first: int  # the lowest address of its instructions
    last: int
    count: int  # instructions of a round


@dataclass(frozen=True)
class CpuPlace:
    """Where the CPU was when the boot was ended."""

    registers: Mapping[str, int]  # by name, in the order in which they are shown
    halted: bool  # it waits for an interrupt
    is_stuck: bool = False  # it cannot go on: nothing is behind an address, a fault in the delivery of a fault
    loop: Loop | None = None  # where the time was up: a short one

    @property
    def takes_interrupts(self) -> bool:
        return bool(self.registers["rflags"] & FLAG_INTERRUPT)

    @property
    def rip(self) -> int:
        return self.registers["rip"]

    @property
    def page_table(self) -> int:
        """Physical address."""
        return self.registers["cr3"] & FRAME_MASK

    @property
    def paging(self) -> Paging:
        return Paging(*(self.registers[name] for name in ("cr0", "cr3", "cr4", "efer")))

    @property
    def bits(self) -> int:
        """How wide its addresses are."""
        return 64 if self.registers["efer"] & EFER_LONG else 32


@dataclass(frozen=True)
class Deviation:
    """What a guest executed that the machine does otherwise than a processor."""

    what: str
    rip: int  # where first
    page_table: int  # physical address


@dataclass
class Touch:
    """Accesses to a physical address, or a port, where there is neither memory nor a device. One for each instruction
    that accesses memory, or for each port."""

    is_port: bool
    address: int  # at the first
    accesses: set[str]  # read, written
    place: CpuPlace  # at the first
    calls: list[int]  # from its instruction on outwards
    count: int = 1


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
    cpu: "CpuPlace | None" = None  # where it ran no code that ended the machine, and can be asked
    notes: list[str] = field(default_factory=list)  # where the machine is not what it promises to be
    deviations: list[Deviation] = field(default_factory=list)
    undefined: tuple[int, int] | None = None  # rip and CR3 at the last instruction that the machine does not know
    touches: list[Touch] = field(default_factory=list)
    touches_more: int = 0  # further accesses of the kind, by other instructions or to other ports

    @property
    def text(self) -> list[str]:
        return [line.shown for line in self.console]

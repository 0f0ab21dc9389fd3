"""Where the CPU stopped: its registers, the calls that led there, and the instruction, from the machine's memory."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ambilink.machine.frames import calls_to
from ambilink.machine.judge import UNDECIDED
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import CpuPlace, Outcome
from ambilink.machine.paging import read_virtual
from ambilink.verify.backtrace import find_kernel_address
from ambilink.verify.reasons import Scene

CODE_SHOWN = 15  # the longest instruction
SHORT = ("cs", "ss", "ds", "es", "fs", "gs")
USER_END = 1 << 47
Find = Callable[[int], str | None]  # function and line of an address
VEX = (0xC4, 0xC5, 0x62)  # first byte of AVX and AVX-512 instructions


@dataclass(frozen=True)
class Places:
    """Who has which code."""

    scene: Scene | None  # of this project's kernel
    files: Sequence[Path]  # that may have the kernel's symbols
    moved: int  # how far the kernel runs from where it is linked

    def find(self, page_table: int, address: int) -> str | None:
        """Function and line of an address in one address space."""
        scene = self.scene
        processes = scene.state.processes if scene else []
        process = next((each for each in processes if each.page_table == page_table), None)
        if scene and process and address < USER_END:
            return f"{scene.named(process)}, {scene.where(scene.space(process), address)}"
        return find_kernel_address(address, self.files, self.moved)

    def describe(self, page_table: int, address: int) -> str:
        return self.find(page_table, address) or f"no function of {' or '.join(map(str, self.files))}"


@dataclass(frozen=True)
class Call:
    address: int
    where: str


@dataclass(frozen=True)
class StoppedCpu:
    place: CpuPlace
    calls: list[Call]  # the innermost first
    code: bytes  # from rip on; empty where nothing is mapped

    def as_json(self) -> dict[str, object]:
        return {
            "rip": self.place.rip,
            "halted": self.place.halted,
            "stuck": self.place.is_stuck,
            "loop": asdict(self.place.loop) if self.place.loop else None,
            "registers": dict(self.place.registers),
            "calls": [{"address": call.address, "where": call.where} for call in self.calls],
            "code": self.code.hex(),
        }


def stopped_cpu(place: CpuPlace, memory: PhysicalMemory, find: Find) -> StoppedCpu:
    calls = []
    for depth, address in enumerate(calls_to(place, memory)):
        where = find(_within(place) if depth == 0 else address - 1)  # a return address belongs to the call before it
        calls.append(Call(address, where or "?"))
        if depth and not where:
            break
    return StoppedCpu(place, calls, read_virtual(memory, place.paging, place.rip, CODE_SHOWN))


def cpu_reasons(outcome: Outcome, places: Places) -> list[str]:
    """Where the CPU stopped, and an instruction that it does not know."""
    cpu = outcome.cpu
    if cpu is None or not (cpu.is_stuck or outcome.verdict in UNDECIDED) or outcome.crash:
        return []
    what = "stopped" if cpu.is_stuck else "halted" if cpu.halted else "ran"
    where = f"the CPU {what} at {cpu.rip:#x}, in {places.describe(cpu.page_table, _within(cpu))}"
    found = [where if cpu.is_stuck else where + _doing(cpu)]
    if outcome.undefined and outcome.memory:
        rip, table = outcome.undefined
        paging = replace(cpu.paging, cr3=table)
        code = read_virtual(outcome.memory, paging, rip, CODE_SHOWN)
        found.append(f"{_unknown(code)} at {rip:#x} ({code.hex(' ')}), in {places.describe(paging.table, rip)}")
    return found


def _doing(cpu: CpuPlace) -> str:
    """What it did there, of a CPU that could go on."""
    interrupts = f"with interrupts {'on' if cpu.takes_interrupts else 'off'}"
    if cpu.loop is None:
        return f", {interrupts}"
    loop = cpu.loop
    return f", in a loop of {loop.count} instructions from {loop.first:#x} to {loop.last:#x}, {interrupts}"


def _unknown(code: bytes) -> str:
    if code[:1] and code[0] in VEX:
        return "the machine has no AVX, and raised the exception for undefined instructions"
    return "the exception for undefined instructions was raised last"


def _within(place: CpuPlace) -> int:
    """An address of the instruction that stopped: rip is behind a hlt."""
    return place.rip - place.halted


def stopped_lines(stopped: StoppedCpu) -> list[str]:
    lines = [f"  #{depth} {call.address:#018x} {call.where}" for depth, call in enumerate(stopped.calls)]
    lines += register_lines(list(stopped.place.registers.items()))
    lines.append(f"  code at rip: {stopped.code.hex(' ') or 'nothing is mapped there'}")
    return lines


def register_lines(registers: Sequence[tuple[str, int]]) -> list[str]:
    """Fit into 80 columns."""
    wide = [(name, value) for name, value in registers if name not in SHORT]
    parts = [f"{name:>7} {value:016x}" for name, value in wide]
    lines = ["  " + " ".join(parts[at : at + 3]) for at in range(0, len(parts), 3)]
    short = [f"{name} {value:04x}" for name, value in registers if name in SHORT]
    return lines + (["  " + " ".join(f"{each:>7}" for each in short)] if short else [])

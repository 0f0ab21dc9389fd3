"""Random guests in the bundled emulator, with the native helper and without: registers, flags, memory, ports, times and
counts must be the same behind each part of a run.

`./scons judge-fallback count=2000 seed=1` runs so many. What docs/emulator.md says of the fall-back is left out: guests
compute with integers, set no breakpoints of data, cannot write over their code, and end where they write over their
page tables. `--only N` shows one guest."""

import argparse
import contextlib
import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.emulator.protected_mode import NotEmulated
from ambilink.machine.memory import allocate

import unicorn  # isort: skip  # behind the native helper
from unicorn import x86_const as x86  # isort: skip

CODE, STACK, TABLES, DATA, GATES, HANDLERS, SEGMENTS = 0x10000, 0x20000, 0x1000, 0x30000, 0x40000, 0x50000, 0x48000
USER_CODE = 0x60000  # the same bytes
TASK_STATE = 0x4A000
SIZE = 2 << 20
PRESENT, WRITABLE, USER, ACCESSED, DIRTY, NO_EXECUTION = 1, 2, 4, 0x20, 0x40, 1 << 63
VOID = 0x1FF000  # mapped to an address with nothing behind it
EFER, EFER_VALUE = 0xC0000080, 0xD01  # long mode, no execution, system calls
CR0 = 0x80010033  # paging, write protection, NE, MP, protection
VECTORS, HANDLER_SIZE, HANDLER_STEPS = 63, 48, 100
ARITHMETIC_FLAGS = 0x8D5
HLT, NOP = b"\xf4", b"\x90"
WITH_ERROR = (8, 10, 11, 12, 13, 14, 17)
NOT_AT_RANDOM = (0x0F, 0x9B, 0x9D)  # SSE, fwait, popf, which sets TF
LIMITS = (1, 1, 2, 3, 7, 20, 100, 1000)
PARTS = 30
SLOT = 16  # bytes, of an instruction: where it faults, the next one comes
APIC_MSRS = (0x1B, 0x6E0, 0x802, 0x808, 0x80B, 0x10, 0x3B)

# By name, so that a difference says what it is in.
INSTRUCTIONS = {
    "inc ebx": "ffc3",
    "inc qword [rdi]": "48ff07",
    "mov rax, [rdi]": "488b07",
    "mov rcx, [rax]": "488b08",
    "mov [rax], rbx": "488918",
    "mov eax, VOID": "b800f01f00",
    "mov rax, DATA+16": "48c7c010000300",
    "add rbx, rax": "4801c3",
    "adc ecx, edx": "11d1",
    "push rax": "50",
    "pop rax": "58",
    "pushf": "9c",
    "push 0x202; popf": "68020200009d",
    "movsb": "a4",
    "rep movsb": "f3a4",
    "rep stosb": "f3aa",
    "repe cmpsb": "f3a6",
    "rep movsb of 5": "b905000000f3a4",
    "out 0x80": "e680",
    "in 0x80": "e480",
    "outsb": "6e",
    "insb": "6c",
    "syscall": "0f05",
    "int 0x20": "cd20",
    "int3": "cc",
    "int1": "f1",
    "ud2": "0f0b",
    "hlt": "f4",
    "sti": "fb",
    "cli": "fa",
    "mov ss, rsi": "8ed6",
    "jz over": "740e",
    "jnz over": "750e",
    "jnz back": "75e6",
    "jmp over": "eb0e",
    "loop itself": "e2fe",
    "div rbx": "48f7f3",
    "rdtsc": "0f31",
    "rdtscp": "0f01f9",
    "cpuid 1": "b8010000000fa2",
    "cpuid": "0fa2",
    "rdmsr": "0f32",
    "wrmsr": "0f30",
    "mov rax, cr8": "440f20c0",
    "mov cr8, rcx": "440f22c1",
    "cmpxchg8b": "480fc70f",
    "lock inc": "f048ff07",
    "mov ds, eax": "8ed8",
    "mov rax, cr3": "0f20d8",
    "mov cr3, rax": "0f22d8",
    "mov rax, cr0": "0f20c0",
    "mov dr0, rax": "0f23c0",
    "mov rax, dr7": "0f21f8",
    "mov ecx, 0x401; mov dr7, rcx": "b9010400000f23f9",
    "call over": "e80b000000",
}


@dataclass
class Guest:
    seed: int
    is_random: bool = False  # bytes, not instructions
    names: list[str] = field(default_factory=list)
    seen: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.pauses = self.chance.random() < 0.5
        self.deadline = 0
        self.priority = 0
        self.memory = allocate(SIZE)
        self.cpu = Cpu(self.memory, self._read, self._write)
        self.cpu.connect_registers(self._read_register, self._write_register)
        self.answers = random.Random(self.seed + 1)
        self._map()
        self._fill()
        self._enter()

    def _map(self) -> None:
        for level in range(3):
            table = TABLES + level * 0x1000
            self.memory.write(table, (table + 0x1000 | PRESENT | WRITABLE | USER).to_bytes(8, "little"))
        for page in range(512):
            address = page << 12
            is_code = address in (CODE, HANDLERS, USER_CODE)
            entry = address | PRESENT | USER | (0 if is_code else WRITABLE | NO_EXECUTION)
            if address == VOID:
                entry = 0x40000000 | PRESENT | WRITABLE
            self.memory.write(TABLES + 0x3000 + 8 * page, entry.to_bytes(8, "little"))

    def _fill(self) -> None:
        chance = self.chance
        self.is_random = chance.random() < 0.2
        if self.is_random:
            code = bytes(chance.choices([each for each in range(0xC0) if each not in NOT_AT_RANDOM], k=200))
        else:
            self.names = chance.choices(list(INSTRUCTIONS), k=60)
            code = b"".join(bytes.fromhex(INSTRUCTIONS[name]).ljust(SLOT, NOP) for name in self.names)
        for place in (CODE, USER_CODE):
            self.memory.write(place, code.ljust(0x1000, HLT))
        self.memory.write(HANDLERS, HLT * 0x1000)
        for vector in range(VECTORS):
            # inc ebx; drop the error code; clear arithmetic flags, which the faulting instruction was to change; go on
            # in the slot behind; iretq
            skip = b"\x48\x83\xc4\x08" if vector in WITH_ERROR else b""
            place = HANDLERS + vector * HANDLER_SIZE
            go_on = bytes.fromhex("48816424102af7ffff 48832424f0 4883042410 48cf")
            self.memory.write(place, b"\xff\xc3" + skip + go_on)
            kind = chance.choice((0x8E, 0x8F, 0xEE))
            if chance.random() < 0.95:
                gate = place & 0xFFFF | 0x10 << 16 | kind << 40 | (place >> 16 & 0xFFFF) << 48
                self.memory.write(GATES + vector * 16, gate.to_bytes(8, "little"))
        # Of system calls: inc ebx; clear arithmetic flags; sysretq.
        self.memory.write(HANDLERS + VECTORS * HANDLER_SIZE, bytes.fromhex("ffc3 4981e32af7ffff 480f07"))
        descriptors = (0, 0, 0x00209A0000000000, 0x0000920000000000, 0, 0x0000F20000000000, 0x0020FA0000000000)
        self.memory.write(SEGMENTS, b"".join(each.to_bytes(8, "little") for each in descriptors))
        self.memory.write(TASK_STATE + 4, (STACK + 0x1000).to_bytes(8, "little"))

    def _enter(self) -> None:
        cpu = self.cpu
        cpu.enter_long_mode(CODE, 0, TABLES)
        cpu.engine.reg_write(x86.UC_X86_REG_MSR, (EFER, EFER_VALUE))
        cpu.engine.reg_write(x86.UC_X86_REG_CR0, CR0)
        c = cpu.context
        c.save()
        for index, value in {0: DATA + 16, 1: 5, 4: STACK, 6: DATA + 0x1000, 7: DATA}.items():
            c.registers[index] = value
        c.cs.selector, c.ss.selector = 0x10, 0x18
        c.idt.base, c.idt.limit = GATES, VECTORS * 16 - 1
        c.gdt.base, c.gdt.limit = SEGMENTS, 7 * 8 - 1
        c.tr.base, c.tr.limit = TASK_STATE, 0x67
        c.lstar.value, c.star.value, c.fmask.value = HANDLERS + VECTORS * HANDLER_SIZE, 0x10 << 32 | 0x20 << 48, 0x200
        c.restore()

    # Devices.

    def _read(self, port: int, size: int) -> int:
        self.seen.append(("in", port, size, self.cpu.now()))
        self._pause()
        return 0x5A

    def _write(self, port: int, size: int, value: int) -> None:
        self.seen.append(("out", port, size, value, self.cpu.now()))
        self._pause()

    def _pause(self) -> None:
        if self.pauses and self.answers.random() < 0.5:
            self.cpu.pause()

    def _read_register(self, msr: int, counter: int) -> int | None:
        self.seen.append(("rdmsr", msr, counter))
        return None if msr == 0x80B else self.priority

    def _write_register(self, msr: int, value: int, counter: int) -> bool:
        self.seen.append(("wrmsr", msr, value, counter))
        self.priority = value
        self._pause()
        return msr != 0x80B

    def _entries(self) -> list[int]:
        """Of the page tables, without what the processor writes there."""
        tables = memoryview(self.memory.read(TABLES, 4 * 0x1000)).cast("Q")
        return [entry & ~(ACCESSED | DIRTY) for entry in tables]

    def _is_in_handler(self) -> bool:
        return HANDLERS <= self.cpu.rip < HANDLERS + 0x1000

    def _leave_handler(self) -> None:
        """So that the flags which are saved on the stack are cleared."""
        for _ in range(HANDLER_STEPS):
            if not self._is_in_handler() or self.cpu.triple_fault:
                break
            self.cpu.run(1, False, 1000)
            self.cpu.context.save()

    def run(self) -> Iterator[str]:
        """A line for each part."""
        cpu, chance = self.cpu, self.chance
        entries = self._entries()
        for _ in range(PARTS):
            limit, waits = chance.choice(LIMITS), chance.random() < 0.25
            executed: object
            try:
                executed = cpu.run(limit, waits, 1000)
                cpu.context.save()
                if waits and not cpu.triple_fault and cpu.accepts_interrupt():
                    cpu.interrupt(chance.choice((32, 40, 62, 70)))
            except (unicorn.UcError, IndexError, NotEmulated) as error:
                executed = f"{error}, after {cpu.executed}"
            cpu.context.save()
            if self._entries() != entries:
                yield "has written over its page tables"
                return
            values = list(cpu.context.registers)
            values[11] &= ~ARITHMETIC_FLAGS
            registers = " ".join(f"{value:x}" for value in values)
            flags = cpu.flags & ~ARITHMETIC_FLAGS if self._is_in_handler() else cpu.flags
            selector, address = cpu.context.cs.selector, cpu.context.control[2]
            state = f"rip {cpu.rip:x} flags {'' if cpu.triple_fault else hex(flags)} cs {selector:x} cr2 {address:x}"
            end = "halted" if cpu.halted else cpu.triple_fault or ""
            yield f"{executed} of {limit}{' waits' * waits}: {state} {registers} {end} {self.seen}"
            self.seen.clear()
            if cpu.triple_fault or isinstance(executed, str):
                break
            if chance.random() < 0.1:
                registers = cpu.context.registers
                registers[1] = chance.choice((0, 1, 5, *APIC_MSRS))
                registers[0] = chance.choice((0, DATA, VOID, 0x202))
                cpu.context.restore()
        with contextlib.suppress(unicorn.UcError, IndexError, NotEmulated):
            self._leave_handler()
        memory = b"" if cpu.triple_fault else self.memory.read(0, SIZE)
        yield f"{cpu.counters} {hashlib.sha256(memory).hexdigest()}"


def transcripts(seeds: Sequence[int], environment: dict[str, str]) -> list[str]:
    """Of each guest, one line."""
    words = [sys.executable, "-m", "tests.boot.judge_fallback", "--run", *map(str, seeds)]
    done = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"guests {seeds[0]} to {seeds[-1]}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout.splitlines()


def differences(seeds: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Of the guests that go another way: the first parts that differ."""
    both = [transcripts(seeds, each) for each in ({"AMBILINK_EMULATOR": ""}, {"AMBILINK_EMULATOR": "python"})]
    found = {}
    for seed, helped, plain in zip(seeds, *both, strict=True):
        if helped != plain:
            parts = zip(helped.split(" | "), plain.split(" | "), strict=False)
            found[seed] = next((a, b) for a, b in parts if a != b)
    return found


BATCH = 50


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of a guest, to look at")
    parser.add_argument("--run", type=int, nargs="+", help="guests to run in this process")
    options = parser.parse_args()
    if options.run:
        for seed in options.run:
            print(" | ".join(Guest(seed).run()))
        return 0
    if options.only is not None:
        guest = Guest(options.only)
        print(*guest.names, sep="; ")
        print(*guest.run(), sep="\n")
        return 0
    first, wrong = options.seed * 1_000_000, 0
    for start in range(first, first + options.count, BATCH):
        found = differences(range(start, min(start + BATCH, first + options.count)))
        wrong += len(found)
        for seed, (helped, plain) in found.items():
            print(f"guest {seed}:\n  with the helper:    {helped}\n  without the helper: {plain}", flush=True)
    print(f"{options.count:,} guests, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

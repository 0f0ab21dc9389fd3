"""Model-specific registers of time and of the local APIC, CR8, and the time-stamp counter, where there is no native
helper: what native/registers.c does. Unicorn executes the instruction, and what it left is corrected."""

import re
from collections.abc import Callable

from ambilink.machine.emulator.context import HFLAG_CS64, Context

ReadRegister = Callable[[int, int], int | None]
WriteRegister = Callable[[int, int, int], bool]

# rdtsc, rdmsr, wrmsr, rdtscp, and moves to and from CR8 and to DR5 and DR7, anywhere in a block.
SPECIAL = re.compile(
    rb"\x0f[\x30-\x32] | \x0f\x01\xf9 | [\x44-\x47\x4c-\x4f]\x0f[\x20\x22] | \x0f\x23", re.VERBOSE | re.DOTALL
)
# At the start of an instruction; REX in 64-bit code alone.
PREFIXES = rb"[\x26\x2e\x36\x3e\x64-\x67\xf2\xf3]*"
INSTRUCTION_32 = re.compile(PREFIXES + rb"()\x0f([\x30-\x32]|\x01\xf9)", re.DOTALL)
INSTRUCTION_64 = re.compile(PREFIXES + rb"([\x40-\x4f]?)\x0f([\x30-\x32]|\x01\xf9|[\x20\x22].)", re.DOTALL)
LONGEST = 15
WRMSR, RDTSC, RDMSR, RDTSCP, FROM_CONTROL, TO_CONTROL = 0x30, 0x31, 0x32, 0x01, 0x20, 0x22
REX_R, REX_B = 4, 1

RAX, RCX, RDX = 0, 1, 2
MSR_COUNTER, MSR_APIC_BASE, MSR_COUNTER_ADJUST, MSR_DEADLINE = 0x10, 0x1B, 0x3B, 0x6E0
MSR_APIC = range(0x800, 0x900)
REGISTER_CR8 = 0x7FFFFFFF
CR8_MAX = 15
BITS_32, BITS_64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


def is_special(code: bytes) -> bool:
    """Whether a block may have one of these instructions."""
    return SPECIAL.search(code) is not None


def last_special(code: bytes) -> int:
    """Where the last one of a block lies, without prefixes; -1: there is none."""
    return max((match.start() for match in SPECIAL.finditer(code)), default=-1)


class PythonRegisters:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._adjust = 0  # what the time-stamp counter is ahead of the guest's time
        self._read: ReadRegister = lambda msr, counter: None
        self._write: WriteRegister = lambda msr, value, counter: False

    def connect(self, read: ReadRegister, write: WriteRegister) -> None:
        """See NativeRun.connect."""
        self._read, self._write = read, write

    def complete(self, rip: int, code: bytes, now: int) -> bool:
        """The instruction at RIP was executed; the context must have been saved. `now`: the guest's time. False: it
        raises #GP, by which nothing but RIP is changed."""
        c = self._context
        pattern = INSTRUCTION_64 if c.hflags.value & HFLAG_CS64 else INSTRUCTION_32
        match = pattern.match(code)
        if match is None or c.rip.value != rip + match.end():  # it was not executed, but faulted
            return True
        rex, operation, operands = match[1][0] if match[1] else 0, match[2][0], match[2][-1]
        counter = now + self._adjust & BITS_64
        if operation in (RDTSC, RDTSCP):
            return self._give(counter)
        if operation == RDMSR:
            return self._read_msr(counter)
        if operation == WRMSR:
            return self._write_msr(counter)
        if not rex & REX_R or operands >> 3 & 7:
            return True
        return self._move_control_8(operation, operands & 7 | (rex & REX_B) << 3)

    def _give(self, value: int) -> bool:
        registers = self._context.registers
        registers[RAX], registers[RDX] = value & BITS_32, value >> 32
        self._context.restore()
        return True

    def _read_msr(self, counter: int) -> bool:
        msr = self._context.registers[RCX] & BITS_32
        if msr == MSR_COUNTER:
            return self._give(counter)
        if msr == MSR_COUNTER_ADJUST:
            return self._give(self._adjust & BITS_64)
        if not _is_of_apic(msr):
            return True
        value = self._read(msr, counter)
        return value is not None and self._give(value)

    def _write_msr(self, counter: int) -> bool:
        registers = self._context.registers
        msr, value = registers[RCX] & BITS_32, registers[RAX] & BITS_32 | (registers[RDX] & BITS_32) << 32
        if msr == MSR_COUNTER:
            self._adjust += value - counter
        elif msr == MSR_COUNTER_ADJUST:
            self._adjust = value
        elif _is_of_apic(msr):
            return self._write(msr, value, counter)
        return True

    def _move_control_8(self, operation: int, register: int) -> bool:
        registers = self._context.registers
        if operation == FROM_CONTROL:
            registers[register] = self._read(REGISTER_CR8, 0) or 0
            self._context.restore()
            return True
        return registers[register] <= CR8_MAX and self._write(REGISTER_CR8, registers[register], 0)


def _is_of_apic(msr: int) -> bool:
    return msr in (MSR_APIC_BASE, MSR_DEADLINE) or msr in MSR_APIC

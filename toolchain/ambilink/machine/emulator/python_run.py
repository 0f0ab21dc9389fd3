"""Running a CPU by Unicorn's public interface alone: what NativeRun does, slower.

Unicorn reports each block of instructions that it translates (the instructions up to the next jump). One that needs a
look each time that it is executed gets a hook. A hook for single instructions would make all others ten times slower.
"""

import ctypes
from collections.abc import Callable
from typing import Protocol

import unicorn
from unicorn import x86_const as x86

from ambilink.machine.emulator.context import (
    HFLAG_CPL,
    HFLAG_CS64,
    HFLAG_INHIBIT_INTERRUPT,
    HFLAG_LMA,
    Context,
    segments_as_bytes,
)
from ambilink.machine.emulator.fault import debug_deviations
from ambilink.machine.emulator.python_registers import (
    LONGEST,
    PythonRegisters,
    ReadRegister,
    WriteRegister,
    is_special,
    last_special,
)
from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory
from ambilink.machine.model import Counts
from ambilink.machine.paging import Paging, read_virtual

VECTOR_INVALID, VECTOR_PROTECTION = 6, 13
FLAG_RESUME = 0x10000
BITS_32 = FLAT_LIMIT = 0xFFFFFFFF
CODE64, DATA = 0x00A09B00, 0x00C09300
RCX, RDI, R11 = 1, 7, 11
EFER_SYSTEM_CALLS = 1
CR0_PAGING, CR4_SMEP = 1 << 31, 1 << 20
BLOCK_LONGEST = 512  # instructions
LOOKED_AT = 128  # bytes, where a block's end is not known
# Of an entry of page tables.
PRESENT, USER, LARGE, LARGE_RESERVED, NO_EXECUTION = 1, 4, 0x80, 0x1FE000, 1 << 63
ADDRESS_MASK = 0x000FFFFFFFFFF000
KERNEL_HALF = 1 << 63
NEVER = 1 << 63

# What may turn interrupts on ends a block: sti, popf, iret, sysret.
ENABLERS = (b"\xfb", b"\x9d", b"\xcf", b"\x0f\x07")
# So does a jump, whose distance may be one of these bytes: conditional ones, loop and its like, jmp.
SHORT_JUMPS = {bytes([opcode]) for opcode in (*range(0x70, 0x80), *range(0xE0, 0xE4), 0xEB)}


class Block(Protocol):
    """Unicorn's uc_tb."""

    pc: int
    icount: int
    size: int


class Processor(Protocol):
    engine: unicorn.Uc
    context: Context
    memory: PhysicalMemory

    def accepts_interrupt(self) -> bool: ...

    def raise_exception(self, vector: int, error: int) -> None: ...

    def note_deviation(self, what: str, rip: int) -> None: ...


class PythonRun:
    def __init__(self, cpu: Processor, counter: int) -> None:
        """`counter`: the address of Unicorn's count of instructions in a run."""
        self._cpu, self._engine, self._context = cpu, cpu.engine, cpu.context
        self._counter = ctypes.c_uint64.from_address(counter)
        self.registers = PythonRegisters(self._context)
        self._start_time = 0
        self._before = 0  # executed by earlier parts of the run
        self.is_halted = False  # the last run ended at hlt
        self.system_calls = 0
        self._ended = False  # the last run ended early, and not for a hook that was missing or an enabler
        self._stopped = False
        self._paused_at = NEVER
        self._input: tuple[int, tuple[int, ...]] | None = None  # what `in` read that ended the part, and where
        self._answer: int | None = None  # what it reads when it is executed again
        self._refused_port: tuple[int, ...] | None = None  # rip and the registers at a port access from user mode
        # Blocks, by address. An enabler may turn interrupts on: how many instructions it has. A special one may have an
        # instruction that Unicorn does not execute as this machine does: where the last such lies.
        self._enablers: dict[int, int] = {}
        self._code: dict[int, bytes] = {}  # of blocks that end as an enabler does
        self._jumps: dict[int, bytes] = {}  # of those, known to end in a jump
        self._tried: dict[int, bytes] = {}  # of those, executed in single steps, by which it became known
        self._specials: dict[int, int] = {}
        self._hooks: dict[int, int] = {}
        self._seen: set[tuple[int, int, int]] = set()  # first blocks of parts, by CR3 and privilege
        self._has_new_hooks = False
        self._awaits_enabler = False
        self._counts = False  # Unicorn counts instructions
        self._stepped = NEVER  # where the latest single step was
        self._last = NEVER  # where the last instruction lies that must be a single step, if that is known
        self._cut_before = 0  # instructions of the block before which a hook of this file ended a part
        self._steps = False  # hooks end no part: it has one instruction
        self._debug_control = 0
        add = self._engine.hook_add
        add(unicorn.UC_HOOK_EDGE_GENERATED, self._on_edge)
        add(unicorn.UC_HOOK_INSN, self._make_system_call(), None, 1, 0, x86.UC_X86_INS_SYSCALL)

    # Running.

    def run(self, limit: int, start_time: int, until_interrupts_on: bool) -> int:
        self._start_time, self._before, self.is_halted = start_time, 0, False
        if until_interrupts_on and self._cpu.accepts_interrupt():
            return 0
        executed = 0
        if not self._counts:  # what is translated before the first start does not count
            executed = self._step(1)
            self._counts = True
            if self._ended or executed == limit:
                return executed
        if until_interrupts_on:
            return executed + self._run_until_interrupts_on(limit - executed)
        return executed + self._run(limit - executed)

    def _run(self, limit: int) -> int:
        executed = self._run_part(limit)
        while not self._ended and executed < limit:
            block = self._linear(self._context.rip.value)
            executed += self._step(min(self._cut_before, limit - executed))
            self._learn(block)
            if not self._ended and executed < limit:
                executed += self._run_part(limit - executed)
        return executed

    def _run_part(self, limit: int) -> int:
        if self._has_new_hooks:
            self._has_new_hooks = False
            self._engine.ctl_flush_tb()  # so that translations have them
        self._cut_before = 0
        self._context.save()
        rip = self._context.rip.value
        self._look_at_first(self._linear(rip))
        if self._cut_before:
            self._ended = self.is_halted = False
            return 0
        self._context.is_running = True
        try:
            self._engine.emu_start(rip, 0, count=limit)
        finally:
            self._context.is_running = False
        counted = self._counter.value  # one more than the limit where that stopped it
        executed = min(counted, limit, self._paused_at)
        self._context.save()
        is_early = counted <= limit or self._stopped
        if self._stopped:
            self._cut_before = 0
        self._ended = is_early and not self._cut_before
        self.is_halted = counted <= limit and not (self._refused_port or self._stopped or self._cut_before)
        self._stopped, self._paused_at = False, NEVER
        self._before += executed
        self._counter.value = 0
        if self._refused_port:
            self._context.rip.value = self._refused_port[0]
            for index, value in enumerate(self._refused_port[1:]):
                self._context.registers[index] = value
            self._refused_port = None
            self._ended = False
            self._cpu.raise_exception(VECTOR_PROTECTION, 0)
        elif self._input is not None:
            self._finish_input()
        return executed

    def read_port(self, read: Callable[[], int]) -> int:
        """For Unicorn's hook. `ins` that ends a part has stored nothing yet, and is executed again: then the device is
        not asked."""
        if self._answer is not None:
            return self._answer
        value = read()
        if self._stopped:
            self._context.save()
            self._input = value, self._place()
        return value

    def _place(self) -> tuple[int, ...]:
        c = self._context
        return c.rip.value, *c.registers

    def _finish_input(self) -> None:
        assert self._input is not None
        (self._answer, place), self._input = self._input, None
        if self._place() == place:
            self._before -= 1
            steps, self._steps = self._steps, True
            self._run_part(1)
            self._steps, self._ended = steps, True
            self.is_halted = False
        self._answer = None

    def _step(self, limit: int) -> int:
        """Single steps, until interrupts are on if that is awaited."""
        awaits, self._awaits_enabler, self._steps = self._awaits_enabler, False, True
        executed = 0
        try:
            while executed < limit and not (awaits and self._cpu.accepts_interrupt()):
                before = self._stepped = self._linear(self._context.rip.value)
                executed += self._step_once()
                place = self._linear(self._context.rip.value)
                is_behind = not before <= place <= min(before + LONGEST, self._last)
                if self._ended or (is_behind and self._last != NEVER):
                    break
        finally:
            self._awaits_enabler, self._steps = awaits, False
        return executed

    def _step_once(self) -> int:
        c = self._context
        rip = c.rip.value
        code = self._read(self._linear(rip), LONGEST)
        before = bytes(c.registers)
        executed = self._run_part(1)
        if is_special(code):
            self._note_debug_control(rip)
            if not self.registers.complete(rip, code, self._start_time + self._before):
                c.rip.value = rip
                ctypes.memmove(c.registers, before, len(before))
                self._cpu.raise_exception(VECTOR_PROTECTION, 0)
        return executed

    def _run_until_interrupts_on(self, limit: int) -> int:
        """What may turn them on is executed in single steps, all else at once."""
        executed = 0
        self._awaits_enabler = True
        try:
            if self._context.hflags.value & HFLAG_INHIBIT_INTERRUPT:  # an earlier part ended at an enabler
                executed += self._step(1)
                if self._ended:
                    return executed
            while executed < limit and not self._cpu.accepts_interrupt():
                self._add_hooks(self._enablers)
                executed += self._run_part(limit - executed)
                if self._ended:
                    break
                executed += self._step_enabler(limit - executed)
                if self._ended:
                    break
        finally:
            self._awaits_enabler = False
        return executed

    def _step_enabler(self, limit: int) -> int:
        """The block, and the instruction behind it, which comes before an interrupt, too."""
        block = self._linear(self._context.rip.value)
        executed = self._step(min(self._cut_before, limit))
        if self._ended or executed == limit:
            return executed
        self._learn(block)
        return executed + self._step(1)

    def _learn(self, block: int) -> None:
        """What a block ends with, after its single steps."""
        code = self._code.get(block, b"")
        if code[-2:-1] not in SHORT_JUMPS:
            return
        self._tried[block] = code
        if self._stepped == block + len(code) - 2:
            self._jumps[block] = code
            self._enablers.pop(block, None)
            if block in self._hooks and block not in self._specials:
                self._engine.hook_del(self._hooks.pop(block))
                self._has_new_hooks = True

    def now(self) -> int:
        return self._start_time + self._before + self._counter.value

    @property
    def executed(self) -> int:
        """Instructions of the last run, also of one that an error ended."""
        return self._before + int(self._counter.value)

    def pause(self) -> None:
        if not self._context.is_running:
            self._ended = True
            return
        self._paused_at = self._counter.value
        self.stop()

    def stop(self) -> None:
        self._stopped = True
        self._engine.emu_stop()

    def connect(self, read: ReadRegister, write: WriteRegister) -> None:
        """See NativeRun.connect."""
        self.registers.connect(read, write)

    # What blocks have in them.

    def _read(self, address: int, size: int) -> bytes:
        c = self._context
        c.save()
        paging = Paging(c.control[0], c.control[3], c.control[4], c.efer.value)
        return read_virtual(self._cpu.memory, paging, address, size)

    def _linear(self, rip: int) -> int:
        """The context must have been saved."""
        c = self._context
        return rip if c.hflags.value & HFLAG_CS64 else rip + c.cs.base & BITS_32

    def _on_edge(self, engine: unicorn.Uc, block: Block, before: object, data: object) -> None:
        self._on_translated(block.pc, block.size, block.icount)

    def _look_at_first(self, address: int) -> None:
        """Unicorn does not report the first block of a part."""
        c = self._context
        key = (c.control[3], address, c.hflags.value & HFLAG_CPL)
        if not self._counts:
            return
        if key in self._seen:
            self._cut_before_known(address)
        elif self._may_translate(address) and self._may_translate(address + PAGE_SIZE):
            self._seen.add(key)
            block, instructions, size = self._engine.ctl_request_cache(address)
            self._on_translated(block, size, instructions)
        else:  # its end is not known
            self._seen.add(key)
            size = min(LOOKED_AT, PAGE_SIZE - address % PAGE_SIZE)
            code = self._read(address, size)
            if any(each in code for each in ENABLERS) or is_special(code):
                self._on_translated(address, size, BLOCK_LONGEST)

    def _may_translate(self, address: int) -> bool:
        """Whether the code there can be executed: a fault in ctl_request_cache is a crash."""
        c = self._context
        if not c.control[0] & CR0_PAGING:
            return self._is_memory(address)
        return bool(c.hflags.value & HFLAG_LMA) and self._is_executable(address)

    def _is_memory(self, address: int) -> bool:
        return any(0 <= address - part.start < part.size for part in self._cpu.memory.ranges)

    def _is_executable(self, address: int) -> bool:
        """By 4-level paging; what is seldom used is left out."""
        c, memory = self._context, self._cpu.memory
        table, user = c.control[3] & ADDRESS_MASK, True
        for shift in (39, 30, 21, 12):
            if not self._is_memory(table):
                return False
            entry = memory.word(table + (address >> shift & 511) * 8)
            if not entry & PRESENT or entry & NO_EXECUTION or (shift > 21 and entry & LARGE):
                return False
            user, table = user and bool(entry & USER), entry & ADDRESS_MASK
            if shift == 21 and entry & LARGE:
                if entry & LARGE_RESERVED:
                    return False
                table = table & -(1 << shift) | address & (1 << shift) - 1 & -PAGE_SIZE
                break
        in_user_mode = bool(c.hflags.value & HFLAG_CPL)
        is_allowed = user if in_user_mode else not (user and c.control[4] & CR4_SMEP)
        return is_allowed and self._is_memory(table)

    def _on_translated(self, address: int, size: int, instructions: int) -> None:
        """Before the block is executed for the first time."""
        code = self._read(address, size)
        if (code.endswith(ENABLERS) and self._jumps.get(address) != code) or instructions == BLOCK_LONGEST:
            self._code[address] = code
            self._enablers[address] = max(instructions, self._enablers.get(address, 0))
            if self._awaits_enabler or (code[-2:-1] in SHORT_JUMPS and self._tried.get(address) != code):
                self._cut(self._enablers[address])
        if (last := last_special(code)) >= 0:
            self._specials[address] = address + last
            self._add_hooks(self._specials)
            self._cut(BLOCK_LONGEST, address + last)

    def _add_hooks(self, blocks: dict[int, int]) -> None:
        for address in blocks.keys() - self._hooks.keys():
            self._has_new_hooks = True
            add = self._engine.hook_add
            self._hooks[address] = add(unicorn.UC_HOOK_BLOCK, self._on_block, None, address, address)

    def _on_block(self, engine: unicorn.Uc, address: int, size: int, data: object) -> None:
        self._cut_before_known(address)

    def _cut_before_known(self, address: int) -> None:
        if address in self._specials:
            self._cut(BLOCK_LONGEST, self._specials[address])
        if self._awaits_enabler and address in self._enablers:
            self._cut(self._enablers[address])

    def _cut(self, instructions: int, last: int = NEVER) -> None:
        """Before a block of which so many instructions are to be single steps, at most up to an address."""
        if self._steps:
            return
        self._cut_before, self._last = instructions, last
        if self._context.is_running:
            self._paused_at = min(self._paused_at, self._counter.value)
            self._engine.emu_stop()

    def _note_debug_control(self, rip: int) -> None:
        """The instruction there may have written it."""
        control = int(self._engine.reg_read(x86.UC_X86_REG_DR7))
        if control != self._debug_control:
            self._debug_control = control
            for what in debug_deviations(control):
                self._cpu.note_deviation(what, rip)

    # Hooks.

    def _make_system_call(self) -> Callable[[unicorn.Uc, object], None]:
        """The `syscall` instruction (Intel volume 2B). This is the hot path: everything is bound beforehand."""
        c = self._context
        save, restore, read_flags, set_flags = c.save, c.restore, c.read_flags, c.set_flags
        registers, rip, hflags, efer = c.registers, c.rip, c.hflags, c.efer
        star, lstar, fmask, target, move = c.star, c.lstar, c.fmask, c.code_and_stack, ctypes.memmove
        segments: dict[int, bytes] = {}  # by STAR, which a kernel sets once

        def segments_of(value: int) -> bytes:
            selector = value >> 32 & 0xFFFF
            code = (selector & 0xFFFC, 0, FLAT_LIMIT, CODE64)
            segments[value] = segments_as_bytes(code, ((selector + 8) & 0xFFFC, 0, FLAT_LIMIT, DATA))
            return segments[value]

        def on_system_call(uc: unicorn.Uc, data: object) -> None:
            save()
            c.forget_old_flags()
            flags = read_flags()
            if not hflags.value & HFLAG_CS64 or not efer.value & EFER_SYSTEM_CALLS:
                self._cpu.raise_exception(VECTOR_INVALID, 0)
                rip.value -= 2
                restore()
                return
            self.system_calls += 1
            registers[RCX] = rip.value + 2
            registers[R11] = flags & ~FLAG_RESUME
            move(target, segments.get(star.value) or segments_of(star.value), 48)
            hflags.value &= ~HFLAG_CPL
            rip.value = lstar.value - 2  # Unicorn adds the instruction's length
            set_flags(flags & ~fmask.value & ~FLAG_RESUME)
            restore()

        return on_system_call

    def refuse_port(self, size: int) -> int:
        """User mode may not use it. Returns what the access reads, for `ins` what lies where it is to be stored."""
        self._context.save()
        self._refused_port = self._place()
        self.pause()
        return int.from_bytes(self._read(self._context.registers[RDI], size), "little")

    def count_each(self, counts: Counts) -> None:
        read, in_user, table = self._engine.reg_read, False, 0

        def count(engine: unicorn.Uc, address: int, size: int, data: object) -> None:
            nonlocal in_user, table
            if address >= KERNEL_HALF:
                in_user, key = False, (0, address)
            else:
                if not in_user:
                    # Only the kernel changes it.
                    in_user, table = True, read(x86.UC_X86_REG_CR3) & ADDRESS_MASK
                key = (table, address)
            counts[key] = counts.get(key, 0) + 1

        self._engine.hook_add(unicorn.UC_HOOK_CODE, count)

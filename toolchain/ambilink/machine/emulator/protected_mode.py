"""Entering handlers in 32-bit protected mode: gates of eight bytes, stacks from a 32-bit TSS (Intel, volume 3A, 6.11 to
6.13 and 7.2). What is not emulated is refused by name: task gates, virtual-8086 mode, 16-bit task states, real mode."""

import struct
from dataclasses import dataclass

from ambilink.machine.emulator.context import HFLAG_CPL, HFLAG_CS32, HFLAG_SS32, Context, Segment
from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory
from ambilink.machine.paging import Paging, read_virtual

BITS_32 = 0xFFFFFFFF
RSP = 4
HFLAG_ADDS_SEGMENT = 1 << 6  # a segment of data does not begin at 0
CR0_PROTECTED = 1
FLAG_VIRTUAL_8086 = 0x20000
FLAGS_CLEARED = 0x34100  # VM RF NT TF
FLAG_INTERRUPT = 0x200

TASK_GATE, INTERRUPT_16, TRAP_16, INTERRUPT_32, TRAP_32 = 5, 6, 7, 14, 15
TASK_STATE_32 = (9, 11)
INVALID_TASK_STATE, NOT_PRESENT, STACK_FAULT, PROTECTION, PAGE_FAULT = 10, 11, 12, 13, 14

# The upper half of a descriptor, which is also what the processor keeps of it.
PRESENT, CODE_OR_DATA, CODE, CONFORMING, WRITABLE = 1 << 15, 1 << 12, 1 << 11, 1 << 10, 1 << 9
IS_32, IN_PAGES, IN_LOCAL_TABLE = 1 << 22, 1 << 23, 4
PRIVILEGE_SHIFT = 13


class NotEmulated(Exception):
    """What the guest does is known, and not emulated; the text names it."""


@dataclass
class Fault(Exception):
    """While a handler is entered."""

    vector: int
    error: int
    address: int | None = None  # of a page fault


@dataclass(frozen=True)
class Descriptor:
    selector: int
    low: int
    high: int

    @property
    def base(self) -> int:
        return self.low >> 16 | (self.high & 0xFF) << 16 | self.high & 0xFF000000

    @property
    def limit(self) -> int:
        limit = self.low & 0xFFFF | self.high & 0xF0000
        return limit << 12 | 0xFFF if self.high & IN_PAGES else limit

    @property
    def privilege(self) -> int:
        return self.high >> PRIVILEGE_SHIFT & 3

    def load(self, segment: Segment, privilege: int) -> None:
        segment.selector, segment.base = self.selector & ~3 | privilege, self.base
        segment.limit, segment.flags = self.limit, self.high


class ProtectedMode:
    def __init__(self, context: Context, memory: PhysicalMemory) -> None:
        self._context, self._memory = context, memory

    def deliver(self, vector: int, error: int | None, software: bool, flags: int) -> None:
        """Enter a handler; the context must have been saved. `error`: the code to push. Raises Fault before anything
        was changed, and NotEmulated."""
        c = self._context
        if not c.control[0] & CR0_PROTECTED:
            if software:
                raise NotEmulated(f"the guest calls the BIOS (int {vector:#x} in real mode), and this machine has none")
            raise NotEmulated(f"an exception or interrupt in real mode (vector {vector}) is not emulated")
        if flags & FLAG_VIRTUAL_8086:
            raise NotEmulated(f"an exception or interrupt in virtual-8086 mode (vector {vector}) is not emulated")
        privilege = c.hflags.value & HFLAG_CPL
        kind, selector, offset = self._read_gate(vector, software, privilege)
        code = self._code(selector, privilege)
        inner = privilege if code.high & CONFORMING else code.privilege
        stack = self._inner_stack(inner) if inner < privilege else None
        self._enter(code, inner, stack, kind, offset, self._frame(error, stack is not None, flags), flags)

    def _read(self, address: int, size: int) -> bytes:
        c = self._context
        paging = Paging(c.control[0], c.control[3], c.control[4], 0)
        data = read_virtual(self._memory, paging, address & BITS_32, size)
        if len(data) < size:
            raise Fault(PAGE_FAULT, 0, address + len(data) & BITS_32)
        return data

    def _write(self, address: int, data: bytes) -> None:
        """All or nothing."""
        c = self._context
        paging = Paging(c.control[0], c.control[3], c.control[4], 0)
        parts = []
        while data:
            size = min(len(data), PAGE_SIZE - address % PAGE_SIZE)
            physical = paging.physical(self._memory, address & BITS_32)
            if physical is None:
                raise Fault(PAGE_FAULT, 2, address & BITS_32)
            parts.append((physical, data[:size]))
            address, data = address + size, data[size:]
        for physical, part in parts:
            self._memory.write(physical, part)

    def _read_gate(self, vector: int, software: bool, privilege: int) -> tuple[int, int, int]:
        """Its type, and where it leads."""
        c = self._context
        error = vector * 8 + 2
        if vector * 8 + 7 > c.idt.limit:
            raise Fault(PROTECTION, error)
        low, high = struct.unpack("<II", self._read(c.idt.base + vector * 8, 8))
        kind = high >> 8 & 31
        if kind == TASK_GATE:
            raise NotEmulated(f"vector {vector} has a task gate, which is not emulated: use an interrupt gate")
        if kind not in (INTERRUPT_16, TRAP_16, INTERRUPT_32, TRAP_32):
            raise Fault(PROTECTION, error)
        if software and high >> PRIVILEGE_SHIFT & 3 < privilege:
            raise Fault(PROTECTION, error)
        if not high & PRESENT:
            raise Fault(NOT_PRESENT, error)
        offset = low & 0xFFFF if kind in (INTERRUPT_16, TRAP_16) else low & 0xFFFF | high & 0xFFFF0000
        return kind, low >> 16, offset

    def _descriptor(self, selector: int, vector: int) -> Descriptor:
        c = self._context
        table = c.ldt if selector & IN_LOCAL_TABLE else c.gdt
        index = selector & ~7
        if not selector & ~3 or index + 7 > table.limit:
            raise Fault(vector, selector & 0xFFFC)
        low, high = struct.unpack("<II", self._read(table.base + index, 8))
        return Descriptor(selector, low, high)

    def _code(self, selector: int, privilege: int) -> Descriptor:
        code = self._descriptor(selector, PROTECTION)
        if not code.high & CODE_OR_DATA or not code.high & CODE or code.privilege > privilege:
            raise Fault(PROTECTION, selector & 0xFFFC)
        if not code.high & PRESENT:
            raise Fault(NOT_PRESENT, selector & 0xFFFC)
        return code

    def _inner_stack(self, privilege: int) -> tuple[Descriptor, int]:
        """Segment and pointer, by the task state."""
        c = self._context
        if c.tr.flags >> 8 & 15 not in TASK_STATE_32:
            if not c.tr.selector & ~3:
                raise Fault(INVALID_TASK_STATE, 0)
            raise NotEmulated("a change of stacks by a 16-bit task state is not emulated")
        at = 4 + privilege * 8
        if at + 5 > c.tr.limit:
            raise Fault(INVALID_TASK_STATE, c.tr.selector & 0xFFFC)
        pointer, selector = struct.unpack("<IH", self._read(c.tr.base + at, 6))
        stack = self._descriptor(selector, INVALID_TASK_STATE)
        is_data = stack.high & CODE_OR_DATA and not stack.high & CODE and stack.high & WRITABLE
        if selector & 3 != privilege or stack.privilege != privilege or not is_data:
            raise Fault(INVALID_TASK_STATE, selector & 0xFFFC)
        if not stack.high & PRESENT:
            raise Fault(STACK_FAULT, selector & 0xFFFC)
        return stack, pointer

    def _frame(self, error: int | None, with_stack: bool, flags: int) -> list[int]:
        """In the order of its addresses."""
        c = self._context
        frame = [] if error is None else [error & 0xFFFF]
        frame += [c.rip.value, c.cs.selector, flags]
        return [*frame, c.registers[RSP], c.ss.selector] if with_stack else frame

    def _enter(
        self,
        code: Descriptor,
        privilege: int,
        stack: tuple[Descriptor, int] | None,
        kind: int,
        offset: int,
        frame: list[int],
        flags: int,
    ) -> None:
        c = self._context
        base, wide = (stack[0].base, stack[0].high & IS_32) if stack else (c.ss.base, c.ss.flags & IS_32)
        pointer = stack[1] if stack else c.registers[RSP]
        width = 4 if kind in (INTERRUPT_32, TRAP_32) else 2
        data = b"".join((each & (1 << 8 * width) - 1).to_bytes(width, "little") for each in frame)
        mask = BITS_32 if wide else 0xFFFF
        top = pointer - len(data) & mask
        self._write(base + top, data)
        if stack:
            stack[0].load(c.ss, privilege)
        code.load(c.cs, privilege)
        hflags = c.hflags.value & ~(HFLAG_CPL | HFLAG_CS32 | HFLAG_SS32 | HFLAG_ADDS_SEGMENT) | privilege
        hflags |= HFLAG_CS32 if code.high & IS_32 else 0
        hflags |= HFLAG_SS32 if c.ss.flags & IS_32 else 0
        if c.ds.base or c.es.base or c.ss.base or not code.high & IS_32:
            hflags |= HFLAG_ADDS_SEGMENT
        c.hflags.value = hflags
        c.registers[RSP] = c.registers[RSP] & ~mask | top if not stack else top
        c.rip.value = offset
        is_interrupt = kind in (INTERRUPT_16, INTERRUPT_32)
        c.set_flags(flags & ~(FLAGS_CLEARED | (FLAG_INTERRUPT if is_interrupt else 0)))
        c.restore()

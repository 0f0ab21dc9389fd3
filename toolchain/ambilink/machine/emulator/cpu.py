"""One x86-64 CPU: Unicorn executes, this delivers exceptions, interrupts and system calls.

Numbers of chapters are those of Intel's manual, volume 3A.
"""

import ctypes
import struct
from collections.abc import Callable
from typing import Protocol

import unicorn
from unicorn import x86_const as x86

from ambilink.machine.emulator import cpuid, firmware_state, native
from ambilink.machine.emulator.context import (
    HFLAG_CPL,
    HFLAG_CS32,
    HFLAG_CS64,
    HFLAG_INHIBIT_INTERRUPT,
    HFLAG_LMA,
    HFLAG_SS32,
    MSR_EFER,
    Context,
    Layout,
    engine_address,
)
from ambilink.machine.emulator.fault import Exceptions, registers_of
from ambilink.machine.emulator.native.machine import NativeRun
from ambilink.machine.emulator.protected_mode import HFLAG_ADDS_SEGMENT, Fault, ProtectedMode
from ambilink.machine.emulator.python_run import PythonRun
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import Counts, CpuPlace, Deviation, Loop

VECTOR_DEBUG = 1
VECTOR_BREAKPOINT = 3
VECTOR_INVALID = 6
VECTOR_DOUBLE_FAULT = 8
VECTOR_NOT_PRESENT = 11
VECTOR_PROTECTION = 13
VECTOR_PAGE_FAULT = 14
WITH_ERROR_CODE = frozenset((8, 10, 11, 12, 13, 14, 17, 21))
CONTRIBUTORY = frozenset((0, 10, 11, 12, 13))  # 6.15, double fault

FLAG_RESERVED = 0x2
FLAG_INTERRUPT = 0x200
FLAGS_CLEARED_BY_GATE = 0x34100  # VM RF NT TF

# Attributes of flat segments as QEMU caches them: descriptor bits 40-55 shifted to bit 8.
CODE64 = 0x00A09B00
CODE32 = 0x00C09B00
DATA = 0x00C09300
INT1 = b"\xf1"
FLAT_LIMIT = 0xFFFFFFFF
ADDRESS_MASK = 0x000FFFFFFFFFF000
RSP = 4


class MemoryDevice(Protocol):
    def read(self, offset: int) -> int: ...

    def write(self, offset: int, value: int) -> None: ...


PortWrite = Callable[[int, int, int], None]
PortRead = Callable[[int, int], int]


class Cpu:
    def __init__(self, memory: PhysicalMemory, port_read: PortRead, port_write: PortWrite) -> None:
        layout = Layout()
        self.memory = memory
        self.engine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        self.engine.ctl_set_cpu_model(x86.UC_CPU_X86_SKYLAKE_CLIENT)
        # An `until` address is looked up through the guest's tables and would change CR2.
        self.engine.ctl_exits_enabled(True)
        base = ctypes.addressof(ctypes.c_char.from_buffer(memory.buffer))
        for part in memory.ranges:
            self.engine.mem_map_ptr(part.start, part.size, unicorn.UC_PROT_ALL, base + part.offset)
        self._native = self._attach()
        self.context = Context(self.engine, layout, self._native.state if self._native else None)
        self._protected = ProtectedMode(self.context, memory)
        self._invalid_address = ctypes.c_uint64.from_address(engine_address(self.engine) + layout.invalid_address)
        self.triple_fault: Exceptions | None = None
        self.undefined: tuple[int, int] | None = None  # rip and CR3 at the last undefined instruction
        self._deviations: dict[str, tuple[int, int]] = {}  # rip and CR3 where each was met first
        self.halted = False  # the last run ended at hlt
        self._counts = {"system calls": 0, "exceptions": 0, "interrupts": 0}
        self._failure: BaseException | None = None  # raised in a call from native code
        self._fault_address = 0  # CR2 at the first of exceptions that follow each other
        self._port_read, self._port_write = port_read, port_write
        add = self.engine.hook_add
        add(unicorn.UC_HOOK_INSN, self._on_out, None, 1, 0, x86.UC_X86_INS_OUT)
        add(unicorn.UC_HOOK_INSN, self._on_in, None, 1, 0, x86.UC_X86_INS_IN)
        add(unicorn.UC_HOOK_INSN, cpuid.on_cpuid, None, 1, 0, x86.UC_X86_INS_CPUID)
        add(unicorn.UC_HOOK_INSN_INVALID, self._on_invalid)
        self._python: PythonRun | None = None
        if self._native:
            self._native.add_hook(self._on_rare_exception)
        else:
            self._python = PythonRun(self, engine_address(self.engine) + layout.counter)
            add(unicorn.UC_HOOK_INTR, self._on_exception)
        # No memory hooks, not even for unmapped memory: one makes every access thirteen times slower.

    @property
    def _runs(self) -> NativeRun | PythonRun:
        runs = self._native or self._python
        assert runs is not None
        return runs

    def _attach(self) -> NativeRun | None:
        library = native.library()
        if library is None:
            return None
        try:
            return NativeRun(library, self.engine, self.memory, engine_address(self.engine))
        except native.NativeUnavailable as error:
            native.give_up(str(error))
            return None

    def map_device(self, start: int, size: int, device: MemoryDevice) -> None:
        """Whole pages of physical memory in which a device answers; they cost nothing until they are used."""

        def read(engine: unicorn.Uc, offset: int, width: int, data: object) -> int:
            return device.read(offset) & (1 << 8 * width) - 1

        def write(engine: unicorn.Uc, offset: int, width: int, value: int, data: object) -> None:
            device.write(offset, value)

        self.engine.mmio_map(start, size, read, None, write, None)

    def connect_registers(self, read: Callable[[int, int], int | None], write: Callable[[int, int, int], bool]) -> None:
        """See NativeRun.connect."""
        self._runs.connect(read, write)

    @property
    def counters(self) -> dict[str, int]:
        counts = dict(self._counts)
        if self._python:
            counts["system calls"] = self._python.system_calls
        if self._native:
            machine = self._native.machine
            counts["system calls"] = machine.system_calls
            counts["exceptions"] += machine.exceptions
            counts["interrupts"] += machine.deliveries
        return counts

    # Start states.

    def leave_firmware(self) -> None:
        for register in firmware_state.registers():
            self.engine.reg_write(x86.UC_X86_REG_MSR, register)

    def enter_protected_mode(self, entry: int, start_info: int) -> None:
        """PVH: flat 32-bit segments, paging off, ebx = start info."""
        self.engine.reg_write(x86.UC_X86_REG_CR4, 0)
        self.engine.reg_write(x86.UC_X86_REG_MSR, (MSR_EFER, 0))
        self.engine.reg_write(x86.UC_X86_REG_CR0, 0x11)
        c = self.context
        c.save()
        for segment in (c.ds, c.es, c.fs, c.gs, c.ss):
            segment.selector, segment.base, segment.limit, segment.flags = 0x10, 0, FLAT_LIMIT, DATA
        c.cs.selector, c.cs.base, c.cs.limit, c.cs.flags = 0x08, 0, FLAT_LIMIT, CODE32
        c.hflags.value = c.hflags.value & ~(HFLAG_LMA | HFLAG_CS64) | HFLAG_CS32 | HFLAG_SS32
        self._enter(entry, start_info)

    def enter_long_mode(self, entry: int, start_info: int, page_table: int) -> None:
        """64-bit, with the page table given."""
        self.engine.reg_write(x86.UC_X86_REG_CR3, page_table)
        self.engine.reg_write(x86.UC_X86_REG_CR4, 0x20)
        self.engine.reg_write(x86.UC_X86_REG_CR0, 0x80010011)
        self.context.save()
        self._enter(entry, start_info)

    def _enter(self, entry: int, start_info: int) -> None:
        c = self.context
        c.registers[3] = start_info
        c.idt.limit = c.gdt.limit = 0
        c.rip.value = entry
        c.set_flags(FLAG_RESERVED)
        c.restore()

    # Running.

    def run(self, limit: int, until_interrupts_on: bool = False, start_time: int = 0) -> int:
        """Execute at most `limit` instructions; returns how many. Ends early on hlt, stop(), pause() or a triple fault,
        and if wanted where an interrupt that waits may be delivered. `start_time` is for now().

        Raises unicorn.UcError where the guest touches a physical address that has nothing behind it.
        """
        self.context.is_running = self._native is not None
        try:
            executed = self._runs.run(limit, start_time, until_interrupts_on)
        finally:
            self.context.is_running = False
        self.halted = self._runs.is_halted
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure
        return executed

    @property
    def executed(self) -> int:
        """Instructions of the last run, also of one that an error ended."""
        return self._runs.executed

    def now(self) -> int:
        """Within a run: its start time and a nanosecond for each instruction, that which is running included."""
        return self._runs.now()

    def pause(self) -> None:
        """Within a run: end it behind the instruction that is running."""
        self._runs.pause()

    def keep_output(self, port: int) -> None:
        """From here on bytes written to a serial line's data port may be kept until the end of a line; 0: no more."""
        if self._native:
            self._native.machine.line_port = port

    def take_output(self) -> bytes:
        """What was kept."""
        return self._native.take_output() if self._native and self._native.machine.line_size else b""

    def stop(self) -> None:
        """End the run; called within it, or by another thread."""
        self._runs.stop()

    def stop_at(self, address: int, function: Callable[[], None]) -> None:
        """Call a function each time that the CPU is about to execute the instruction at an address."""
        self.engine.hook_add(unicorn.UC_HOOK_CODE, lambda *_: function(), None, address, address)

    def count_each(self, counts: Counts) -> None:
        """Count each instruction of the run by where it lies; collect_counts() completes them."""
        self._runs.count_each(counts)

    def collect_counts(self) -> None:
        if self._native:
            self._native.collect_counts()

    @property
    def flags(self) -> int:
        return self.context.read_flags()

    @property
    def rip(self) -> int:
        return int(self.context.rip.value)

    def note_deviation(self, what: str, rip: int) -> None:
        """The guest executed what is not done as a processor does it; the context must have been saved."""
        self._deviations.setdefault(what, (rip, self.context.control[3]))

    @property
    def deviations(self) -> list[Deviation]:
        found = dict(self._deviations)
        if self._native:
            found.update(self._native.deviations)
        return [Deviation(what, rip, table & ADDRESS_MASK) for what, (rip, table) in found.items()]

    def place_in_run(self) -> CpuPlace:
        """Of the running instruction, in a call from a device."""
        if self._native:
            self._native.find_place()
        return CpuPlace(registers_of(self.engine), False)

    def place(self, is_stuck: bool, loop: Loop | None = None) -> CpuPlace:
        return CpuPlace(registers_of(self.engine), self.halted, is_stuck, loop)

    @property
    def invalid_address(self) -> int:
        """The physical address that was last found to have nothing behind it."""
        return int(self._invalid_address.value)

    def accepts_interrupt(self) -> bool:
        """IF is set, and the last instruction was not the sti that set it."""
        self.context.save()
        return bool(self.flags & FLAG_INTERRUPT) and not self.context.hflags.value & HFLAG_INHIBIT_INTERRUPT

    def interrupt(self, vector: int) -> None:
        if self._native and self._native.interrupt(vector):
            return
        self._counts["interrupts"] += 1
        self.context.save()
        self._deliver(vector, 0, False, None, ())

    def raise_exception(self, vector: int, error: int) -> None:
        self._counts["exceptions"] += 1
        self._deliver(vector, error, False, None, ())

    # Memory through the guest's page tables.

    def physical(self, address: int, write: bool = False) -> int | None:
        """Physical address for a supervisor access, or None."""
        table = self.context.control[3] & ADDRESS_MASK
        for shift in (39, 30, 21, 12):
            try:
                entry = self.memory.word(table + (address >> shift & 511) * 8)
            except IndexError:
                return None
            if not entry & 1 or (write and not entry & 2):
                return None
            if shift in (30, 21) and entry & 0x80:
                return entry & ADDRESS_MASK & ~((1 << shift) - 1) | address & ((1 << shift) - 1)
            table = entry & ADDRESS_MASK
        return table | address & 0xFFF

    def _write(self, address: int, data: bytes) -> bool:
        """Supervisor write that may cross into a second page; all or nothing."""
        part = min(len(data), 0x1000 - (address & 0xFFF))
        first = self.physical(address, True)
        second = self.physical(address + part, True) if part < len(data) else 0
        if first is None or second is None:
            return False
        self.memory.write(first, data[:part])
        if part < len(data):
            self.memory.write(second, data[part:])
        return True

    # Delivery (6.14, exception and interrupt handling in 64-bit mode).

    def _deliver(self, vector: int, error: int, software: bool, restart: int | None, nested: tuple[int, ...]) -> None:
        """Enter a handler through the IDT; the context must have been saved."""
        c = self.context
        if not nested:
            self._fault_address = c.control[2]
        if not c.hflags.value & HFLAG_LMA:
            return self._deliver_protected(vector, error, software, restart, nested)
        privilege = c.hflags.value & HFLAG_CPL
        entry = self.physical(c.idt.base + vector * 16) if vector * 16 + 15 <= c.idt.limit else None
        if entry is None:
            return self._fault(VECTOR_PROTECTION, vector * 8 + 2, restart, vector, nested)
        low, high = struct.unpack("<QQ", self.memory.read(entry, 16))
        if software and low >> 45 & 3 < privilege:
            return self._fault(VECTOR_PROTECTION, vector * 8 + 2, restart, vector, nested)
        if not low >> 47 & 1:
            return self._fault(VECTOR_NOT_PRESENT, vector * 8 + 2, restart, vector, nested)
        # Unicorn never clears this, and would make the next page fault a double fault.
        c.old_exception.value = -1
        stack_index = low >> 32 & 7
        stack = c.registers[RSP]
        if stack_index or privilege:
            slot = self.physical(c.tr.base + (36 + (stack_index - 1) * 8 if stack_index else 4))
            if slot is None:
                return self._fault(VECTOR_PAGE_FAULT, 0, None, vector, nested)
            stack = self.memory.word(slot)
        flags = self.flags
        frame = struct.pack("<5Q", c.rip.value, c.cs.selector, flags, c.registers[RSP], c.ss.selector)
        if vector in WITH_ERROR_CODE and not software:
            frame = struct.pack("<Q", error & 0xFFFF) + frame
        stack = (stack & ~15) - len(frame)
        if not self._write(stack, frame):
            c.control[2] = stack
            return self._fault(VECTOR_PAGE_FAULT, 2, None, vector, nested)
        if privilege:
            c.ss.selector, c.ss.base, c.ss.limit, c.ss.flags = 0, 0, FLAT_LIMIT, DATA
        c.cs.selector, c.cs.base, c.cs.limit, c.cs.flags = low >> 16 & 0xFFFC, 0, FLAT_LIMIT, CODE64
        # Also from compatibility mode.
        c.hflags.value = c.hflags.value & ~(HFLAG_CPL | HFLAG_ADDS_SEGMENT) | HFLAG_CS64 | HFLAG_CS32 | HFLAG_SS32
        c.registers[RSP] = stack
        c.rip.value = low & 0xFFFF | low >> 32 & 0xFFFF0000 | (high & 0xFFFFFFFF) << 32
        is_interrupt_gate = not low >> 40 & 1
        c.set_flags(flags & ~(FLAGS_CLEARED_BY_GATE | (FLAG_INTERRUPT if is_interrupt_gate else 0)))
        c.restore()

    def _deliver_protected(
        self, vector: int, error: int, software: bool, restart: int | None, nested: tuple[int, ...]
    ) -> None:
        code = error if vector in WITH_ERROR_CODE and not software else None
        self.context.old_exception.value = -1
        try:
            self._protected.deliver(vector, code, software, self.flags)
        except Fault as fault:
            if fault.address is not None:
                self.context.control[2] = fault.address
            self._fault(fault.vector, fault.error, restart, vector, nested)

    def _fault(self, vector: int, error: int, restart: int | None, during: int, nested: tuple[int, ...]) -> None:
        """A fault while `during` was delivered (6.15, table 6-5)."""
        if restart is not None:
            self.context.rip.value = restart
        chain = (*nested, during)
        if during == VECTOR_DOUBLE_FAULT or len(chain) > 3:
            # Raised here it would pass through Unicorn's frames: leave a mark and stop.
            code = self.context.error_code.value if chain[0] in WITH_ERROR_CODE else 0
            self.triple_fault = Exceptions((*chain, vector), code, self._fault_address)
            self.context.restore()
            self.stop()
            return
        both_contributory = during in CONTRIBUTORY and vector in CONTRIBUTORY
        page_fault_first = during == VECTOR_PAGE_FAULT and (vector in CONTRIBUTORY or vector == VECTOR_PAGE_FAULT)
        if both_contributory or page_fault_first:
            vector, error = VECTOR_DOUBLE_FAULT, 0
        self._deliver(vector, error, False, None, chain)

    # Hooks.

    def _on_exception(self, engine: unicorn.Uc, vector: int, data: object) -> None:
        c = self.context
        self._counts["exceptions"] += 1
        c.save()
        if self._python:
            c.forget_old_flags()
        software = bool(c.is_software.value)
        restart = c.next_rip.value - (1 if vector == VECTOR_BREAKPOINT else 2) if software else None
        self._deliver(vector, c.error_code.value, software, restart, ())

    def _on_rare_exception(self, vector: int) -> None:
        """One that the native helper left. Nothing may be raised through Unicorn's frames."""
        try:
            self._on_exception(self.engine, vector, None)
        except BaseException as error:
            self._failure = error
            self.stop()

    def _on_invalid(self, engine: unicorn.Uc, data: object) -> bool:
        self.context.save()
        if self._python:
            self.context.forget_old_flags()
        if self._python and self._is_int1():
            self.context.rip.value += 1
            self.raise_exception(VECTOR_DEBUG, 0)
            return True
        self.undefined = self.rip, self.context.control[3]
        self.raise_exception(VECTOR_INVALID, 0)
        return True

    def _is_int1(self) -> bool:
        """In 64-bit code. Unicorn takes it for undefined; the native helper has looked already."""
        place = self.physical(self.rip) if self.context.hflags.value & HFLAG_CS64 else None
        return place is not None and self.memory.read(place, 1) == INT1

    def _is_port_refused(self) -> bool:
        """There is no I/O bitmap."""
        return self.context.read_privilege() > self.flags >> 12 & 3

    def _on_out(self, engine: unicorn.Uc, port: int, size: int, value: int, data: object) -> None:
        if self._python and self._is_port_refused():  # the native helper has looked already
            self._python.refuse_port(size)
        else:
            self._port_write(port, size, value)

    def _on_in(self, engine: unicorn.Uc, port: int, size: int, data: object) -> int:
        if self._python is None:
            return self._port_read(port, size)
        if self._is_port_refused():
            return self._python.refuse_port(size)
        return self._python.read_port(lambda: self._port_read(port, size))

"""The saved CPU context of Unicorn, as named fields.

Unicorn's public API cannot change the privilege level, and hands exceptions over without delivering them.
Both can be done in a saved context: save it, change fields of QEMU's CPUX86State in the blob, restore it.
Where the fields lie is found at start with marked values, so that another layout is noticed at once
instead of corrupting the guest; the version is pinned because of the few distances that remain.
"""

import contextlib
import ctypes
import struct
from collections.abc import Callable

import unicorn
from unicorn import x86_const as x86
from unicorn.unicorn_py3.unicorn import uclib  # the bare functions: the wrappers cost more than the calls

# Distances within CPUX86State of Unicorn 2.1.4 (QEMU 5.0.1), from its first register.
RIP = 16 * 8
EFLAGS = RIP + 8  # without the arithmetic flags and DF, which are kept in another form:
CC_SOURCE = RIP + 3 * 8  # the arithmetic flags, where CC_OPERATION says so
CC_OPERATION = RIP + 5 * 8
DIRECTION = CC_OPERATION + 4  # 1 or -1
HFLAGS = RIP + 6 * 8
SEGMENTS = HFLAGS + 8
SEGMENT_SIZE = 24
X87_FLAGS = 778  # of Unicorn's own arithmetic, which never clears them
SSE_FLAGS = 810
CONTROL = SEGMENTS + 10 * SEGMENT_SIZE
EFER = CONTROL + 168
OLD_EXCEPTION_AFTER_ERROR = 112

MSR_MARK = 0x7A7A000011110000
REGISTER_MARK = 0x5A5A1234ABCD0000

CC_OPERATION_FLAGS = 1
ARITHMETIC_FLAGS = 0x8D5  # OF SF ZF AF PF CF
FLAG_DIRECTION = 0x400

HFLAG_CPL = 3
HFLAG_INHIBIT_INTERRUPT = 1 << 3
HFLAG_CS32 = 1 << 4
HFLAG_SS32 = 1 << 5
HFLAG_LMA = 1 << 14
HFLAG_CS64 = 1 << 15

MSR_EFER = 0xC0000080
MSR_STAR = 0xC0000081
MSR_LSTAR = 0xC0000082
MSR_FMASK = 0xC0000084


class LayoutError(Exception):
    """This Unicorn is not laid out as expected."""


class Segment(ctypes.Structure):
    _fields_ = [
        ("selector", ctypes.c_uint32),
        ("base", ctypes.c_uint64),
        ("limit", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    ]


def _blob_address(context: unicorn.unicorn.UcContext) -> int:
    handle = context.context
    return int(handle.value) if hasattr(handle, "value") else ctypes.addressof(handle.contents)


def engine_address(engine: unicorn.Uc) -> int:
    handle = engine._uch
    return int(handle.value) if hasattr(handle, "value") else int(handle)


class Layout:
    """Offsets found by an engine that is thrown away: registers, MSRs, the pending exception, the counter."""

    def __init__(self) -> None:
        engine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        engine.ctl_exits_enabled(True)
        engine.mem_map(0x1000, 4096)
        marked = (x86.UC_X86_REG_RAX, x86.UC_X86_REG_RCX, x86.UC_X86_REG_RDX, x86.UC_X86_REG_RBX)
        for index, register in enumerate(marked):
            engine.reg_write(register, REGISTER_MARK + index)
        for index, msr in enumerate((MSR_STAR, MSR_LSTAR, MSR_FMASK)):
            engine.reg_write(x86.UC_X86_REG_MSR, (msr, MSR_MARK + index))
        context = engine.context_save()
        blob = ctypes.string_at(_blob_address(context), context.size)
        self.registers = blob.find(struct.pack("<4Q", *(REGISTER_MARK + i for i in range(4))))
        state = blob[self.registers :]
        self.star, self.lstar, self.fmask = (state.find(struct.pack("<Q", MSR_MARK + i)) for i in range(3))
        self.error = self._find_error(engine, context)
        self.counter = self._find_counter(engine)
        self.invalid_address = self._find_invalid_address(engine)
        found = (self.registers, self.star, self.lstar, self.fmask, self.error, self.counter, self.invalid_address)
        if min(found) < 0:
            raise LayoutError(f"unicorn {unicorn.__version__} has another layout than 2.1.4, which is pinned")

    def _find_error(self, engine: unicorn.Uc, context: unicorn.unicorn.UcContext) -> int:
        """error_code, exception_is_int, exception_next_eip lie side by side: run `int 0x80` at 0x1000."""
        found: list[int] = []

        def on_interrupt(uc: unicorn.Uc, number: int, data: object) -> None:
            uc.context_update(context)
            blob = ctypes.string_at(_blob_address(context), context.size)[self.registers :]
            found.append(blob.find(struct.pack("<iiQ", 0, 1, 0x1002)))
            uc.emu_stop()

        engine.mem_write(0x1000, b"\xcd\x80\x90")
        hook = engine.hook_add(unicorn.UC_HOOK_INTR, on_interrupt)
        engine.emu_start(0x1000, 0)
        engine.hook_del(hook)
        return found[0] if found else -1

    def _find_counter(self, engine: unicorn.Uc) -> int:
        """The count of executed instructions lies before its limit: 37 nops, then `out`."""
        limit = 0x12345678
        found: list[int] = []

        def on_out(uc: unicorn.Uc, port: int, size: int, value: int, data: object) -> None:
            raw = ctypes.string_at(engine_address(uc), 16384)
            found.append(raw.find(struct.pack("<QQ", 38, limit)))
            uc.emu_stop()

        engine.mem_write(0x1800, b"\x90" * 37 + b"\xe6\xf4\xf4")
        engine.hook_add(unicorn.UC_HOOK_INSN, on_out, None, 1, 0, x86.UC_X86_INS_OUT)
        engine.emu_start(0x1800, 0, count=limit)
        return found[0] if found else -1

    def _find_invalid_address(self, engine: unicorn.Uc) -> int:
        """The engine keeps the physical address that was last found to have nothing behind it: read one."""
        void = 0x5A5A0000
        engine.mem_write(0x1C00, b"\x8b\x04\x25" + void.to_bytes(4, "little"))  # mov eax, [void]
        with contextlib.suppress(unicorn.UcError):
            engine.emu_start(0x1C00, 0, count=1)
        return ctypes.string_at(engine_address(engine), 16384).find(struct.pack("<Q", void))


def _do_nothing() -> None:
    pass


class Context:
    """The fields of one engine's saved context, or of its CPU's state itself. `save()` before reading, `restore()`
    after writing."""

    def __init__(self, engine: unicorn.Uc, layout: Layout, state: int | None = None) -> None:
        """`state`: the address of the CPU's state; None: it is not known, and a saved context is used."""
        handle, read = engine._uch, uclib.uc_reg_read
        self.is_running = False  # Unicorn executes: a hook called
        self.save: Callable[[], None] = _do_nothing
        self.restore: Callable[[], None] = _do_nothing
        if state is None:
            blob = engine.context_save()
            state, inner = _blob_address(blob) + layout.registers, blob.context
            self.save = lambda: uclib.uc_context_save(handle, inner)
            self.restore = lambda: uclib.uc_context_restore(handle, inner)
            self._keep = blob
        value = ctypes.c_uint64()
        value_pointer = ctypes.byref(value)
        flags_id, code_id = ctypes.c_int(x86.UC_X86_REG_RFLAGS), ctypes.c_int(x86.UC_X86_REG_CS)

        def read_flags() -> int:
            read(handle, flags_id, value_pointer)
            return value.value

        def read_privilege() -> int:
            value.value = 0
            read(handle, code_id, value_pointer)
            return value.value & 3

        # Of the running engine, not of the saved context.
        self.read_flags: Callable[[], int] = read_flags
        self.read_privilege: Callable[[], int] = read_privilege
        self._eflags = ctypes.c_uint64.from_address(state + EFLAGS)
        self._rounded = [ctypes.c_uint8.from_address(state + offset) for offset in (X87_FLAGS, SSE_FLAGS)]
        self._cc_source = ctypes.c_uint64.from_address(state + CC_SOURCE)
        self._cc_operation = ctypes.c_uint32.from_address(state + CC_OPERATION)
        self._direction = ctypes.c_int32.from_address(state + DIRECTION)
        self.code_and_stack = state + SEGMENTS + SEGMENT_SIZE  # address of cs and ss, side by side
        self.registers = (ctypes.c_uint64 * 16).from_address(state)  # in the order of their encoding
        self.rip = ctypes.c_uint64.from_address(state + RIP)
        self.hflags = ctypes.c_uint32.from_address(state + HFLAGS)
        segments = (Segment * 10).from_address(state + SEGMENTS)
        self.es, self.cs, self.ss, self.ds, self.fs, self.gs = (segments[i] for i in range(6))
        self.ldt = segments[6]
        self.tr, self.gdt, self.idt = segments[7], segments[8], segments[9]
        self.control = (ctypes.c_uint64 * 9).from_address(state + CONTROL)
        self.efer = ctypes.c_uint64.from_address(state + EFER)
        self.star = ctypes.c_uint64.from_address(state + layout.star)
        self.lstar = ctypes.c_uint64.from_address(state + layout.lstar)
        self.fmask = ctypes.c_uint64.from_address(state + layout.fmask)
        self.error_code = ctypes.c_int32.from_address(state + layout.error)
        self.is_software = ctypes.c_int32.from_address(state + layout.error + 4)
        self.next_rip = ctypes.c_uint64.from_address(state + layout.error + 8)
        self.old_exception = ctypes.c_int32.from_address(state + layout.error + OLD_EXCEPTION_AFTER_ERROR)

    def forget_old_flags(self) -> None:
        """Within Unicorn's hook for an exception or `syscall`, after save(): hooks for instructions left the arithmetic
        flags of an instruction before, which read_flags would add."""
        self._eflags.value &= ~(ARITHMETIC_FLAGS | FLAG_DIRECTION)
        self.restore()

    def is_inexact(self) -> bool:
        """Unicorn's own arithmetic met an exception of the x87 or SSE, which no register of the guest shows."""
        self.save()
        return any(flags.value for flags in self._rounded)

    def set_flags(self, flags: int) -> None:
        """RFLAGS. Unicorn begins a run with the arithmetic flags that lie with the others; in a run they are apart."""
        self._eflags.value = (flags & ~(ARITHMETIC_FLAGS | FLAG_DIRECTION) if self.is_running else flags) | 2
        self._cc_source.value = flags & ARITHMETIC_FLAGS
        self._cc_operation.value = CC_OPERATION_FLAGS
        self._direction.value = -1 if flags & FLAG_DIRECTION else 1


def segments_as_bytes(*segments: tuple[int, int, int, int]) -> bytes:
    """Selector, base, limit and flags of each, in the saved context's form."""
    return b"".join(bytes(Segment(*fields)) for fields in segments)

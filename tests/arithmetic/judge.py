"""The same operations by this machine's processor and by the bundled emulator, compared bit by bit.

All operations of a kind are one loop of machine code, assembled by the bundled compiler. It is called as a function of
a shared library, and run by Unicorn with the emulator's native helper as a boot has it.
"""

import ctypes
import mmap
import platform
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.compile.wheel import run_zig
from ambilink.machine.emulator import native
from tests.arithmetic.compare import differences
from tests.arithmetic.kinds import CONTROL, RECORD_IN, RECORD_OUT, RESULT, SETUP, Kind
from tests.arithmetic.operands import Operands

import unicorn  # isort: skip  # behind the native helper
from unicorn import x86_const as x86  # isort: skip

CODE, INPUT, OUTPUT, STACK = 0x100000, 0x10000000, 0x20000000, 0x500000
FUNCTION_SIZE = 0x1000
SHOWN = 3  # differences that are kept of each kind
PRECISIONS = (0, 2, 3)
CONTROL_EMPTY, CONTROL_MASKED, CONTROL_USUAL = 0x40, 0x3F, 0x37F
MXCSR_MASKED = 0x1F80
INEXACT = 0x20
VECTOR_SIMD, CR4_OSXMMEXCPT = 19, 0x400

PROLOGUE = """
 pushq %rbx
 pushq %rbp
 pushq %r12
 pushq %r13
 pushq %r14
 pushq %r15
 movq %rdi, %r15
 movq %rsi, %r13
 movq %rdx, %r14
99:
"""
EPILOGUE = f"""
 addq ${RECORD_IN}, %r13
 addq ${RECORD_OUT}, %r14
 decq %r15
 jnz 99b
 fninit
 movl $0x1f80, -4(%rsp)
 ldmxcsr -4(%rsp)
 cld
 popq %r15
 popq %r14
 popq %r13
 popq %r12
 popq %rbp
 popq %rbx
"""
# A handler of SIGFPE: it changes gregs of its third argument, a ucontext.
RAISED = """
 movq 120(%rdx), %rax  # RBP
 movq %rax, 168(%rdx)  # RIP
 movq $1, 72(%rdx)     # R12
 ret
"""
SIGACTION_SIZE, SIGACTION_FLAGS, SA_SIGINFO = 152, 136, 4  # glibc's and musl's


def why_not() -> str | None:
    """Why this machine cannot judge."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return f"this machine is {platform.machine()}: an x86-64 processor with Linux is the judge"
    flags = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), ""
    ).split()
    missing = {"sse4_2", "bmi1", "bmi2", "aes", "pclmulqdq", "abm", "movbe", "popcnt"} - set(flags)
    return f"this processor lacks {', '.join(sorted(missing))}" if missing else None


@contextmanager
def assembled(kinds: list[Kind]) -> Iterator[ctypes.CDLL]:
    """Function k<index> of the library is the loop of that kind."""
    text = [".text\n.globl raised\nraised:", RAISED]
    for index, kind in enumerate(kinds):
        begin, end = f".balign {FUNCTION_SIZE}\n.globl k{index}\nk{index}:", f".globl e{index}\ne{index}: ret\n"
        text.append(begin + PROLOGUE + kind.code + EPILOGUE + end)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "judge.S").write_text("".join(text))
        run_zig("the judge", folder, "clang", "-c", "--target=x86_64-linux-gnu", "judge.S", timeout=120)
        run_zig("the judge", folder, "ld.lld", "-shared", "-z", "noexecstack", "-o", "judge.so", "judge.o", timeout=120)
        yield ctypes.CDLL(str(folder / "judge.so"))


@contextmanager
def raising(handler: int) -> Iterator[None]:
    """Exceptions that the processor raises come to a handler of machine code."""
    system = ctypes.CDLL(None)
    new = ctypes.create_string_buffer(SIGACTION_SIZE)
    old = ctypes.create_string_buffer(SIGACTION_SIZE)
    new[:8] = handler.to_bytes(8, "little")
    new[SIGACTION_FLAGS : SIGACTION_FLAGS + 4] = SA_SIGINFO.to_bytes(4, "little")
    system.sigaction(signal.SIGFPE, new, old)
    try:
        yield
    finally:
        system.sigaction(signal.SIGFPE, old, None)


@dataclass
class Difference:
    given: bytes
    processor: bytes
    emulator: bytes


@dataclass
class Verdict:
    kind: Kind
    count: int
    results: int = 0  # operations whose result differs
    flags: int = 0  # whose flags differ
    units: int = 0  # the largest accepted distance in units of the last place
    shown: list[Difference] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return not self.results and not self.flags


class Judge:
    def __init__(self, library: ctypes.CDLL, count: int) -> None:
        self.count = count
        self._library = library
        self._given = mmap.mmap(-1, self._pages(count * RECORD_IN))
        self._outputs = [mmap.mmap(-1, self._pages(count * RECORD_OUT)) for _ in range(2)]
        address = lambda area: ctypes.addressof(ctypes.c_char.from_buffer(area))  # noqa: E731
        self._given_address, self._native_address, emulated = map(address, (self._given, *self._outputs))
        self.engine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        self.engine.ctl_set_cpu_model(x86.UC_CPU_X86_SKYLAKE_CLIENT)
        self.engine.mem_map(CODE, 0x100000)
        self.engine.mem_map(STACK, 0x10000)
        self.engine.mem_map_ptr(INPUT, len(self._given), unicorn.UC_PROT_ALL, self._given_address)
        self.engine.mem_map_ptr(OUTPUT, len(self._outputs[1]), unicorn.UC_PROT_ALL, emulated)
        self.engine.reg_write(x86.UC_X86_REG_CR4, self.engine.reg_read(x86.UC_X86_REG_CR4) | CR4_OSXMMEXCPT)
        self.engine.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)

    @staticmethod
    def _on_exception(engine: unicorn.Uc, vector: int, data: object) -> None:
        assert vector == VECTOR_SIMD, vector
        engine.reg_write(x86.UC_X86_REG_R12, 1)
        engine.reg_write(x86.UC_X86_REG_RIP, engine.reg_read(x86.UC_X86_REG_RBP))

    @staticmethod
    def _pages(size: int) -> int:
        return -(-size // 4096) * 4096

    def run(self, index: int, kind: Kind, given: bytes) -> tuple[memoryview, memoryview]:
        self._given[: len(given)] = given
        for output in self._outputs:
            output[:] = bytes(len(output))
        function = getattr(self._library, f"k{index}")
        arguments = self.count, self._given_address, self._native_address
        with raising(ctypes.cast(self._library.raised, ctypes.c_void_p).value or 0):
            function(*map(ctypes.c_uint64, arguments))
        self._emulate(index)
        native_output, emulated = (memoryview(output) for output in self._outputs)
        return native_output, emulated

    def _emulate(self, index: int) -> None:
        begin = ctypes.cast(getattr(self._library, f"k{index}"), ctypes.c_void_p).value or 0
        end = ctypes.cast(getattr(self._library, f"e{index}"), ctypes.c_void_p).value or 0
        self.engine.mem_write(CODE, ctypes.string_at(begin, end - begin))
        self.engine.ctl_remove_cache(CODE, CODE + FUNCTION_SIZE)
        write = self.engine.reg_write
        write(x86.UC_X86_REG_RDI, self.count)
        write(x86.UC_X86_REG_RSI, INPUT)
        write(x86.UC_X86_REG_RDX, OUTPUT)
        write(x86.UC_X86_REG_RSP, STACK + 0x8000)
        self.engine.emu_start(CODE, CODE + end - begin)


def records(kind: Kind, operands: Operands, count: int) -> bytes:
    """Operands, control words and set-ups of so many operations."""
    choose, r = operands.random.choices, operands.random
    first, second = (choose(operands.of(letter), k=count) for letter in kind.operands)
    if kind.group == "integer":
        tail = [(r.getrandbits(12) & 0x8D5 | 0x202).to_bytes(8, "little") + r.randbytes(32) for _ in range(count)]
        return b"".join(a + b[:8] + c for a, b, c in zip(first, second, tail, strict=True))
    words = choose(_controls(kind, r), k=count)
    return b"".join(a + b + c for a, b, c in zip(first, second, words, strict=True))


def _controls(kind: Kind, r: random.Random) -> list[bytes]:
    """What lies behind the operands: mostly all exceptions masked, and the x87's stack as it should be."""
    found = []
    for _ in range(512):
        setup = 0
        if kind.group == "sse":
            flagged = r.choice((0, INEXACT, r.getrandbits(6)))  # with it the emulator computes in another way
            plain = r.randrange(2) == 0
            modes = 0 if plain else r.randrange(4) << 13 | r.choice((0, 0x8000, 0x40, 0x8040))
            masks = MXCSR_MASKED if r.randrange(4) else r.getrandbits(6) << 7
            control = masks | modes | flagged
        else:
            masks = CONTROL_MASKED if r.randrange(4) else r.getrandbits(6)
            control = CONTROL_EMPTY | masks | r.choice(PRECISIONS) << 8 | r.randrange(4) << 10
            if r.randrange(3) == 0:  # the emulator has a faster way for these
                control = CONTROL_USUAL
            setup = r.randrange(8) if r.randrange(8) == 0 else 0
        record = bytearray(RECORD_IN - CONTROL)
        record[:4] = control.to_bytes(4, "little")
        record[SETUP - CONTROL] = setup
        found.append(bytes(record))
    return found


def compare(kind: Kind, given: bytes, processor: memoryview, emulator: memoryview, count: int) -> Verdict:
    verdict = Verdict(kind, count)
    size = count * RECORD_OUT
    if processor[:size] == emulator[:size]:
        return verdict
    for at in range(0, size, RECORD_OUT):
        one, other = bytes(processor[at : at + RECORD_OUT]), bytes(emulator[at : at + RECORD_OUT])
        if one == other:
            continue
        result, flags, units = differences(kind, one, other)
        verdict.units = max(verdict.units, units)
        verdict.results += result
        verdict.flags += flags
        if (result or flags) and len(verdict.shown) < SHOWN:
            start = at // RECORD_OUT * RECORD_IN
            verdict.shown.append(Difference(given[start : start + RECORD_IN], one, other))
    return verdict


def judge(kinds: list[Kind], count: int, seed: int) -> Iterator[Verdict]:
    operands = Operands(seed)
    native.load()
    with assembled(kinds) as library:
        both = Judge(library, count)
        for index, kind in enumerate(kinds):
            given = records(kind, operands, count)
            yield compare(kind, given, *both.run(index, kind, given), count)


def shown(difference: Difference, kind: Kind) -> str:
    lines = [f"    given     {difference.given[:48].hex(' ', 8)}"]
    size = RESULT + 16 if kind.group in ("x87", "functions") else 48
    for name, data in (("processor", difference.processor), ("emulator ", difference.emulator)):
        lines.append(f"    {name} {data[:size].hex(' ', 4)}")
    return "\n".join(lines)

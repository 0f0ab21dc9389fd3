"""The registers of the emulated CPU as gdb numbers them, and the description of them that gdb asks for."""

from dataclasses import dataclass

import unicorn
from unicorn import x86_const as x86

MSR_EFER = 0xC0000080


@dataclass(frozen=True)
class Register:
    name: str
    bits: int
    kind: str  # gdb's type
    number: int | None  # Unicorn's; None: reads 0


def _uc(name: str) -> int:
    return int(getattr(x86, f"UC_X86_REG_{name.upper()}"))


_GENERAL = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *(f"r{number}" for number in range(8, 16))]
_POINTERS = {"rbp": "data_ptr", "rsp": "data_ptr"}
_X87 = {"fctrl": "fpcw", "fstat": "fpsw", "ftag": "fptag"}

CORE = [
    *(Register(name, 64, _POINTERS.get(name, "int64"), _uc(name)) for name in _GENERAL),
    Register("rip", 64, "code_ptr", _uc("rip")),
    Register("eflags", 32, "int32", _uc("eflags")),
    *(Register(name, 32, "int32", _uc(name)) for name in ("cs", "ss", "ds", "es", "fs", "gs")),
    *(Register(f"st{number}", 80, "i387_ext", _uc(f"st{number}")) for number in range(8)),
    *(
        Register(name, 32, "int", _uc(_X87[name]) if name in _X87 else None)
        for name in ("fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop")
    ),
]
SSE = [
    *(Register(f"xmm{number}", 128, "uint128", _uc(f"xmm{number}")) for number in range(16)),
    Register("mxcsr", 32, "int", _uc("mxcsr")),
]
SEGMENTS = [Register(name, 64, "int", _uc(name)) for name in ("fs_base", "gs_base")]
CONTROL = [
    *(Register(name, 64, "int64", _uc(name)) for name in ("cr0", "cr2", "cr3", "cr4")),
    Register("efer", 64, "int64", _uc("msr")),
]
FEATURES = {
    "org.gnu.gdb.i386.core": CORE,
    "org.gnu.gdb.i386.sse": SSE,
    "org.gnu.gdb.i386.segments": SEGMENTS,
    "org.ambilink.i386.control": CONTROL,
}
REGISTERS = [register for registers in FEATURES.values() for register in registers]


def description() -> str:
    features = "".join(
        f'<feature name="{name}">{"".join(map(_described, registers))}</feature>'
        for name, registers in FEATURES.items()
    )
    head = '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">'
    return f"{head}<target><architecture>i386:x86-64</architecture>{features}</target>"


def _described(register: Register) -> str:
    return f'<reg name="{register.name}" bitsize="{register.bits}" type="{register.kind}"/>'


def read(engine: unicorn.Uc, register: Register) -> bytes:
    size = register.bits // 8
    if register.number is None:
        return bytes(size)
    if register.name == "efer":
        return int(engine.reg_read(register.number, MSR_EFER)).to_bytes(size, "little")
    if register.kind == "i387_ext":
        mantissa, exponent = engine.reg_read(_physical(engine, register))
        return int(mantissa | exponent << 64).to_bytes(size, "little")
    value = engine.reg_read(register.number)
    return (int(value) & (1 << register.bits) - 1).to_bytes(size, "little")


def _physical(engine: unicorn.Uc, register: Register) -> int:
    """Of a register of the x87's stack."""
    top = engine.reg_read(_uc("fpsw")) >> 11 & 7
    return _uc(f"fp{(top + int(register.name[2:])) % 8}")


def write(engine: unicorn.Uc, register: Register, data: bytes) -> None:
    value = int.from_bytes(data[: register.bits // 8], "little")
    if register.number is None:
        return
    if register.name == "efer":
        engine.reg_write(register.number, (MSR_EFER, value))
    elif register.kind == "i387_ext":
        engine.reg_write(_physical(engine, register), (value & (1 << 64) - 1, value >> 64))
    else:
        engine.reg_write(register.number, value)

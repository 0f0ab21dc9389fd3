"""What stopped the CPU, in words, and its registers: for the report of a boot that went wrong.

Nothing of this costs a boot that goes well: after an error the engine's state is that of the instruction which failed.
"""

from dataclasses import dataclass

import unicorn
from unicorn import x86_const as x86

PAGE_FAULT = 14
EXCEPTIONS = {
    0: "division error",
    1: "debug exception",
    2: "non-maskable interrupt",
    3: "breakpoint",
    4: "overflow",
    5: "bound exceeded",
    6: "undefined instruction",
    7: "no floating-point unit",
    8: "double fault",
    10: "invalid TSS",
    11: "segment not present",
    12: "stack fault",
    13: "general protection fault",
    14: "page fault",
    16: "floating-point error",
    17: "alignment check",
    18: "machine check",
    19: "SIMD error",
}
ACCESSES = {
    unicorn.UC_ERR_READ_UNMAPPED: "read from",
    unicorn.UC_ERR_WRITE_UNMAPPED: "wrote to",
    unicorn.UC_ERR_FETCH_UNMAPPED: "executed",
    unicorn.UC_ERR_FETCH_PROT: "executed",
    unicorn.UC_ERR_READ_PROT: "read from",
    unicorn.UC_ERR_WRITE_PROT: "wrote to",
}
PF_PRESENT, PF_WRITE, PF_FETCH = 1, 2, 16

NAMES = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *(f"r{number}" for number in range(8, 16)),
    *("rip", "rflags", "cs", "ss", "ds", "es", "fs", "gs"),
    *("cr0", "cr2", "cr3", "cr4", "fs_base", "gs_base", "efer"),
)
MSR_EFER = 0xC0000080
DR7_GENERAL_DETECT = 1 << 13


@dataclass(frozen=True)
class Exceptions:
    """The exceptions that ended in a shutdown, in their order: each was raised while the one before was delivered."""

    vectors: tuple[int, ...]
    error: int  # code of the first
    address: int  # CR2 at the first


def registers_of(engine: unicorn.Uc) -> dict[str, int]:
    """All that a report shows, in its order."""
    found = {}
    for name in NAMES:
        if name == "efer":
            found[name] = int(engine.reg_read(x86.UC_X86_REG_MSR, MSR_EFER))
        else:
            found[name] = int(engine.reg_read(getattr(x86, f"UC_X86_REG_{name.upper()}")))
    return found


def debug_deviations(control: int) -> list[str]:
    """What a guest asks of DR7 that there is not without the native helper: breakpoints of data, general detect."""
    found = []
    if any(control >> 2 * number & 3 and control >> 16 + 4 * number & 1 for number in range(4)):
        found.append("a breakpoint of data")
    if control & DR7_GENERAL_DETECT:
        found.append("general detect")
    missing = "in DR7, which the emulator does not have without its native helper"
    return [f"the guest set {what} {missing}" for what in found]


def describe_exceptions(found: Exceptions) -> str:
    """`page fault, write to 0x10, not mapped; then double fault`."""
    first = EXCEPTIONS.get(found.vectors[0], f"interrupt {found.vectors[0]}")
    if found.vectors[0] == PAGE_FAULT:
        access = "execution of" if found.error & PF_FETCH else "write to" if found.error & PF_WRITE else "read from"
        mapped = "not permitted" if found.error & PF_PRESENT else "not mapped"
        first += f", {access} {found.address:#x}, {mapped}"
    elif found.error > 0:
        first += f", error code {found.error:#x}"
    later = [EXCEPTIONS.get(vector, f"interrupt {vector}") for vector in found.vectors[1:]]
    return "; then ".join([first, *later])


def describe_error(error: unicorn.UcError, address: int) -> str:
    """Of an access to a physical address where there is neither memory nor a device."""
    access = ACCESSES.get(error.errno)
    if access is None:
        return f"the emulator cannot go on ({error})"
    return f"the guest {access} physical {address:#x}, where there is no memory and no device"

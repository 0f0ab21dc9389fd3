"""What each processor's supplement (psABI) says: its e_machine, its relocations, and how thread-local blocks lie."""

from dataclasses import dataclass
from enum import Enum, auto

from ambilink.errors import AmbilinkError


class Kind(Enum):
    NONE = auto()
    RELATIVE = auto()
    ABSOLUTE = auto()
    ABSOLUTE_32 = auto()
    PC_32 = auto()
    PC_64 = auto()
    GLOB_DAT = auto()
    JUMP_SLOT = auto()
    SIZE_32 = auto()
    SIZE_64 = auto()
    COPY = auto()
    IRELATIVE = auto()
    TLS_MODULE = auto()
    TLS_OFFSET = auto()
    TLS_POINTER = auto()
    TLS_DESCRIPTOR = auto()


@dataclass(frozen=True)
class Psabi:
    name: str  # as folders and targets have it
    e_machine: str
    kinds: dict[int, Kind]
    tls_above: bool = False  # variant I
    tls_reserved: int = 0  # bytes at the thread pointer that are not the first block's
    tls_bias: int = 0
    slot_addend: bool = False  # of GLOB_DAT and JUMP_SLOT
    lazy_slots: bool = False  # functions can be bound at their first call, as libs/rtld does it
    convention: int = 0  # bits of e_flags that caller and called have in common


PSABIS = {
    62: Psabi(
        "x86_64",
        "EM_X86_64",
        {
            0: Kind.NONE,
            1: Kind.ABSOLUTE,
            2: Kind.PC_32,
            5: Kind.COPY,
            6: Kind.GLOB_DAT,
            7: Kind.JUMP_SLOT,
            8: Kind.RELATIVE,
            10: Kind.ABSOLUTE_32,
            16: Kind.TLS_MODULE,
            17: Kind.TLS_OFFSET,
            18: Kind.TLS_POINTER,
            24: Kind.PC_64,
            32: Kind.SIZE_32,
            33: Kind.SIZE_64,
            36: Kind.TLS_DESCRIPTOR,
            37: Kind.IRELATIVE,
        },
        lazy_slots=True,
    ),
    183: Psabi(
        "aarch64",
        "EM_AARCH64",
        {
            0: Kind.NONE,
            257: Kind.ABSOLUTE,
            258: Kind.ABSOLUTE_32,
            260: Kind.PC_64,
            261: Kind.PC_32,
            1024: Kind.COPY,
            1025: Kind.GLOB_DAT,
            1026: Kind.JUMP_SLOT,
            1027: Kind.RELATIVE,
            1028: Kind.TLS_MODULE,
            1029: Kind.TLS_OFFSET,
            1030: Kind.TLS_POINTER,
            1031: Kind.TLS_DESCRIPTOR,
            1032: Kind.IRELATIVE,
        },
        tls_above=True,
        tls_reserved=16,
        slot_addend=True,
    ),
    243: Psabi(
        "riscv64",
        "EM_RISCV",
        {
            0: Kind.NONE,
            1: Kind.ABSOLUTE_32,
            2: Kind.ABSOLUTE,
            3: Kind.RELATIVE,
            4: Kind.COPY,
            5: Kind.JUMP_SLOT,
            7: Kind.TLS_MODULE,
            9: Kind.TLS_OFFSET,
            11: Kind.TLS_POINTER,
            12: Kind.TLS_DESCRIPTOR,
            58: Kind.IRELATIVE,
        },
        tls_above=True,
        tls_bias=0x800,
        convention=0x0E,  # where floating-point arguments are; RV32E, RV64E
    ),
}

# Bit of st_other: a function that a lazy resolver must not be called for (AAELF64, RISC-V's psABI).
STO_VARIANT = 0x80
VARIANT_CONVENTIONS = (183, 243)

E_MACHINES = {psabi.e_machine: number for number, psabi in PSABIS.items()}


def psabi_of(machine: str) -> Psabi:
    """Of an e_machine, as EM_..."""
    if machine not in E_MACHINES:
        raise AmbilinkError(machine, "is no e_machine that is known", f"choose one of {', '.join(sorted(E_MACHINES))}")
    return PSABIS[E_MACHINES[machine]]

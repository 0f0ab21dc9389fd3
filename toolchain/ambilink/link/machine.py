"""Relocation numbers by machine (psABI of each), and how thread-local blocks lie."""

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    NONE = auto()
    RELATIVE = auto()
    ABSOLUTE = auto()
    ABSOLUTE_32 = auto()
    PC_32 = auto()
    PC_64 = auto()
    SLOT = auto()
    CALL = auto()
    SIZE_32 = auto()
    SIZE_64 = auto()
    COPY = auto()
    RESOLVER = auto()
    TLS_MODULE = auto()
    TLS_OFFSET = auto()
    TLS_POINTER = auto()
    TLS_DESCRIPTOR = auto()


@dataclass(frozen=True)
class Machine:
    name: str
    kinds: dict[int, Kind]
    tls_above: bool = False  # variant I
    tls_reserved: int = 0  # bytes at the thread pointer that are not the first block's
    tls_bias: int = 0
    slot_addend: bool = False


MACHINES = {
    62: Machine(
        "x86-64",
        {
            0: Kind.NONE,
            1: Kind.ABSOLUTE,
            2: Kind.PC_32,
            5: Kind.COPY,
            6: Kind.SLOT,
            7: Kind.CALL,
            8: Kind.RELATIVE,
            10: Kind.ABSOLUTE_32,
            16: Kind.TLS_MODULE,
            17: Kind.TLS_OFFSET,
            18: Kind.TLS_POINTER,
            24: Kind.PC_64,
            32: Kind.SIZE_32,
            33: Kind.SIZE_64,
            36: Kind.TLS_DESCRIPTOR,
            37: Kind.RESOLVER,
        },
    ),
    183: Machine(
        "aarch64",
        {
            0: Kind.NONE,
            257: Kind.ABSOLUTE,
            258: Kind.ABSOLUTE_32,
            260: Kind.PC_64,
            261: Kind.PC_32,
            1024: Kind.COPY,
            1025: Kind.SLOT,
            1026: Kind.CALL,
            1027: Kind.RELATIVE,
            1028: Kind.TLS_MODULE,
            1029: Kind.TLS_OFFSET,
            1030: Kind.TLS_POINTER,
            1031: Kind.TLS_DESCRIPTOR,
            1032: Kind.RESOLVER,
        },
        tls_above=True,
        tls_reserved=16,
        slot_addend=True,
    ),
    243: Machine(
        "riscv64",
        {
            0: Kind.NONE,
            1: Kind.ABSOLUTE_32,
            2: Kind.ABSOLUTE,
            3: Kind.RELATIVE,
            4: Kind.COPY,
            5: Kind.CALL,
            7: Kind.TLS_MODULE,
            9: Kind.TLS_OFFSET,
            11: Kind.TLS_POINTER,
            12: Kind.TLS_DESCRIPTOR,
            58: Kind.RESOLVER,
        },
        tls_above=True,
        tls_bias=0x800,
    ),
}

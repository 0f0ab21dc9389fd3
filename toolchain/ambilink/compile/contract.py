"""The table [contract] of a profile: what a system's loader can load. `ambilink.elf.contract` holds files to it."""

import re
from dataclasses import dataclass

from ambilink.compile.declared import key

OUTPUTS = ("programs", "libraries", "interpreters", "modules", "kernels")
TYPES = ("ET_EXEC", "ET_DYN")
NEEDS = ("DT_HASH", "DT_GNU_HASH", "section-headers")
# Relocations of any machine, as ambilink.elf.psabi sorts them; the psABIs' own names, R_..., may stand beside them.
RELOCATION_KINDS = (
    "absolute",
    "absolute-32",
    "pc-32",
    "pc-64",
    "glob-dat",
    "jump-slot",
    "relative",
    "relr",
    "irelative",
    "copy",
    "size-32",
    "size-64",
    "tls-module",
    "tls-offset",
    "tls-pointer",
    "tls-descriptor",
)
_POWER = "write a power of two"


def _relocation(text: str) -> str | None:
    if text in RELOCATION_KINDS or re.fullmatch(r"R_[A-Z0-9]+_[A-Z0-9_]+", text):
        return None
    return f"has {text!r}; write a psABI's name (R_X86_64_64) or one of: {', '.join(RELOCATION_KINDS)}"


def power_of_two(number: int) -> str | None:
    return None if number > 0 and not number & (number - 1) else f"is {number}; {_POWER}"


def positive(number: int) -> str | None:
    return None if 0 < number < 1 << 64 else f"is {number}; write a number from 1 to 2**64 - 1"


def natural(number: int) -> str | None:
    return None if 0 <= number < 1 << 64 else f"is {number}; write a number from 0 to 2**64 - 1"


def _limit(meaning: str, check: object = positive) -> int | None:
    found: int | None = key(None, meaning, int, check=check, no_default="no limit")
    return found


@dataclass(frozen=True)
class Contract:
    """Every rule may be left out, and asks for nothing then."""

    outputs: tuple[str, ...] = key(
        ("programs", "libraries", "interpreters", "modules"), "The outputs that are held to the rules.", choices=OUTPUTS
    )
    relocations: tuple[str, ...] = key(
        (),
        "Relocations that the loader knows: psABI names (`R_X86_64_64`) or their kinds, which serve every machine: "
        f"{', '.join(f'`{kind}`' for kind in RELOCATION_KINDS)}. `relr` is the table DT_RELR. Empty: all.",
        check=_relocation,
    )
    needs: tuple[str, ...] = key(
        (),
        "What the loader reads: `DT_HASH`, `DT_GNU_HASH` (in every file with dynamic symbols), `section-headers`.",
        choices=NEEDS,
    )
    sections: tuple[str, ...] = key(
        (),
        "Sections that the loader looks up by name. A dynamic file must have each of them whose contents it has by its "
        "dynamic section or program headers: `.dynsym`, `.dynstr`, `.dynamic`, `.hash`, `.gnu.hash`, `.rela.dyn`, "
        "`.rela.plt`, `.interp`, `.tdata`, `.tbss`, `.init_array`, `.fini_array`, `.text`, `.data`, `.bss`.",
    )
    static_types: tuple[str, ...] = key((), "e_type of static programs that it maps. Empty: any.", choices=TYPES)
    dynamic_types: tuple[str, ...] = key((), "e_type of dynamic programs that it maps. Empty: any.", choices=TYPES)
    name_max: int | None = _limit("Bytes of the longest DT_SONAME, DT_NEEDED, PT_INTERP and file name, without NUL.")
    symbol_max: int | None = _limit("Bytes of the longest dynamic symbol's name, without NUL.")
    tls_modules: int | None = _limit(
        "Files with thread-local storage in one process: a program and all libraries that it needs.", natural
    )
    align_max: int | None = _limit("Largest alignment of a PT_LOAD or PT_TLS that it keeps.", power_of_two)
    page_size: int | None = _limit(
        "Size of pages: segments of different rights may not share one, and offset and address of each must agree "
        "modulo it.",
        power_of_two,
    )
    lowest_address: int | None = _limit("Lowest address at which an ET_EXEC may lie.", natural)
    highest_address: int | None = _limit(
        "Address that an ET_EXEC must end at or below; for others the most that they may span."
    )
    write_xor_execute: bool = key(True, "No segment may be writable and executable.")
    versions: bool = key(True, "It reads symbol versions (DT_VERSYM). `false`: no file may have any.")

"""The table [contract] of a profile: what a system's loader can load. `ambilink.elf.contract` holds files to it."""

from dataclasses import dataclass

from ambilink.compile.declared import key

OUTPUTS = ("programs", "libraries", "interpreters", "modules", "kernels")
TYPES = ("ET_EXEC", "ET_DYN")
NEEDS = ("DT_HASH", "DT_GNU_HASH", "section-headers")
# Relocations of any machine, as ambilink.elf.psabi sorts them; the psABIs' own names may stand beside them.
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
# Dynamic relocations by e_machine: what their names begin with, and how they end.
RELOCATION_NAMES = {
    62: (
        "R_X86_64_",
        {1: "64", 2: "PC32", 5: "COPY", 6: "GLOB_DAT", 7: "JUMP_SLOT", 8: "RELATIVE", 10: "32", 16: "DTPMOD64"}
        | {17: "DTPOFF64", 18: "TPOFF64", 24: "PC64", 32: "SIZE32", 33: "SIZE64", 36: "TLSDESC", 37: "IRELATIVE"},
    ),
    183: (
        "R_AARCH64_",
        {257: "ABS64", 258: "ABS32", 260: "PREL64", 261: "PREL32", 1024: "COPY", 1025: "GLOB_DAT", 1026: "JUMP_SLOT"}
        | {1027: "RELATIVE", 1028: "TLS_DTPMOD", 1029: "TLS_DTPREL", 1030: "TLS_TPREL", 1031: "TLSDESC"}
        | {1032: "IRELATIVE"},
    ),
    243: (
        "R_RISCV_",
        {1: "32", 2: "64", 3: "RELATIVE", 4: "COPY", 5: "JUMP_SLOT", 7: "TLS_DTPMOD64", 9: "TLS_DTPREL64"}
        | {11: "TLS_TPREL64", 12: "TLSDESC", 58: "IRELATIVE"},
    ),
}
_NAMES = frozenset(f"{prefix}{name}" for prefix, names in RELOCATION_NAMES.values() for name in names.values())
_POWER = "write a power of two"


def relocation_name(machine: int, number: int) -> str:
    """As the psABI has it."""
    prefix, names = RELOCATION_NAMES.get(machine, (f"R_{machine}_", {}))
    return f"{prefix}{names.get(number, number)}"


def _relocation(text: str) -> str | None:
    if text in RELOCATION_KINDS or text in _NAMES:
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
        "Sections that the loader looks up by name. A dynamic file must have `.dynsym`, `.dynstr`, `.dynamic`, "
        "`.hash`, `.gnu.hash`, `.rela.dyn`, `.rela.plt`, `.interp`, `.tdata`, `.tbss`, `.init_array` and `.fini_array` "
        "where its dynamic section or its program headers lead to such contents, and others in any case.",
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

"""Rules that every linked file must keep, whatever the linker's exit status was."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from ambilink.elf.file import ElfFile
from ambilink.elf.inspect import ElfInfo, inspect, objects_referring_to
from ambilink.elf.layout import PAGE, SHT_REL, SHT_RELA
from ambilink.elf.psabi import psabi_of
from ambilink.errors import AmbilinkError


class OutputKind(Enum):
    """What a file was meant to become."""

    SHARED_LIBRARY = "shared library"
    DYNAMIC_PROGRAM = "dynamic program"
    STATIC_PROGRAM = "static program"
    INTERPRETER = "interpreter"
    KERNEL = "kernel"
    MODULE = "kernel module"


EXECUTED = (OutputKind.STATIC_PROGRAM, OutputKind.DYNAMIC_PROGRAM, OutputKind.INTERPRETER, OutputKind.KERNEL)


def check(
    path: Path,
    kind: OutputKind,
    libraries: Mapping[str, Path],
    objects: list[Path],
    soname: str | None = None,
    interpreter: str | None = None,
    entry: str | None = None,
    provided: frozenset[str] | None = frozenset(),
    write_xor_execute: bool = True,
) -> None:
    """Raise AmbilinkError for the first rule that the file breaks.

    `libraries` has every shared library that may be needed, by soname; `objects` are what was linked, to
    name the one that a missing symbol is needed by; `interpreter` is the PT_INTERP that was asked for; `entry` is
    the symbol that it begins at; `provided` are symbols that others define, as the loader; None: any.
    """
    info = inspect(path)
    _check_type(info, kind, interpreter)
    _check_segments(info, write_xor_execute)
    if kind in EXECUTED:
        _check_entry(info, entry)
    if kind is OutputKind.KERNEL:
        _check_relocations(path)
    if kind in (OutputKind.STATIC_PROGRAM, OutputKind.KERNEL) and info.needed:
        raise AmbilinkError(path, f"static, but has NEEDED {info.needed[0]}", "link it with archives only")
    if soname is not None and info.soname != soname:
        raise AmbilinkError(path, f"SONAME is {info.soname}, not {soname}", "do not override -soname")
    if kind is not OutputKind.KERNEL:
        _check_symbols(info, libraries, objects, provided)


def _check_relocations(path: Path) -> None:
    """Of a kernel that relocates itself: by DT_RELR's table alone."""
    elf = ElfFile.open(path)
    for section, name in zip(elf.sections, elf.section_names, strict=True):
        if section.type in (SHT_RELA, SHT_REL) and section.allocated and section.size:
            raise AmbilinkError(
                path,
                f"has relocations in {name}: a kernel that relocates itself does so by .relr.dyn alone",
                "keep addresses out of packed structs, as .relr.dyn lists aligned words only",
            )


def _check_entry(info: ElfInfo, entry: str | None) -> None:
    """Linkers only warn of a missing symbol, and leave 0 or the first instruction."""
    if entry is not None:
        symbols = ElfFile.open(info.path).addresses()  # none in a file that the linker stripped
        if symbols and entry not in symbols:
            raise AmbilinkError(
                info.path,
                f"has no entry point: {entry} is not defined",
                "define it, or name the one that there is: programs.entry of the profile, or -e in link_flags",
            )
    if not any(load.executable and load.address <= info.entry < load.end for load in info.loads):
        raise AmbilinkError(
            info.path, f"its entry point {info.entry:#x} lies in no executable segment", "define the entry symbol"
        )


def check_target(path: Path, machine: str, flags: int) -> None:
    """Raise AmbilinkError if the file is for another processor, or another calling convention, than the target's
    e_machine (as EM_...) and e_flags say."""
    info = inspect(path)
    if info.machine != machine:
        raise AmbilinkError(
            path, f"e_machine is {info.machine}, and the target's is {machine}", "use a linker of this target"
        )
    if (info.flags ^ flags) & psabi_of(machine).convention:
        raise AmbilinkError(
            path,
            f"e_flags are {info.flags:#x}, another calling convention than the target's {flags:#x}",
            "compile all of it with the target's flags: it says them under [flags] all, and elf-flags",
        )


def _check_type(info: ElfInfo, kind: OutputKind, interpreter: str | None) -> None:
    allowed = {
        OutputKind.SHARED_LIBRARY: ("ET_DYN",),
        OutputKind.INTERPRETER: ("ET_DYN",),
        OutputKind.MODULE: ("ET_DYN",),
        OutputKind.DYNAMIC_PROGRAM: ("ET_DYN", "ET_EXEC"),
        OutputKind.STATIC_PROGRAM: ("ET_DYN", "ET_EXEC"),
        OutputKind.KERNEL: ("ET_EXEC", "ET_DYN"),
    }[kind]
    if info.type not in allowed:
        raise AmbilinkError(
            info.path,
            f"e_type is {info.type}, a {kind.value} must be {' or '.join(allowed)}",
            "the linker ignored its arguments: call it directly, not through a compiler driver",
        )
    if kind in (OutputKind.SHARED_LIBRARY, OutputKind.DYNAMIC_PROGRAM, OutputKind.MODULE) and not info.dynamic:
        raise AmbilinkError(info.path, f"no PT_DYNAMIC, a {kind.value} must have one", "link it with -shared or -pie")
    if info.interpreter != interpreter:
        raise AmbilinkError(
            info.path,
            f"PT_INTERP is {info.interpreter or 'missing'}, and {interpreter or 'none'} was asked for",
            "leave -dynamic-linker to this tool: say interp= where the program is declared",
        )


def _check_segments(info: ElfInfo, write_xor_execute: bool) -> None:
    if info.text_relocations:
        raise AmbilinkError(info.path, "DT_TEXTREL: relocations in read-only segments", "compile all of it with -fPIC")
    start, size = info.relro or (0, 0)
    for load in info.loads:
        mapped = -(-load.end // PAGE) * PAGE
        if load.address <= start < load.end and start + size > mapped:
            raise AmbilinkError(
                info.path,
                f"PT_GNU_RELRO ends at {start + size:#x}, and the pages of its segment at {mapped:#x}",
                "a loader would fail to protect what is not mapped: leave -z common-page-size out",
            )
        if write_xor_execute and load.writable and load.executable:
            raise AmbilinkError(
                info.path,
                f"the segment at {load.address:#x} is writable and executable",
                "give code and data sections of their own",
            )


def closure(info: ElfInfo, libraries: Mapping[str, Path]) -> dict[str, ElfInfo]:
    """All libraries that a file needs, directly or not, breadth first, by soname."""
    found: dict[str, ElfInfo] = {}
    waiting = [(info, name) for name in info.needed]
    while waiting:
        needer, name = waiting.pop(0)
        if name in found:
            continue
        if name not in libraries:
            raise AmbilinkError(
                needer.path,
                f"needs {name}, which is no known library",
                "declare it with DualLibrary and name it in LIBS",
            )
        found[name] = inspect(libraries[name])
        waiting += [(found[name], other) for other in found[name].needed]
    return found


def _check_symbols(
    info: ElfInfo, libraries: Mapping[str, Path], objects: list[Path], provided: frozenset[str] | None
) -> None:
    found = closure(info, libraries)
    if provided is None:
        return
    missing = set(info.undefined - provided)
    for library in found.values():
        missing -= library.defined
    if not missing:
        return
    symbol = min(missing)
    users = objects_referring_to(symbol, objects)
    by = f", needed by {users[0].name}" if users else ""
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    raise AmbilinkError(
        info.path, f"undefined symbol {symbol}{by}{more}", "no library of its NEEDED closure defines it: extend LIBS"
    )

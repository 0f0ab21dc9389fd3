"""What linking needs to know of a program or shared object, kept for as long as the file stays the same."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.file import ElfError, ElfFile
from ambilink.elf.layout import (
    DT_SYMTAB,
    ET_DYN,
    ET_EXEC,
    SHN_UNDEF,
    SHT_DYNSYM,
    STB_GLOBAL,
    STB_LOCAL,
    STB_WEAK,
    STV_HIDDEN,
    STV_INTERNAL,
    SYM,
    Data,
    Segment,
)
from ambilink.elf.psabi import PSABIS
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular


@dataclass(frozen=True)
class ElfInfo:
    path: Path
    type: str  # "ET_EXEC" or "ET_DYN"
    machine: str
    flags: int  # e_flags
    entry: int
    interpreter: str | None
    soname: str | None
    needed: tuple[str, ...]
    filtees: tuple[tuple[str, bool], ...]  # names; whether they must be there
    text_relocations: bool
    dynamic: bool
    loads: tuple[Segment, ...]
    relro: tuple[int, int] | None  # address and size
    defined: frozenset[str]  # dynamic symbols that others may bind to
    undefined: frozenset[str]  # strong dynamic references


TYPES = {ET_EXEC: "ET_EXEC", ET_DYN: "ET_DYN"}


def symbol_count(file: DynamicFile) -> int:
    """Of the dynamic symbol table. Its hash table does not count undefined symbols behind its own (GNU ld writes
    an empty one for programs that export nothing), so relocations are asked too, if there are no sections."""
    for section in file.symbol_tables(SHT_DYNSYM):
        return section.size // SYM.size
    return max(file.hashed.stop, 1 + max((index for _, _, index, _ in file.relocations()), default=0))


def _dynamic_symbols(file: DynamicFile) -> tuple[frozenset[str], frozenset[str]]:
    defined, undefined = set(), set()
    if DT_SYMTAB not in file.dynamic:
        return frozenset(), frozenset()
    for name, info, other, section, _, _ in file.symbols(range(1, symbol_count(file))):
        if not name:
            continue
        if section == SHN_UNDEF:
            if info >> 4 == STB_GLOBAL:
                undefined.add(name.decode("utf-8", "backslashreplace"))
        elif info >> 4 != STB_LOCAL and other & 3 not in (STV_INTERNAL, STV_HIDDEN):
            defined.add(name.decode("utf-8", "backslashreplace"))
    return frozenset(defined), frozenset(undefined)


def undefined_weak(file: DynamicFile) -> set[bytes]:
    """What it looks for and can do without."""
    if DT_SYMTAB not in file.dynamic:
        return set()
    symbols = file.symbols(range(1, symbol_count(file)))
    return {each.name for each in symbols if each.section == SHN_UNDEF and each.binding == STB_WEAK and each.name}


def inspect_data(data: Data, path: Path) -> ElfInfo:
    """Like `inspect`, for bytes that are no file; `path` is what messages call them."""
    file = DynamicFile(path, data)
    defined, undefined = _dynamic_symbols(file)
    psabi = PSABIS.get(file.machine)
    return ElfInfo(
        path,
        TYPES[file.type],
        psabi.e_machine if psabi else f"EM_{file.machine}",
        file.header.flags,
        file.entry,
        file.interpreter,
        file.soname,
        tuple(file.needed_names),
        tuple(file.filtee_names),
        file.text_relocations,
        bool(file.dynamic),
        tuple(file.loads),
        file.relro,
        defined,
        undefined,
    )


@lru_cache(maxsize=512)
def _inspect_cached(path: Path, modified: int, size: int) -> ElfInfo:
    return inspect_data(read_regular(path), path)


def inspect(path: Path) -> ElfInfo:
    try:
        status = path.stat()
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})") from error
    return _inspect_cached(path, status.st_mtime_ns, status.st_size)


def undefined_names(path: Path) -> set[str]:
    """What a relocatable object refers to and does not define."""
    file = ElfFile.open(path)
    symbols = (each for table in file.symbol_tables() for each in file.symbols_of(table))
    return {each.name.decode("utf-8", "replace") for each in symbols if each.section == SHN_UNDEF and each.name}


def objects_referring_to(symbol: str, objects: list[Path], *, defining: bool = False) -> list[Path]:
    """Those of some relocatable objects that have an undefined reference to a symbol, or define it. Others are passed
    over: the linker read them as something else."""
    found, wanted = [], symbol.encode()
    for path in objects:
        try:
            file = ElfFile.open(path)
            named = (each for table in file.symbol_tables() for each in file.symbols_of(table) if each.name == wanted)
            if any((each.section != SHN_UNDEF) is defining for each in named):
                found.append(path)
        except ElfError:
            continue
    return found

"""What linking needs to know of an ELF file. Works on files without section headers, by the dynamic segment."""

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from ambilink.elf.layout import MACHINES, SHT_DYNSYM, SYM_SIZE, FileHeader, Section
from ambilink.errors import AmbilinkError
from ambilink.link.image import (
    DT_FLAGS,
    DT_SYMTAB,
    DT_TEXTREL,
    ET_DYN,
    ET_EXEC,
    SHN_UNDEF,
    STB_GLOBAL,
    STB_LOCAL,
    STV_HIDDEN,
    STV_INTERNAL,
    ElfError,
    Image,
)

FLAG_EXECUTE = 1
FLAG_WRITE = 2
DF_TEXTREL = 4


@dataclass(frozen=True)
class Load:
    """One PT_LOAD."""

    offset: int
    address: int
    file_size: int
    memory_size: int
    flags: int

    @property
    def writable(self) -> bool:
        return bool(self.flags & FLAG_WRITE)

    @property
    def executable(self) -> bool:
        return bool(self.flags & FLAG_EXECUTE)


@dataclass(frozen=True)
class ElfInfo:
    path: Path
    type: str  # "ET_EXEC", "ET_DYN", "ET_REL"
    machine: str
    interpreter: str | None
    soname: str | None
    needed: tuple[str, ...]
    text_relocations: bool
    dynamic: bool
    loads: tuple[Load, ...]
    relro: tuple[int, int] | None  # address and size
    defined: frozenset[str]  # dynamic symbols that others may bind to
    undefined: frozenset[str]  # strong dynamic references


TYPES = {1: "ET_REL", ET_EXEC: "ET_EXEC", ET_DYN: "ET_DYN"}
MACHINE_NAMES = {number: name for name, number in MACHINES.items()}


def _symbol_count(image: Image) -> int:
    """Of the dynamic symbol table. Its hash table tells nothing of undefined symbols behind its own (GNU ld writes
    an empty one for programs that export nothing), so relocations are asked too, if there are no sections."""
    header = FileHeader.read(image.data)
    if header.shoff and header.shoff + header.shnum * 64 <= len(image.data):
        for section in Section.read_all(image.data, header):
            if section.type == SHT_DYNSYM:
                return section.size // SYM_SIZE
    return max(image.hashed_end, 1 + max((index for _, _, index, _ in image.relocations()), default=0))


def _dynamic_symbols(image: Image) -> tuple[frozenset[str], frozenset[str]]:
    defined, undefined = set(), set()
    if DT_SYMTAB not in image.dynamic:
        return frozenset(), frozenset()
    for symbol in image.symbols(range(1, _symbol_count(image))):
        if not symbol.name:
            continue
        if symbol.section == SHN_UNDEF:
            if symbol.binding == STB_GLOBAL:
                undefined.add(symbol.name.decode())
        elif symbol.binding != STB_LOCAL and symbol.visibility not in (STV_INTERNAL, STV_HIDDEN):
            defined.add(symbol.name.decode())
    return frozenset(defined), frozenset(undefined)


def _inspect(path: Path, data: bytes) -> ElfInfo:
    image = Image(str(path), path, data)
    dynamic = bool(image.dynamic)
    flags = image.dynamic.get(DT_FLAGS, 0)
    defined, undefined = _dynamic_symbols(image)
    return ElfInfo(
        path,
        TYPES[image.type],
        MACHINE_NAMES.get(image.machine, f"EM_{image.machine}"),
        image.interpreter,
        image.soname,
        tuple(image.needed_names),
        DT_TEXTREL in image.dynamic or bool(flags & DF_TEXTREL),
        dynamic,
        tuple(Load(each.offset, each.address, each.file_size, each.memory_size, each.flags) for each in image.segments),
        image.relro,
        defined,
        undefined,
    )


def inspect_stream(stream: BinaryIO, path: Path) -> ElfInfo:
    """Like `inspect`, for bytes that are no file; `path` is what messages call them."""
    try:
        return _inspect(path, stream.read())
    except (ElfError, struct.error, ValueError, KeyError, IndexError, OverflowError, MemoryError) as error:
        reason = error.rule if isinstance(error, ElfError) else str(error)
        raise AmbilinkError(path, f"is not a sound ELF file ({reason})", "build it again") from error


@lru_cache(maxsize=512)
def _inspect_cached(path: Path, modified: int, size: int) -> ElfInfo:
    with path.open("rb") as stream:
        return inspect_stream(stream, path)


def inspect(path: Path) -> ElfInfo:
    try:
        status = path.stat()
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})") from error
    return _inspect_cached(path, status.st_mtime_ns, status.st_size)


def objects_referring_to(symbol: str, objects: list[Path]) -> list[Path]:
    """Those of some relocatable objects that have an undefined reference to a symbol."""
    from elftools.elf.elffile import ELFFile  # only where a message needs it: importing it takes long
    from elftools.elf.sections import SymbolTableSection

    found = []
    for path in objects:
        with path.open("rb") as stream:
            for section in ELFFile(stream).iter_sections():
                if isinstance(section, SymbolTableSection):
                    named = section.get_symbol_by_name(symbol) or []
                    if any(entry["st_shndx"] == "SHN_UNDEF" for entry in named):
                        found.append(path)
    return found

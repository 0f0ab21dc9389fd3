"""What linking needs to know of an ELF file. Works on files without section headers, by the dynamic segment."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ambilink.errors import AmbilinkError

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


def _dynamic_symbols(elf: ELFFile, segment: DynamicSegment) -> tuple[frozenset[str], frozenset[str]]:
    defined, undefined = set(), set()
    # The hash table, which a reader without sections counts by, tells nothing of undefined symbols behind its
    # own: GNU ld writes an empty one for programs that export nothing.
    table = elf.get_section_by_name(".dynsym")
    for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else segment.iter_symbols():
        if not symbol.name:
            continue
        binding = symbol["st_info"]["bind"]
        if symbol["st_shndx"] == "SHN_UNDEF":
            if binding == "STB_GLOBAL":
                undefined.add(symbol.name)
        elif binding != "STB_LOCAL" and symbol["st_other"]["visibility"] in ("STV_DEFAULT", "STV_PROTECTED"):
            defined.add(symbol.name)
    return frozenset(defined), frozenset(undefined)


def _inspect(path: Path, elf: ELFFile) -> ElfInfo:
    loads: list[Load] = []
    interpreter = soname = relro = None
    needed: list[str] = []
    text_relocations = dynamic = False
    defined: frozenset[str] = frozenset()
    undefined: frozenset[str] = frozenset()
    for segment in elf.iter_segments():
        kind = segment["p_type"]
        if kind == "PT_LOAD":
            loads.append(
                Load(
                    segment["p_offset"], segment["p_vaddr"], segment["p_filesz"], segment["p_memsz"], segment["p_flags"]
                )
            )
        elif kind == "PT_INTERP":
            interpreter = segment.get_interp_name()
        elif kind == "PT_GNU_RELRO":
            relro = (segment["p_vaddr"], segment["p_memsz"])
        elif isinstance(segment, DynamicSegment):
            dynamic = True
            for tag in segment.iter_tags():
                if tag.entry.d_tag == "DT_NEEDED":
                    needed.append(tag.needed)
                elif tag.entry.d_tag == "DT_SONAME":
                    soname = tag.soname
                elif tag.entry.d_tag == "DT_TEXTREL" or (
                    tag.entry.d_tag == "DT_FLAGS" and tag.entry.d_val & DF_TEXTREL
                ):
                    text_relocations = True
            defined, undefined = _dynamic_symbols(elf, segment)
    return ElfInfo(
        path,
        elf["e_type"],
        elf["e_machine"],
        interpreter,
        soname,
        tuple(needed),
        text_relocations,
        dynamic,
        tuple(loads),
        relro,
        defined,
        undefined,
    )


def inspect_stream(stream: BinaryIO, path: Path) -> ElfInfo:
    """Like `inspect`, for bytes that are no file; `path` is what messages call them."""
    try:
        return _inspect(path, ELFFile(stream))
    except (ELFError, ValueError, KeyError, AttributeError, AssertionError, IndexError, OverflowError) as error:
        raise AmbilinkError(path, f"is not a sound ELF file ({error})", "build it again") from error


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
    found = []
    for path in objects:
        with path.open("rb") as stream:
            for section in ELFFile(stream).iter_sections():
                if isinstance(section, SymbolTableSection):
                    named = section.get_symbol_by_name(symbol) or []
                    if any(entry["st_shndx"] == "SHN_UNDEF" for entry in named):
                        found.append(path)
    return found

"""Which pages of an ELF file no linker reads: code and constants, which are checked when they are used."""

from collections.abc import Iterator
from pathlib import Path

from ambilink.bootimage.tree import PAGE_SIZE
from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.file import ElfError
from ambilink.elf.layout import (
    DT_GNU_HASH,
    DT_HASH,
    DT_JMPREL,
    DT_PLTRELSZ,
    DT_RELA,
    DT_RELASZ,
    DT_RELR,
    DT_RELRSZ,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
    EHDR,
    PF_W,
    PHDR,
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
    PT_NOTE,
    PT_TLS,
    SHN_UNDEF,
    STT_FUNC,
    STT_GNU_IFUNC,
)

RUNS = 2  # of each file: IMAGE_UNREAD_RUNS
SIZED = {DT_STRTAB: DT_STRSZ, DT_RELA: DT_RELASZ, DT_JMPREL: DT_PLTRELSZ, DT_RELR: DT_RELRSZ}
UNSIZED = (DT_SYMTAB, DT_VERSYM, DT_HASH, DT_GNU_HASH, DT_VERNEED, DT_VERDEF)
Run = tuple[int, int]  # first page, and how many
NONE_UNREAD: tuple[Run, ...] = ((0, 0),) * RUNS


def _of_segments(elf: DynamicFile) -> Iterator[range]:
    """Headers, what linkers read as a whole, and what they copy."""
    yield range(EHDR.size)
    yield range(elf.header.phoff, elf.header.phoff + PHDR.size * len(elf.segments))
    for each in elf.segments:
        end = each.offset + each.file_size
        if each.type in (PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_TLS) or (each.type == PT_LOAD and each.flags & PF_W):
            yield range(each.offset, end)
        elif each.type == PT_LOAD and each.memory_size > each.file_size > 0:
            yield range(end - 1, end)  # the last page is completed with zero bytes


def _of_tables(elf: DynamicFile) -> Iterator[range]:
    """One without a size reaches to the next, or to its segment's end."""
    found: dict[int, int] = {}
    for tag in (*SIZED, *UNSIZED):
        if elf.dynamic.get(tag):
            at = elf.place_of(elf.dynamic[tag], 0, "a table")
            found[at] = max(elf.dynamic.get(SIZED.get(tag, 0), 0), found.get(at, 0))
    for at, size in found.items():
        segment = next(each for each in elf.loads if each.offset <= at <= each.offset + each.file_size)
        end = min([other for other in found if other > at], default=segment.offset + segment.file_size)
        yield range(at, at + size if size else end)


def _of_exports(elf: DynamicFile) -> Iterator[range]:
    """Data that a program may have a copy of (R_COPY)."""
    if DT_SYMTAB not in elf.dynamic:
        return
    for symbol in elf.symbols(elf.hashed):
        if symbol.section == SHN_UNDEF or symbol.type in (STT_FUNC, STT_GNU_IFUNC):
            continue
        for each in elf.loads:
            if each.address <= symbol.value < each.address + each.file_size:
                at = symbol.value - each.address + each.offset
                yield range(at, at + max(symbol.size, 1))


def unread_runs(data: bytes) -> tuple[Run, ...]:
    """The RUNS longest, ascending; empty ones fill up. A file that is not sound has none."""
    read: set[int] = set()
    pages = len(data) // PAGE_SIZE
    try:
        elf = DynamicFile(Path("-"), data)
        for part in (*_of_segments(elf), *_of_tables(elf), *_of_exports(elf)):
            # A size that the file claims is no reason to count so far.
            read.update(range(part.start // PAGE_SIZE, min(pages, -(-part.stop // PAGE_SIZE))))
    except ElfError:
        return NONE_UNREAD
    runs: list[Run] = []
    start = 0
    for page in [*sorted(read), pages]:
        if page > start:
            runs.append((start, page - start))
        start = page + 1
    chosen = sorted(sorted(runs, key=lambda run: run[1])[-RUNS:])
    end = sum(chosen[-1]) if chosen else 0
    return (*chosen, *[(end, 0)] * (RUNS - len(chosen)))

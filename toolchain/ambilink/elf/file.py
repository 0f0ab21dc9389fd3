"""The one reader of ELF files: headers, sections, symbol tables and notes of a 64-bit little-endian file.

Nothing that a file says is believed: each offset, count, size and name is checked where it is read, and what is
wrong is an ElfError that names the file, the rule and what to do. What a dynamic linker reads is in `dynamic`."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Self

from ambilink.elf.layout import (
    EHDR,
    IDENT,
    NHDR,
    NT_GNU_BUILD_ID,
    PHDR,
    PN_XNUM,
    PT_LOAD,
    PT_NOTE,
    SHDR,
    SHN_LORESERVE,
    SHN_UNDEF,
    SHN_XINDEX,
    SHT_NOBITS,
    SHT_NOTE,
    SHT_NULL,
    SHT_STRTAB,
    SHT_SYMTAB,
    SYM,
    Data,
    FileHeader,
    Section,
    Segment,
    Symbol,
)
from ambilink.errors import AmbilinkError
from ambilink.files import map_regular

ADDRESS_END = 1 << 64
ALIGN_MAX = 1 << 30
LINK_ANEW = "link it anew"


class ElfError(AmbilinkError):
    """The file is not what ELF asks for, or not of a kind that is wanted here."""


class ElfFile:
    def __init__(self, path: Path, data: Data) -> None:
        """`path` is what messages call it."""
        self.path, self.data = path, data
        self.header = self._read_header()
        self.segments = self._read_segments()

    @classmethod
    def open(cls, path: Path) -> Self:
        return cls(path, map_regular(path))

    def refuse(self, rule: str, remedy: str = LINK_ANEW) -> ElfError:
        return ElfError(self.path, rule, remedy)

    def _read_header(self) -> FileHeader:
        if len(self.data) < EHDR.size or self.data[: len(IDENT)] != IDENT:
            raise self.refuse("is not a 64-bit little-endian ELF file", "give what the linker or the compiler wrote")
        return FileHeader(*EHDR.unpack_from(self.data))

    def table(self, what: str, offset: int, size: int) -> bytes:
        """Bytes of the file, all of them."""
        if offset + size > len(self.data):
            raise self.refuse(f"is truncated: {what} ends behind the end of the file")
        return self.data[offset : offset + size]

    def _read_segments(self) -> list[Segment]:
        header = self.header
        if not header.phnum:
            return []
        if header.phnum == PN_XNUM:
            raise self.refuse("has 65,535 or more program headers")
        if header.phentsize != PHDR.size:
            raise self.refuse(f"has e_phentsize {header.phentsize}, not {PHDR.size}")
        table = self.table("the table of program headers", header.phoff, header.phnum * PHDR.size)
        return [Segment(*fields) for fields in PHDR.iter_unpack(table)]

    @cached_property
    def loads(self) -> list[Segment]:
        """Each PT_LOAD that has memory."""
        found = [each for each in self.segments if each.type == PT_LOAD and each.memory_size]
        for each in found:
            where = f"the segment at {each.address:#x}"
            if each.file_size > each.memory_size:
                raise self.refuse(f"{where} has p_filesz {each.file_size:#x}, more than its p_memsz")
            if each.offset + each.file_size > len(self.data):
                raise self.refuse(f"is truncated: {where} ends behind the end of the file")
            if max(each.address, each.physical) + each.memory_size > ADDRESS_END:
                raise self.refuse(f"{where} goes beyond the last address")
            self.check_align(f"{where} has p_align", each.align)
        return found

    def check_align(self, what: str, align: int) -> None:
        if align & (align - 1) or align > ALIGN_MAX:
            raise self.refuse(f"{what} {align:#x}, which is no power of two up to {ALIGN_MAX:#x}")

    def contents(self, segment: Segment, what: str) -> bytes:
        """What a program header leads to in the file."""
        return self.table(what, segment.offset, segment.file_size)

    def place_of(self, address: int, size: int, what: str) -> int:
        """The file offset of an address (p_vaddr); `size` bytes from there on are in the file."""
        for each in self.loads:
            if each.address <= address and address + size <= each.address + each.file_size:
                return address - each.address + each.offset
        raise self.refuse(f"has no file contents for {what} at address {address:#x}, {size:,} bytes")

    @cached_property
    def sections(self) -> list[Section]:
        """Of a file without section headers none. All contents lie in the file."""
        header = self.header
        if not header.shoff:
            return []
        if header.shentsize != SHDR.size:
            raise self.refuse(f"has e_shentsize {header.shentsize}, not {SHDR.size}")
        what = "the table of section headers"
        count = header.shnum or Section(*SHDR.unpack(self.table(what, header.shoff, SHDR.size))).size
        table = self.table(what, header.shoff, count * SHDR.size)
        found = [Section(*fields) for fields in SHDR.iter_unpack(table)]
        for number, each in enumerate(found):
            if each.type not in (SHT_NULL, SHT_NOBITS) and each.end > len(self.data):
                raise self.refuse(f"is truncated: section {number} ends behind the end of the file")
        return found

    def section_contents(self, section: Section) -> bytes:
        return self.data[section.offset : section.end]

    @property
    def section_names_index(self) -> int:
        number = self.header.shstrndx
        number = self.sections[0].link if number == SHN_XINDEX else number
        if number >= len(self.sections):
            raise self.refuse(f"has e_shstrndx {number}, and no such section")
        return number

    @cached_property
    def section_names(self) -> list[str]:
        if not self.sections:
            return []
        strings = self._strings_of(self.section_names_index, "e_shstrndx")
        try:
            return [strings[each.name : strings.index(b"\0", each.name)].decode() for each in self.sections]
        except ValueError as error:
            raise self.refuse("has a section whose name lies outside their strings, or is not UTF-8") from error

    def _strings_of(self, number: int, what: str) -> bytes:
        if not 0 < number < len(self.sections) or self.sections[number].type != SHT_STRTAB:
            raise self.refuse(f"has {what} {number}, which is no string table")
        return self.section_contents(self.sections[number])

    def symbols_of(self, section: Section) -> Iterator[Symbol]:
        """Of a symbol table, without its first entry."""
        if section.entsize != SYM.size or section.size % SYM.size:
            raise self.refuse(f"has a symbol table whose entries do not have {SYM.size} bytes")
        strings = self._strings_of(section.link, "sh_link of a symbol table")
        entries = SYM.iter_unpack(self.section_contents(section))
        next(entries, None)
        try:
            for name, *rest in entries:
                yield Symbol(strings[name : strings.index(b"\0", name)], *rest)
        except ValueError as error:
            raise self.refuse("has a symbol whose name lies outside its strings") from error

    def symbol_tables(self, kind: int = SHT_SYMTAB) -> list[Section]:
        return [each for each in self.sections if each.type == kind]

    def addresses(self) -> dict[str, int]:
        """What .symtab defines, by name."""
        return {
            symbol.name.decode("utf-8", "backslashreplace"): symbol.value
            for table in self.symbol_tables()
            for symbol in self.symbols_of(table)
            if symbol.section != SHN_UNDEF
        }

    def notes(self) -> Iterator[tuple[bytes, int, bytes]]:
        """Owner, type and contents of each note that a PT_NOTE leads to."""
        for segment in self.segments:
            if segment.type == PT_NOTE:
                data, align = self.contents(segment, "a PT_NOTE"), 8 if segment.align == 8 else 4
                for owner, kind, start, end in self._notes_in(data, align):
                    yield owner, kind, data[start:end]

    def _notes_in(self, data: bytes, align: int) -> Iterator[tuple[bytes, int, int, int]]:
        """Owner, type, start and end of the contents."""
        at = 0
        while at + NHDR.size <= len(data):
            name_size, size, kind = NHDR.unpack_from(data, at)
            name = at + NHDR.size
            start = -(-(name + name_size) // align) * align
            if start + size > len(data):
                raise self.refuse("has a note that ends behind its segment or section")
            yield data[name : name + name_size].rstrip(b"\0"), kind, start, start + size
            at = -(-(start + size) // align) * align

    @cached_property
    def build_id_place(self) -> tuple[int, int] | None:
        """Start and end in the file of what a note section says it is."""
        for section in self.sections:
            if section.type == SHT_NOTE:
                align = 8 if section.addralign == 8 else 4
                for owner, kind, start, end in self._notes_in(self.section_contents(section), align):
                    if (owner, kind) == (b"GNU", NT_GNU_BUILD_ID):
                        return section.offset + start, section.offset + end
        return None

    @property
    def build_id(self) -> bytes | None:
        """By sections, or by program headers where sections were stripped."""
        if place := self.build_id_place:
            return self.data[place[0] : place[1]]
        notes = (contents for owner, kind, contents in self.notes() if (owner, kind) == (b"GNU", NT_GNU_BUILD_ID))
        return next(notes, None)

    def check_can_grow(self, sections: int, segments: int) -> None:
        """Whether headers can count that many."""
        if sections >= SHN_LORESERVE or segments >= PN_XNUM:
            raise self.refuse(f"would have {sections:,} sections and {segments:,} segments, more than ELF counts")

"""A program or shared object as a dynamic linker sees it: by its segments and its dynamic section, so that a file
without section headers is read just as well."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ambilink.elf.file import ElfFile
from ambilink.elf.layout import (
    DF_1_INITFIRST,
    DF_1_NODEFLIB,
    DF_1_NOW,
    DF_BIND_NOW,
    DF_SYMBOLIC,
    DF_TEXTREL,
    DT_AUXILIARY,
    DT_BIND_NOW,
    DT_DEBUG,
    DT_FILTER,
    DT_FLAGS,
    DT_FLAGS_1,
    DT_GNU_HASH,
    DT_HASH,
    DT_JMPREL,
    DT_NEEDED,
    DT_PLTRELSZ,
    DT_RELA,
    DT_RELASZ,
    DT_RELR,
    DT_RELRSZ,
    DT_RPATH,
    DT_RUNPATH,
    DT_SONAME,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMBOLIC,
    DT_SYMENT,
    DT_SYMTAB,
    DT_TEXTREL,
    DT_VERDEF,
    DT_VERDEFNUM,
    DT_VERNEED,
    DT_VERNEEDNUM,
    DT_VERSYM,
    DYN,
    ET_DYN,
    ET_EXEC,
    GNU_HASH_HEADER,
    PAGE,
    PT_DYNAMIC,
    PT_GNU_RELRO,
    PT_INTERP,
    PT_TLS,
    RELA,
    SYM,
    VER_FLG_BASE,
    VERDAUX,
    VERDEF,
    VERNAUX,
    VERNEED,
    VERSYM_HIDDEN,
    VERSYM_VERSION,
    Data,
    Segment,
    Symbol,
)

NAMES_MAX = 1 << 28  # bytes of the names of one table: names may share their ends, so a file can claim more than it has


@dataclass(frozen=True, slots=True)
class Tls:
    address: int
    file_size: int
    size: int
    align: int


@dataclass(frozen=True, slots=True)
class Version:
    name: str
    hidden: bool = False  # a need that no unversioned symbol satisfies
    file: str | None = None  # None: defined here


class DynamicFile(ElfFile):
    def __init__(self, path: Path, data: Data) -> None:
        super().__init__(path, data)
        if self.header.type not in (ET_EXEC, ET_DYN):
            raise self.refuse(f"has e_type {self.header.type}", "give a program or a shared object")
        if not self.loads:
            raise self.refuse("has no PT_LOAD", "give a program or a shared object")
        end = 0
        for each in self.loads:
            if each.address < end:
                raise self.refuse(f"has segments that overlap or do not ascend, at {each.address:#x}")
            end = each.end
        self.type, self.machine, self.entry = self.header.type, self.header.machine, self.header.entry
        self.tls: Tls | None = None
        self.relro: tuple[int, int] | None = None  # address and size
        self.interpreter: str | None = None
        self.dynamic_address = 0  # p_vaddr; 0: none
        self.debug_address = 0  # p_vaddr of DT_DEBUG's value
        self.dynamic: dict[int, int] = {}  # values by tag; of names of objects the last
        self._names: dict[int, list[int]] = {DT_FILTER: [], DT_AUXILIARY: [], DT_NEEDED: []}
        self.filtees_last = False  # after DT_NEEDED
        for segment in self.segments:
            self._take(segment)

    def _take(self, segment: Segment) -> None:
        if segment.type == PT_TLS:
            self.check_align("has a PT_TLS with p_align", segment.align)
            if segment.file_size > segment.memory_size:
                raise self.refuse("has a PT_TLS with p_filesz beyond its p_memsz")
            if segment.file_size:
                self.place_of(segment.address, segment.file_size, "PT_TLS")
            self.tls = Tls(segment.address, segment.file_size, segment.memory_size, segment.align or 1)
        elif segment.type == PT_DYNAMIC:
            self._read_dynamic(segment)
        elif segment.type == PT_GNU_RELRO:
            self.relro = (segment.address, segment.memory_size)
        elif segment.type == PT_INTERP:
            self.interpreter = self.text(self.contents(segment, "PT_INTERP").rstrip(b"\0"), "PT_INTERP")

    def _read_dynamic(self, segment: Segment) -> None:
        """By the address, and up to DT_NULL whatever p_filesz says, as dynamic linkers do."""
        at, limit = self._room_at(segment.address, "PT_DYNAMIC", DYN.size)
        self.dynamic_address = segment.address
        for number in range(limit):
            tag, value = DYN.unpack_from(self.data, at + DYN.size * number)
            if tag == 0:
                return
            if tag == DT_DEBUG:
                self.debug_address = segment.address + DYN.size * number + 8
            if tag in self._names:
                if tag != DT_NEEDED and not self._names[DT_FILTER] and not self._names[DT_AUXILIARY]:
                    self.filtees_last = bool(self._names[DT_NEEDED])
                self._names[tag].append(value)
            self.dynamic[tag] = value
        raise self.refuse("has a dynamic section without an end (DT_NULL)")

    @cached_property
    def program_headers(self) -> tuple[int, int]:
        """Where their table lies in memory (p_vaddr), and how many they are; zeros where no segment holds it."""
        start, count = self.header.phoff, self.header.phnum
        for each in self.loads:
            if each.offset <= start and start + count * self.header.phentsize <= each.offset + each.file_size:
                return each.address + start - each.offset, count
        return 0, 0

    @property
    def low(self) -> int:
        return self.loads[0].address & -PAGE

    @property
    def high(self) -> int:
        return -(-self.loads[-1].end // PAGE) * PAGE

    @property
    def align(self) -> int:
        return max(PAGE, *(each.align for each in self.loads))

    def text(self, name: bytes, what: str) -> str:
        """A name that people read and file systems have."""
        try:
            text = name.decode()
        except UnicodeDecodeError as error:
            raise self.refuse(f"has a name that is not UTF-8: {what} is {name[:64]!r}") from error
        if not text.isprintable():
            raise self.refuse(f"has a name with control characters: {what} is {name[:64]!r}")
        return text

    def _table(self, what: str, address_tag: int, size_tag: int, entry: int) -> bytes:
        size = self.dynamic.get(size_tag, 0)
        if not size:
            return b""
        if address_tag not in self.dynamic:
            raise self.refuse(f"has a size and no address of {what} in its dynamic section")
        if size % entry:
            raise self.refuse(f"has {what} of {size:,} bytes, which are not entries of {entry}")
        at = self.place_of(self.dynamic[address_tag], size, what)
        return self.data[at : at + size]

    @cached_property
    def _strings(self) -> bytes:
        return self._table("strings (DT_STRTAB, DT_STRSZ)", DT_STRTAB, DT_STRSZ, 1)

    def string(self, offset: int) -> bytes:
        strings = self._strings
        try:
            return strings[offset : strings.index(b"\0", offset)]
        except (ValueError, OverflowError) as error:
            raise self.refuse(f"has a name at {offset:#x}, outside its {len(strings):#x} bytes of strings") from error

    def _text(self, tag: int, what: str) -> str | None:
        return self.text(self.string(self.dynamic[tag]), what) if tag in self.dynamic else None

    @cached_property
    def needed_names(self) -> list[str]:
        return [self.text(self.string(offset), "DT_NEEDED") for offset in self._names[DT_NEEDED]]

    @cached_property
    def filtee_names(self) -> list[tuple[str, bool]]:
        """Objects that are searched before this one; whether it must be there (DT_FILTER), or may (DT_AUXILIARY)."""
        return [
            (self.text(self.string(offset), "DT_FILTER or DT_AUXILIARY"), tag == DT_FILTER)
            for tag in (DT_FILTER, DT_AUXILIARY)
            for offset in self._names[tag]
        ]

    @cached_property
    def soname(self) -> str | None:
        return self._text(DT_SONAME, "DT_SONAME")

    @property
    def rpath(self) -> str | None:
        return self._text(DT_RPATH, "DT_RPATH")

    @property
    def runpath(self) -> str | None:
        return self._text(DT_RUNPATH, "DT_RUNPATH")

    @property
    def symbolic(self) -> bool:
        return DT_SYMBOLIC in self.dynamic or bool(self.dynamic.get(DT_FLAGS, 0) & DF_SYMBOLIC)

    @property
    def text_relocations(self) -> bool:
        return DT_TEXTREL in self.dynamic or bool(self.dynamic.get(DT_FLAGS, 0) & DF_TEXTREL)

    @property
    def initfirst(self) -> bool:
        return bool(self.dynamic.get(DT_FLAGS_1, 0) & DF_1_INITFIRST)

    @property
    def no_default_libraries(self) -> bool:
        return bool(self.dynamic.get(DT_FLAGS_1, 0) & DF_1_NODEFLIB)

    @cached_property
    def _symbol_table(self) -> tuple[int, int]:
        """Offset in the file, and how many entries fit: the dynamic section does not say how many there are."""
        if self.dynamic.get(DT_SYMENT, SYM.size) != SYM.size:
            raise self.refuse(f"has DT_SYMENT {self.dynamic[DT_SYMENT]}, not {SYM.size}")
        return self._room(DT_SYMTAB, "symbols (DT_SYMTAB)", SYM.size)

    def _room(self, tag: int, what: str, entry: int) -> tuple[int, int]:
        """Of a table without a size: its offset, and how many entries its segment has room for."""
        if tag not in self.dynamic:
            raise self.refuse(f"has no {what}")
        return self._room_at(self.dynamic[tag], what, entry)

    def _room_at(self, address: int, what: str, entry: int) -> tuple[int, int]:
        at = self.place_of(address, entry, what)
        end = next(
            each.offset + each.file_size for each in self.loads if each.offset <= at < each.offset + each.file_size
        )
        return at, (end - at) // entry

    def symbol(self, index: int) -> Symbol:
        at, limit = self._symbol_table
        if index >= limit:
            raise self.refuse(f"has a reference to symbol {index}, behind the end of its symbols")
        name, info, other, section, value, size = SYM.unpack_from(self.data, at + SYM.size * index)
        return Symbol(self.string(name), info, other, section, value, size)

    def symbols(self, indices: range) -> Iterator[Symbol]:
        """`indices` without steps."""
        if not indices:
            return
        strings, used = self._strings, 0
        try:
            for name, *rest in self._entries(indices):
                text = strings[name : strings.index(b"\0", name)]
                used += len(text)
                if used > NAMES_MAX:
                    raise self.refuse(f"has symbols whose names together have more than {NAMES_MAX:,} bytes")
                yield Symbol(text, *rest)
        except ValueError as error:
            raise self.refuse(f"has a symbol whose name lies outside its {len(strings):#x} bytes of strings") from error

    def _entries(self, indices: range) -> Iterator[tuple[int, int, int, int, int, int]]:
        at, limit = self._symbol_table
        if indices.stop > limit:
            raise self.refuse(f"has {indices.stop:,} symbols by its hash table, and room for {limit:,}")
        return SYM.iter_unpack(self.data[at + SYM.size * indices.start : at + SYM.size * indices.stop])

    @cached_property
    def hashed(self) -> range:
        """Indices of the symbols that the hash table leads to."""
        if DT_GNU_HASH in self.dynamic:
            return self._gnu_hashed()
        if self.dynamic.get(DT_HASH):
            at, limit = self._room(DT_HASH, "hash table (DT_HASH)", 4)
            buckets, chains = struct.unpack_from("<II", self.data, at) if limit > 1 else (0, 0)
            if 2 + buckets + chains > limit:
                raise self.refuse("has a hash table (DT_HASH) that ends behind its segment")
            return range(1, max(1, chains))
        return range(0)

    def _gnu_hashed(self) -> range:
        what = "hash table (DT_GNU_HASH)"
        at, limit = self._room(DT_GNU_HASH, what, 4)
        end = at + 4 * limit
        if limit < GNU_HASH_HEADER.size // 4:
            raise self.refuse(f"has a {what} that ends behind its segment")
        buckets, first, bloom, _ = GNU_HASH_HEADER.unpack_from(self.data, at)
        at += GNU_HASH_HEADER.size + 8 * bloom
        chain = at + 4 * buckets
        if chain > end:
            raise self.refuse(f"has a {what} that ends behind its segment")
        last = max(memoryview(self.data[at:chain]).cast("I"), default=0)
        if last < first:
            return range(0)
        for part in range(chain + 4 * (last - first), end, PAGE):
            for word in memoryview(self.data[part : min(part + PAGE, end)]).cast("I"):
                last += 1
                if word & 1:
                    return range(first, last)
        raise self.refuse(f"has a {what} with a chain that does not end")

    @cached_property
    def exports(self) -> dict[bytes, list[int]]:
        """Symbol indices by name, for every symbol that a look-up can meet."""
        found: dict[bytes, list[int]] = {}
        if DT_SYMTAB in self.dynamic:
            for index, symbol in zip(self.hashed, self.symbols(self.hashed), strict=True):
                found.setdefault(symbol.name, []).append(index)
        return found

    @cached_property
    def versions(self) -> dict[int, Version]:
        """Versions by their index in the version table; the base version is not one."""
        found: dict[int, Version] = {}
        for flags, index, name in self._defined_versions():
            if not flags & VER_FLG_BASE:
                found[index & VERSYM_VERSION] = Version(self.text(self.string(name), "a version"))
        for other, name, file in self._needed_versions():
            version = self.text(self.string(name), "a version")
            hidden, needed = bool(other & VERSYM_HIDDEN), self.text(self.string(file), "the file of a version")
            found[other & VERSYM_VERSION] = Version(version, hidden, needed)
        return found

    def _records(
        self, where: str, at: int, count: int, record: struct.Struct, end: int
    ) -> Iterator[tuple[int, tuple[int, ...]]]:
        """A list whose records end with the distance to the next one, each with its offset in the file."""
        for number in range(count):
            if at + record.size > end:
                raise self.refuse(f"has {where} that go beyond their segment")
            fields = record.unpack_from(self.data, at)
            yield at, fields
            if number + 1 < count and fields[-1] < record.size:
                raise self.refuse(f"has {where} that end after number {number + 1}, and {count:,} are counted")
            at += fields[-1]

    def _defined_versions(self) -> Iterator[tuple[int, int, int]]:
        """Flags, index, name."""
        if not self.dynamic.get(DT_VERDEF):
            return
        what = "version definitions (DT_VERDEF)"
        start, room = self._room(DT_VERDEF, what, 1)
        end = start + room
        for at, fields in self._records(what, start, self.dynamic.get(DT_VERDEFNUM, 0), VERDEF, end):
            _, flags, index, _, _, aux, _ = fields
            for _, (name, _) in self._records(what, at + aux, 1, VERDAUX, end):
                yield flags, index, name

    def _needed_versions(self) -> Iterator[tuple[int, int, int]]:
        """Index, name, file."""
        if not self.dynamic.get(DT_VERNEED):
            return
        what, left = "needed versions (DT_VERNEED)", VERSYM_VERSION
        start, room = self._room(DT_VERNEED, what, 1)
        end = start + room
        for at, fields in self._records(what, start, self.dynamic.get(DT_VERNEEDNUM, 0), VERNEED, end):
            _, count, file, aux, _ = fields
            left -= count
            if left < 0:
                raise self.refuse(f"has {what}, more than there are numbers for")
            for _, (_, _, other, name, _) in self._records(what, at + aux, count, VERNAUX, end):
                yield other, name, file

    @cached_property
    def _version_table(self) -> tuple[int, int] | None:
        return self._room(DT_VERSYM, "table of versions (DT_VERSYM)", 2) if DT_VERSYM in self.dynamic else None

    def versym(self, index: int) -> int | None:
        """The raw entry of the version table; None without such a table."""
        table = self._version_table
        if table is None:
            return None
        at, limit = table
        if index >= limit:
            raise self.refuse(f"has no version of symbol {index}: its table of versions ends before")
        return int.from_bytes(self.data[at + 2 * index : at + 2 * index + 2], "little")

    def version_of(self, index: int) -> Version | None:
        number = self.versym(index)
        return None if number is None else self.versions.get(number & VERSYM_VERSION)

    @cached_property
    def binds_now(self) -> bool:
        """It wants its functions bound when it is linked."""
        flags, flags_1 = self.dynamic.get(DT_FLAGS, 0), self.dynamic.get(DT_FLAGS_1, 0)
        return DT_BIND_NOW in self.dynamic or bool(flags & DF_BIND_NOW or flags_1 & DF_1_NOW)

    @cached_property
    def _plt_relocations(self) -> bytes:
        return self._table("relocations (DT_JMPREL, DT_PLTRELSZ)", DT_JMPREL, DT_PLTRELSZ, RELA.size)

    def calls(self) -> Iterator[tuple[int, int, int]]:
        """(p_vaddr, type, symbol index) of DT_JMPREL."""
        for offset, info, _ in RELA.iter_unpack(self._plt_relocations):
            yield offset, info & 0xFFFFFFFF, info >> 32

    def relocations(self) -> Iterator[tuple[int, int, int, int]]:
        """(p_vaddr, type, symbol index, addend) of DT_RELA, then of DT_JMPREL."""
        rela = self._table("relocations (DT_RELA, DT_RELASZ)", DT_RELA, DT_RELASZ, RELA.size)
        plt = self._plt_relocations
        if plt and rela.endswith(plt) and self.dynamic[DT_JMPREL] > self.dynamic[DT_RELA]:
            rela = rela[: len(rela) - len(plt)]
        for table in (rela, plt):
            for offset, info, addend in RELA.iter_unpack(table):
                yield offset, info & 0xFFFFFFFF, info >> 32, addend

    def packed_relative(self) -> Iterator[int]:
        """The addresses that DT_RELR stands for (gABI draft, "Relative Relocation Table")."""
        base = 0
        for (word,) in struct.iter_unpack("<Q", self._table("relocations (DT_RELR, DT_RELRSZ)", DT_RELR, DT_RELRSZ, 8)):
            if not word & 1:
                yield word
                base = word + 8
                continue
            for bit in range(1, 64):
                if word >> bit & 1:
                    yield base + 8 * (bit - 1)
            base += 63 * 8

    def array(self, tag: int, size_tag: int) -> range:
        """Addresses of the words of an array of functions, which the file holds."""
        start, size = self.dynamic.get(tag, 0), self.dynamic.get(size_tag, 0)
        if not start or not size:
            return range(0)
        self.place_of(start, size, "an array of functions")
        return range(start, start + size // 8 * 8, 8)

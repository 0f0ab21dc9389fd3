"""One ELF-64 file as a dynamic linker sees it; section headers are not read."""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ambilink.errors import AmbilinkError

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_TLS, PT_GNU_RELRO = 1, 2, 3, 7, 0x6474E552
PF_X, PF_W = 1, 2
ET_EXEC, ET_DYN = 2, 3
(DT_NEEDED, DT_PLTRELSZ, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ) = 1, 2, 4, 5, 6, 7, 8
DT_STRSZ, DT_INIT, DT_FINI, DT_SONAME, DT_RPATH, DT_SYMBOLIC, DT_DEBUG, DT_TEXTREL = 10, 12, 13, 14, 15, 16, 21, 22
DT_JMPREL, DT_INIT_ARRAY, DT_FINI_ARRAY, DT_INIT_ARRAYSZ, DT_FINI_ARRAYSZ = 23, 25, 26, 27, 28
DT_RUNPATH, DT_FLAGS, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ, DT_RELRSZ, DT_RELR = 29, 30, 32, 33, 35, 36
DT_GNU_HASH, DT_VERSYM, DT_FLAGS_1 = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
DF_SYMBOLIC, DF_1_INITFIRST = 2, 0x20
STB_LOCAL, STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE = 0, 1, 2, 10
STT_TLS, STT_GNU_IFUNC = 6, 10
STV_INTERNAL, STV_HIDDEN, STV_PROTECTED = 1, 2, 3
SHN_UNDEF, SHN_ABS = 0, 0xFFF1
PAGE = 4096


class ElfError(AmbilinkError):
    """The file is not a program or shared object that could be linked."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A PT_LOAD, in p_vaddr terms."""

    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    align: int


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


@dataclass(frozen=True, slots=True)
class Symbol:
    name: bytes
    info: int
    other: int
    section: int
    value: int
    size: int

    @property
    def binding(self) -> int:
        return self.info >> 4

    @property
    def type(self) -> int:
        return self.info & 15

    @property
    def visibility(self) -> int:
        return self.other & 3


@dataclass
class Image:
    name: str
    path: Path
    data: bytes | mmap.mmap
    bias: int = 0
    needed: "list[Image]" = field(default_factory=list)
    tls_module: int = 0
    tls_offset: int = 0  # of the block's start from the thread pointer
    windows: dict[int, bytearray] = field(default_factory=dict)  # by p_vaddr of the first page
    touched: dict[int, int] = field(default_factory=dict)  # sizes of what relocations wrote, by p_vaddr

    @classmethod
    def open(cls, name: str, path: Path) -> "Image":
        with path.open("rb") as file:
            if path.stat().st_size < 64:
                raise ElfError(path, "is not an ELF file", "give a program or a shared object")
            return cls(name, path, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def __post_init__(self) -> None:
        if self.data[:7] != b"\x7fELF\x02\x01\x01":
            raise ElfError(self.path, "is not a 64-bit little-endian ELF file", "give a program or a shared object")
        self.type, self.machine = struct.unpack_from("<HH", self.data, 16)
        self.entry, offset = struct.unpack_from("<QQ", self.data, 24)
        count = struct.unpack_from("<H", self.data, 56)[0]
        if self.type not in (ET_EXEC, ET_DYN):
            raise ElfError(self.path, f"has e_type {self.type}", "give a program or a shared object")
        self.segments: list[Segment] = []
        self.tls: Tls | None = None
        self.relro: tuple[int, int] | None = None
        self.interpreter: str | None = None
        self.dynamic_address = self.headers_address = self.header_count = 0  # p_vaddr; 0: not in memory
        dynamic = None
        for at in range(offset, offset + 56 * count, 56):
            kind, flags, start, address, _, filesz, memsz, align = struct.unpack_from("<IIQQQQQQ", self.data, at)
            if kind == PT_LOAD and memsz:
                self.segments.append(Segment(flags, start, address, filesz, memsz, align))
                if start <= offset and offset + 56 * count <= start + filesz:
                    self.headers_address, self.header_count = address + offset - start, count
            elif kind == PT_TLS:
                self.tls = Tls(address, filesz, memsz, align or 1)
            elif kind == PT_DYNAMIC:
                dynamic, self.dynamic_address = self.data[start : start + filesz], address
            elif kind == PT_GNU_RELRO:
                self.relro = (address, memsz)
            elif kind == PT_INTERP:
                self.interpreter = bytes(self.data[start : start + filesz]).rstrip(b"\0").decode()
        if not self.segments:
            raise ElfError(self.path, "has no PT_LOAD", "give a program or a shared object")
        self.dynamic: dict[int, int] = {}
        self.debug_address = 0  # p_vaddr of DT_DEBUG's value
        needed = []
        entries = struct.iter_unpack("<qQ", (dynamic or b"")[: len(dynamic or b"") // 16 * 16])
        for number, (tag, value) in enumerate(entries):
            if tag == 0:
                break
            if tag == DT_DEBUG:
                self.debug_address = self.dynamic_address + 16 * number + 8
            if tag == DT_NEEDED:
                needed.append(value)
            self.dynamic[tag] = value
        self.needed_names = [self.string(offset).decode() for offset in needed]

    @property
    def low(self) -> int:
        return self.segments[0].address & -PAGE

    @property
    def high(self) -> int:
        return -(-(self.segments[-1].address + self.segments[-1].memory_size) // PAGE) * PAGE

    @property
    def align(self) -> int:
        return max(PAGE, *(segment.align for segment in self.segments))

    def offset_of(self, address: int) -> int:
        """The file offset of a p_vaddr."""
        for segment in self.segments:
            if segment.address <= address < segment.address + segment.file_size:
                return address - segment.address + segment.offset
        raise ElfError(self.path, f"has no file contents at address {address:#x}", "link the file anew")

    def _table(self, address_tag: int, size_tag: int) -> bytes:
        size = self.dynamic.get(size_tag, 0)
        if not size or not self.dynamic.get(address_tag):
            return b""
        at = self.offset_of(self.dynamic[address_tag])
        return self.data[at : at + size]

    @cached_property
    def _strings(self) -> bytes:
        return self._table(DT_STRTAB, DT_STRSZ)

    def string(self, offset: int) -> bytes:
        return self._strings[offset : self._strings.index(b"\0", offset)]

    def _text(self, tag: int) -> str | None:
        return self.string(self.dynamic[tag]).decode() if tag in self.dynamic else None

    @property
    def soname(self) -> str | None:
        return self._text(DT_SONAME)

    @property
    def rpath(self) -> str | None:
        return self._text(DT_RPATH)

    @property
    def runpath(self) -> str | None:
        return self._text(DT_RUNPATH)

    @property
    def symbolic(self) -> bool:
        return DT_SYMBOLIC in self.dynamic or bool(self.dynamic.get(DT_FLAGS, 0) & DF_SYMBOLIC)

    @property
    def initfirst(self) -> bool:
        return bool(self.dynamic.get(DT_FLAGS_1, 0) & DF_1_INITFIRST)

    @cached_property
    def _exported(self) -> range:
        """Indices of the symbols that the hash table leads to."""
        if DT_GNU_HASH in self.dynamic:
            at = self.offset_of(self.dynamic[DT_GNU_HASH])
            buckets, first, bloom, _ = struct.unpack_from("<IIII", self.data, at)
            at += 16 + 8 * bloom
            last = max(struct.unpack_from(f"<{buckets}I", self.data, at), default=0)
            if last < first:
                return range(0)
            chain = at + 4 * buckets
            while not struct.unpack_from("<I", self.data, chain + 4 * (last - first))[0] & 1:
                last += 1
            return range(first, last + 1)
        if self.dynamic.get(DT_HASH):
            at = self.offset_of(self.dynamic[DT_HASH])
            return range(1, struct.unpack_from("<I", self.data, at + 4)[0])
        return range(0)

    def symbol(self, index: int) -> Symbol:
        at = self.offset_of(self.dynamic[DT_SYMTAB]) + 24 * index
        name, info, other, section, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
        return Symbol(self.string(name), info, other, section, value, size)

    @property
    def hashed_end(self) -> int:
        """Behind the last symbol that the hash table leads to; 0: it leads to none."""
        return self._exported.stop

    def symbols(self, indices: range) -> Iterator[Symbol]:
        start = self.offset_of(self.dynamic[DT_SYMTAB])
        table = self.data[start + 24 * indices.start : start + 24 * indices.stop]
        for name, *rest in struct.iter_unpack("<IBBHQQ", table):
            yield Symbol(self.string(name), *rest)

    @cached_property
    def exports(self) -> dict[bytes, list[int]]:
        """Symbol indices by name, for every symbol that a look-up can meet."""
        found: dict[bytes, list[int]] = {}
        if not self._exported or DT_SYMTAB not in self.dynamic:
            return found
        start = self.offset_of(self.dynamic[DT_SYMTAB])
        table = self.data[start + 24 * self._exported.start : start + 24 * self._exported.stop]
        strings = self._strings
        for index, (name, *_) in zip(self._exported, struct.iter_unpack("<IBBHQQ", table), strict=True):
            found.setdefault(strings[name : strings.index(b"\0", name)], []).append(index)
        return found

    @cached_property
    def versions(self) -> dict[int, Version]:
        """Versions by their index in the version table; the base version is not one."""
        found: dict[int, Version] = {}
        if self.dynamic.get(DT_VERDEF):
            at = self.offset_of(self.dynamic[DT_VERDEF])
            for _ in range(self.dynamic.get(DT_VERDEFNUM, 0)):
                _, flags, index, _, _, aux, following = struct.unpack_from("<HHHHIII", self.data, at)
                if not flags & 1:
                    name = struct.unpack_from("<I", self.data, at + aux)[0]
                    found[index & 0x7FFF] = Version(self.string(name).decode())
                at += following
        if self.dynamic.get(DT_VERNEED):
            at = self.offset_of(self.dynamic[DT_VERNEED])
            for _ in range(self.dynamic.get(DT_VERNEEDNUM, 0)):
                _, count, file, aux, following = struct.unpack_from("<HHIII", self.data, at)
                entry = at + aux
                for _ in range(count):
                    _, _, other, name, step = struct.unpack_from("<IHHII", self.data, entry)
                    found[other & 0x7FFF] = Version(
                        self.string(name).decode(), bool(other & 0x8000), self.string(file).decode()
                    )
                    entry += step
                at += following
        return found

    def versym(self, index: int) -> int | None:
        """The raw entry of the version table; None without such a table."""
        if DT_VERSYM not in self.dynamic:
            return None
        at = self.offset_of(self.dynamic[DT_VERSYM]) + 2 * index
        return int(struct.unpack_from("<H", self.data, at)[0])

    def version_of(self, index: int) -> Version | None:
        number = self.versym(index)
        return None if number is None else self.versions.get(number & 0x7FFF)

    def relocations(self) -> Iterator[tuple[int, int, int, int]]:
        """(p_vaddr, type, symbol index, addend) of DT_RELA, then of DT_JMPREL."""
        rela, plt = self._table(DT_RELA, DT_RELASZ), self._table(DT_JMPREL, DT_PLTRELSZ)
        if plt and rela.endswith(plt) and self.dynamic[DT_JMPREL] > self.dynamic[DT_RELA]:
            rela = rela[: len(rela) - len(plt)]
        for table in (rela, plt):
            for offset, info, addend in struct.iter_unpack("<QQq", table):
                yield offset, info & 0xFFFFFFFF, info >> 32, addend

    def packed_relative(self) -> Iterator[int]:
        """The addresses that DT_RELR stands for (gABI draft, "Relative Relocation Table")."""
        base = 0
        for (word,) in struct.iter_unpack("<Q", self._table(DT_RELR, DT_RELRSZ)):
            if not word & 1:
                yield word
                base = word + 8
                continue
            for bit in range(1, 64):
                if word >> bit & 1:
                    yield base + 8 * (bit - 1)
            base += 63 * 8

    def array(self, tag: int, size_tag: int) -> range:
        """Addresses of the words of an array of functions."""
        start = self.dynamic.get(tag, 0)
        return range(start, start + self.dynamic.get(size_tag, 0), 8)

"""ELF-64's structures and numbers: headers, sections, symbols, dynamic entries. Little-endian (gABI, chapters 4, 5)."""

import mmap
import struct
from dataclasses import dataclass
from typing import NamedTuple

Data = bytes | mmap.mmap

IDENT = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian, version 1
ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
PT_NULL, PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS, PT_GNU_RELRO = 0, 1, 2, 3, 4, 6, 7, 0x6474E552
PF_X, PF_W, PF_R = 1, 2, 4
PN_XNUM = 0xFFFF
SHT_RELA, SHT_REL, SHT_RELR = 4, 9, 19
SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_DYNAMIC, SHT_NOTE, SHT_NOBITS, SHT_DYNSYM = 0, 1, 2, 3, 6, 7, 8, 11
SHT_GNU_HASH, SHT_GNU_VERDEF, SHT_GNU_VERSYM = 0x6FFFFFF6, 0x6FFFFFFD, 0x6FFFFFFF
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
SHN_UNDEF, SHN_LORESERVE, SHN_ABS, SHN_XINDEX = 0, 0xFF00, 0xFFF1, 0xFFFF
STB_LOCAL, STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE = 0, 1, 2, 10
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_COMMON, STT_TLS, STT_GNU_IFUNC = 0, 1, 2, 5, 6, 10
STV_INTERNAL, STV_HIDDEN, STV_PROTECTED = 1, 2, 3
DT_NULL, DT_NEEDED, DT_PLTRELSZ, DT_PLTGOT, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ = range(9)
DT_STRSZ, DT_SYMENT, DT_INIT, DT_FINI, DT_SONAME, DT_RPATH, DT_SYMBOLIC, DT_DEBUG = 10, 11, 12, 13, 14, 15, 16, 21
DT_TEXTREL, DT_JMPREL, DT_BIND_NOW, DT_INIT_ARRAY, DT_FINI_ARRAY, DT_INIT_ARRAYSZ, DT_FINI_ARRAYSZ = range(22, 29)
DT_RUNPATH, DT_FLAGS, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ, DT_RELRSZ, DT_RELR = 29, 30, 32, 33, 35, 36
DT_GNU_HASH, DT_VERSYM, DT_FLAGS_1 = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB
DT_AUXILIARY, DT_FILTER = 0x7FFFFFFD, 0x7FFFFFFF
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
DF_SYMBOLIC, DF_TEXTREL, DF_BIND_NOW = 2, 4, 8
DF_1_NOW, DF_1_INITFIRST, DF_1_NODEFLIB, DF_1_PIE = 0x01, 0x20, 0x800, 0x08000000
VER_NDX_GLOBAL, VERSYM_HIDDEN, VERSYM_VERSION, VER_FLG_BASE = 1, 0x8000, 0x7FFF, 1
NT_GNU_BUILD_ID = 3
PAGE = 4096

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
SHDR = struct.Struct("<IIQQQQIIQQ")
SYM = struct.Struct("<IBBHQQ")
DYN = struct.Struct("<qQ")
RELA = struct.Struct("<QQq")
NHDR = struct.Struct("<III")
GNU_HASH_HEADER = struct.Struct("<IIII")
VERDEF = struct.Struct("<HHHHIII")
VERDAUX = struct.Struct("<II")
VERNEED = struct.Struct("<HHIII")
VERNAUX = struct.Struct("<IHHII")


@dataclass
class FileHeader:
    ident: bytes
    type: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int

    def pack(self) -> bytes:
        return EHDR.pack(*vars(self).values())


@dataclass
class Segment:
    """A program header."""

    type: int
    flags: int
    offset: int
    address: int  # p_vaddr
    physical: int
    file_size: int
    memory_size: int
    align: int

    def pack(self) -> bytes:
        return PHDR.pack(*vars(self).values())

    @property
    def writable(self) -> bool:
        return bool(self.flags & PF_W)

    @property
    def executable(self) -> bool:
        return bool(self.flags & PF_X)

    @property
    def end(self) -> int:
        return self.address + self.memory_size


@dataclass
class Section:
    name: int
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    addralign: int
    entsize: int

    def pack(self) -> bytes:
        return SHDR.pack(*vars(self).values())

    @property
    def allocated(self) -> bool:
        return bool(self.flags & SHF_ALLOC)

    @property
    def end(self) -> int:
        """Where its contents end in the file."""
        return self.offset + (0 if self.type in (SHT_NULL, SHT_NOBITS) else self.size)


class Symbol(NamedTuple):
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


def pad(data: bytearray, align: int) -> int:
    """Fill up with zeros to a multiple of `align`; return the new size."""
    data.extend(bytes(-len(data) % max(1, align)))
    return len(data)


class Strings:
    """A string table that grows."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0")
        self._at: dict[str, int] = {"": 0}

    def add(self, text: str) -> int:
        if text not in self._at:
            self._at[text] = len(self.data)
            self.data += text.encode() + b"\0"
        return self._at[text]

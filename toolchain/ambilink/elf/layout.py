"""ELF-64 structures for those who write files: headers, sections, symbols. Little-endian (gABI, chapters 4 and 5)."""

import mmap
import struct
from dataclasses import dataclass

Data = bytes | mmap.mmap

SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_DYNAMIC, SHT_NOTE, SHT_NOBITS, SHT_DYNSYM = 1, 2, 3, 6, 7, 8, 11
SHT_GNU_HASH, SHT_GNU_VERDEF, SHT_GNU_VERSYM = 0x6FFFFFF6, 0x6FFFFFFD, 0x6FFFFFFF
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
EHDR_SIZE, PHDR_SIZE, SHDR_SIZE, SYM_SIZE = 64, 56, 64, 24
MACHINES = {"EM_X86_64": 62, "EM_AARCH64": 183, "EM_RISCV": 243}

_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_SHDR = struct.Struct("<IIQQQQIIQQ")


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

    @classmethod
    def read(cls, data: Data) -> "FileHeader":
        return cls(*_EHDR.unpack_from(data))

    def pack(self) -> bytes:
        return _EHDR.pack(*vars(self).values())


@dataclass
class ProgramHeader:
    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int

    @classmethod
    def read_all(cls, data: Data, header: FileHeader) -> "list[ProgramHeader]":
        return [cls(*_PHDR.unpack_from(data, header.phoff + i * PHDR_SIZE)) for i in range(header.phnum)]

    def pack(self) -> bytes:
        return _PHDR.pack(*vars(self).values())


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

    @classmethod
    def read_all(cls, data: Data, header: FileHeader) -> "list[Section]":
        return [cls(*_SHDR.unpack_from(data, header.shoff + i * SHDR_SIZE)) for i in range(header.shnum)]

    def pack(self) -> bytes:
        return _SHDR.pack(*vars(self).values())

    @property
    def allocated(self) -> bool:
        return bool(self.flags & SHF_ALLOC)

    @property
    def end(self) -> int:
        """Where its contents end in the file."""
        return self.offset + (0 if self.type in (0, SHT_NOBITS) else self.size)


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

"""Splitting what a linker wrote: a stripped file to ship, and a file with DWARF and symbols for debuggers.

Both have the same build-id, which is computed of the shipped contents alone, so that a change of line numbers
changes no shipped file; and the shipped one names the other in .gnu_debuglink, with its CRC ("Separate Debug
Files", GDB manual), which is therefore made to follow from the shipped contents too. Section numbers
stay, because dynamic symbols refer to them.
"""

import hashlib
import struct
import zlib
from dataclasses import replace
from pathlib import Path

from ambilink.elf.layout import (
    EHDR_SIZE,
    PHDR_SIZE,
    SHDR_SIZE,
    SHT_NOBITS,
    SHT_NOTE,
    SHT_PROGBITS,
    SHT_STRTAB,
    SHT_SYMTAB,
    FileHeader,
    ProgramHeader,
    Section,
    Strings,
    pad,
)
from ambilink.errors import AmbilinkError

PT_NULL, PT_NOTE, PT_PHDR = 0, 4, 6
NT_GNU_BUILD_ID = 3


def split(data: bytes, path: Path, debug_name: str, *, keep_symbols: bool = False) -> tuple[bytes, bytes]:
    """The shipped file and the debug file of a linked one; `path` is what messages call it.

    `keep_symbols`: the shipped one keeps .symtab, which others than debuggers read in a kernel."""
    header = FileHeader.read(data)
    sections = Section.read_all(data, header)
    shipped_count = max((i for i, each in enumerate(sections) if each.allocated), default=0) + 1
    end = max([EHDR_SIZE + header.phnum * PHDR_SIZE, *(each.end for each in sections if each.allocated)])
    others = [each for each in sections[1:] if not each.allocated and each.type != 0]
    if any(each.offset < end and each.size for each in others) or any(
        not each.allocated for each in sections[1:shipped_count]
    ):
        raise AmbilinkError(path, "debug sections lie between those that are loaded", "change the linker script")
    data = _with_build_id(bytearray(data), sections, end)
    crc = zlib.crc32(data[EHDR_SIZE:end])
    debug = with_crc(_debug_file(data, header, sections), crc)
    more = [number for number, each in enumerate(sections) if each.type == SHT_SYMTAB] if keep_symbols else []
    numbers = [*range(shipped_count), *more, *(sections[number].link for number in more)]
    link = debug_name.encode() + b"\0"
    link += bytes(-len(link) % 4) + struct.pack("<I", crc)
    return _shipped_file(data, header, sections, numbers, end, link), debug


def with_crc(data: bytes, wanted: int) -> bytes:
    """The data and four bytes more, so that the CRC-32 of all is the one wanted.

    So the shipped file, which holds the CRC of the debug file, does not change with it. The register of a CRC can be
    run backwards, because the top byte of an entry of its table tells which entry it is.
    """
    table = [zlib.crc32(bytes([byte]), 0xFFFFFFFF) ^ 0xFFFFFFFF for byte in range(256)]
    entry_of_top = {entry >> 24: (number, entry) for number, entry in enumerate(table)}
    register, numbers = wanted ^ 0xFFFFFFFF, []
    for _ in range(4):
        number, entry = entry_of_top[register >> 24]
        numbers.append(number)
        register = ((register ^ entry) << 8) & 0xFFFFFFFF
    register, more = zlib.crc32(data) ^ 0xFFFFFFFF, []
    for number in reversed(numbers):
        more.append(number ^ register & 0xFF)
        register = register >> 8 ^ table[number]
    return data + bytes(more)


def build_id(data: bytes) -> bytes | None:
    """Of an ELF file with section headers."""
    at = _build_id_at(data, Section.read_all(data, FileHeader.read(data)))
    return data[at : at + 20] if at is not None else None


def _build_id_at(data: bytes | bytearray, sections: list[Section]) -> int | None:
    for section in sections:
        if section.type == SHT_NOTE and section.size >= 36:
            name_size, size, kind, name = struct.unpack_from("<III4s", data, section.offset)
            if (name_size, size, kind, name) == (4, 20, NT_GNU_BUILD_ID, b"GNU\0"):
                return section.offset + 16
    return None


def _with_build_id(data: bytearray, sections: list[Section], end: int) -> bytes:
    at = _build_id_at(data, sections)
    if at is not None:
        data[at : at + 20] = bytes(20)
        # Where the section headers of the whole file lie is no part of what is shipped.
        data[at : at + 20] = hashlib.sha1(data[:40] + bytes(8) + data[48:58] + bytes(6) + data[64:end]).digest()
    return bytes(data)


def _name(data: bytes, header: FileHeader, section: Section, sections: list[Section]) -> str:
    start = sections[header.shstrndx].offset + section.name
    return data[start : data.index(b"\0", start)].decode()


def _shipped_file(
    data: bytes,
    header: FileHeader,
    sections: list[Section],
    numbers: list[int],
    end: int,
    link: bytes,
) -> bytes:
    """The first `end` bytes, with the sections of these numbers; `link` is what .gnu_debuglink holds."""
    names, out, kept = Strings(), bytearray(data[:end]), []
    for number in numbers:
        section = replace(sections[number], name=names.add(_name(data, header, sections[number], sections)))
        if section.type == SHT_SYMTAB:
            section.link = numbers.index(section.link)
        if section.end > end:
            section.offset = pad(out, section.addralign)
            out += data[sections[number].offset : sections[number].end]
        kept.append(section)
    at = pad(out, 4)
    out += link
    kept.append(Section(names.add(".gnu_debuglink"), SHT_PROGBITS, 0, 0, at, len(link), 0, 0, 4, 0))
    own_name = names.add(".shstrtab")
    kept.append(Section(own_name, SHT_STRTAB, 0, 0, len(out), len(names.data), 0, 0, 1, 0))
    out += names.data
    shoff = pad(out, 8)
    out += b"".join(each.pack() for each in kept)
    out[:EHDR_SIZE] = replace(header, shoff=shoff, shnum=len(kept), shstrndx=len(kept) - 1).pack()
    return bytes(out)


def _debug_file(data: bytes, header: FileHeader, sections: list[Section]) -> bytes:
    segments = ProgramHeader.read_all(data, header)
    out = bytearray(EHDR_SIZE + PHDR_SIZE * len(segments))
    kept = []
    for section in sections:
        # As objcopy --only-keep-debug: of what is loaded only the notes, to be recognized by.
        if section.type != 0 and section.allocated and section.type != SHT_NOTE:
            kept.append(replace(section, type=SHT_NOBITS, offset=len(out)))
        elif section.type in (0, SHT_NOBITS):
            kept.append(section)
        else:
            at = pad(out, section.addralign)
            out += data[section.offset : section.end]
            kept.append(replace(section, offset=at))
    for number, segment in enumerate(segments):
        note = next((new for old, new in zip(sections, kept, strict=True) if old.offset == segment.offset), None)
        if segment.type == PT_NOTE and note is not None and note.type == SHT_NOTE:
            segment = replace(segment, offset=note.offset)
        else:
            kind = PT_NULL if segment.type == PT_PHDR else segment.type  # no segment that is loaded holds it
            segment = replace(segment, type=kind, offset=EHDR_SIZE, filesz=0)
        start = EHDR_SIZE + number * PHDR_SIZE
        out[start : start + PHDR_SIZE] = segment.pack()
    shoff = pad(out, 8)
    out += b"".join(each.pack() for each in kept)
    out[:EHDR_SIZE] = replace(header, phoff=EHDR_SIZE, shoff=shoff).pack()
    assert len(out) == shoff + SHDR_SIZE * len(kept)
    return bytes(out)

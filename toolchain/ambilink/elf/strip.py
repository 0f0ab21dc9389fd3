"""Stripping what a linker wrote: a stripped file to ship, and a separate debug file with DWARF and symbols.

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

from ambilink.elf.file import ElfFile
from ambilink.elf.layout import (
    EHDR,
    PHDR,
    PT_LOAD,
    PT_NOTE,
    PT_NULL,
    PT_PHDR,
    SHDR,
    SHT_DYNAMIC,
    SHT_NOBITS,
    SHT_NOTE,
    SHT_NULL,
    SHT_PROGBITS,
    SHT_RELA,
    SHT_STRTAB,
    SHT_SYMTAB,
    Section,
    Strings,
    pad,
)

ALIGN_MAX = 1 << 16  # of what is moved: no debug section asks for more
BUILD_ID_SIZE = 20


def strip(
    data: bytes, path: Path, debug_name: str, *, keep_symbols: bool = False, section_headers: bool = True
) -> tuple[bytes, bytes]:
    """The shipped file and the debug file of a linked one; `path` is what messages call it.

    `keep_symbols`: the shipped one keeps .symtab, which others than debuggers read in a kernel. Without
    `section_headers` it ends with what is loaded, and names no debug file."""
    file = ElfFile(path, data)
    header, sections = file.header, file.sections
    if not sections:
        raise file.refuse("has no section headers to strip by", "leave them in what is linked")
    shipped_count = max((i for i, each in enumerate(sections) if each.allocated), default=0) + 1
    # GNU ld lets .bss begin, in name, behind sections that follow it in the file.
    filled = (each.end for each in sections if each.allocated and each.type != SHT_NOBITS)
    end = max(EHDR.size, header.phoff + header.phnum * PHDR.size, *filled)
    end = max([end, *(each.offset + each.file_size for each in file.loads)])  # lld fills the last page of code
    others = [each for each in sections[1:] if not each.allocated and each.type != SHT_NULL]
    if any(each.offset < end and each.size for each in others) or any(
        not each.allocated for each in sections[1:shipped_count]
    ):
        raise file.refuse("debug sections lie between those that are loaded", "change the linker script")
    if any(each.addralign > ALIGN_MAX for each in sections if not each.allocated or each.type == SHT_NOTE):
        raise file.refuse(f"has a section to move that is aligned to more than {ALIGN_MAX:,} bytes")
    shipped, places = _shipped_contents(file, end)
    loaded = _with_build_id(file, shipped)
    crc = zlib.crc32(memoryview(loaded)[EHDR.size :])
    debug = with_crc(_debug_file(file, loaded), crc)
    if not section_headers:
        header = replace(header, shoff=0, shentsize=0, shnum=0, shstrndx=0)
        return header.pack() + loaded[EHDR.size :], debug
    more = [number for number, each in enumerate(sections) if each.type == SHT_SYMTAB] if keep_symbols else []
    numbers = list(dict.fromkeys([*range(shipped_count), *places, *more]))
    numbers += [sections[number].link for number in more if sections[number].link not in numbers]
    link = debug_name.encode() + b"\0"
    link += bytes(-len(link) % 4) + struct.pack("<I", crc)
    return _shipped_file(file, numbers, loaded, places, link), debug


def with_crc(data: bytes, wanted: int) -> bytes:
    """The data and four bytes more, so that the CRC-32 of all is the one wanted.

    So the shipped file, which holds the CRC of the debug file, does not change with it. The register of a CRC can be
    run backwards, because the top byte of an entry of its table identifies it.
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


def _shipped_contents(file: ElfFile, end: int) -> tuple[bytearray, dict[int, int]]:
    """What is loaded, and behind it what else program headers lead to (RISC-V's attributes), with the new offsets of
    its sections by number."""
    data, places = bytearray(file.data[:end]), {}
    for number, segment in enumerate(file.segments):
        if segment.type in (PT_LOAD, PT_NULL) or not segment.file_size or segment.offset < end:
            continue
        contents = file.contents(segment, "a segment that is not loaded")
        if len(data) + len(contents) > 2 * len(file.data):
            raise file.refuse("has segments that are not loaded and lie over each other", "link it anew")
        at = pad(data, min(max(1, segment.align), ALIGN_MAX))
        data += contents
        for index, section in enumerate(file.sections):
            if (
                not section.allocated
                and section.size
                and segment.offset <= section.offset < section.end <= (segment.offset + segment.file_size)
            ):
                places[index] = at + section.offset - segment.offset
        where = file.header.phoff + number * PHDR.size
        data[where : where + PHDR.size] = replace(segment, offset=at).pack()
    return data, places


def _with_build_id(file: ElfFile, contents: bytearray) -> bytes:
    """What is shipped, with its build-id."""
    place, data, end = file.build_id_place, bytearray(contents), len(contents)
    if place is not None and place[1] - place[0] == BUILD_ID_SIZE and place[1] <= end:
        data[slice(*place)] = bytes(BUILD_ID_SIZE)
        # Where the section headers of the whole file lie is no part of what is shipped.
        data[slice(*place)] = hashlib.sha1(data[:40] + bytes(8) + data[48:58] + bytes(6) + data[64:end]).digest()
    return bytes(data)


def _shipped_file(file: ElfFile, numbers: list[int], loaded: bytes, places: dict[int, int], link: bytes) -> bytes:
    """What is loaded, with the sections of these numbers; `places` has offsets of those that were moved, `link` is
    what .gnu_debuglink holds."""
    names, out, kept = Strings(), bytearray(loaded), []
    dynamic = any(each.type == SHT_DYNAMIC for each in file.sections)
    for number in numbers:
        if number >= len(file.sections):
            raise file.refuse(f"has a symbol table whose strings are section {number}, and no such section")
        section = replace(file.sections[number], name=names.add(file.section_names[number]))
        if section.type == SHT_SYMTAB:
            section.link = numbers.index(section.link)
        if section.type == SHT_RELA and not section.size and not dynamic:
            # GNU ld leaves it in a kernel whose relocations are all packed, and GRUB refuses kernels that have one.
            section = replace(section, type=SHT_PROGBITS, link=0, info=0, entsize=0)
        if number in places:
            section.offset = places[number]
        elif section.end > len(loaded):
            section.offset = pad(out, section.addralign)
            out += file.section_contents(file.sections[number])
        kept.append(section)
    at = pad(out, 4)
    out += link
    kept.append(Section(names.add(".gnu_debuglink"), SHT_PROGBITS, 0, 0, at, len(link), 0, 0, 4, 0))
    own_name = names.add(".shstrtab")
    kept.append(Section(own_name, SHT_STRTAB, 0, 0, len(out), len(names.data), 0, 0, 1, 0))
    out += names.data
    shoff = pad(out, 8)
    out += b"".join(each.pack() for each in kept)
    file.check_can_grow(len(kept), 0)
    out[: EHDR.size] = replace(file.header, shoff=shoff, shnum=len(kept), shstrndx=len(kept) - 1).pack()
    return bytes(out)


def _debug_file(file: ElfFile, loaded: bytes) -> bytes:
    out = bytearray(EHDR.size + PHDR.size * len(file.segments))
    kept: list[Section] = []
    notes: dict[int, int] = {}  # new offsets by old ones
    for section in file.sections:
        # As objcopy --only-keep-debug: of what is loaded only the notes, to be recognized by.
        if section.type != SHT_NULL and section.allocated and section.type != SHT_NOTE:
            kept.append(replace(section, type=SHT_NOBITS, offset=len(out)))
        elif section.type in (SHT_NULL, SHT_NOBITS):
            kept.append(section)
        else:
            at = pad(out, section.addralign)
            out += loaded[section.offset : section.end] if section.allocated else file.section_contents(section)
            kept.append(replace(section, offset=at))
            if section.type == SHT_NOTE:
                notes.setdefault(section.offset, at)
    for number, segment in enumerate(file.segments):
        if segment.type == PT_NOTE and segment.offset in notes:
            segment = replace(segment, offset=notes[segment.offset])
        else:
            kind = PT_NULL if segment.type == PT_PHDR else segment.type  # no segment that is loaded holds it
            segment = replace(segment, type=kind, offset=EHDR.size, file_size=0)
        start = EHDR.size + number * PHDR.size
        out[start : start + PHDR.size] = segment.pack()
    shoff = pad(out, 8)
    out += b"".join(each.pack() for each in kept)
    out[: EHDR.size] = replace(file.header, phoff=EHDR.size, shoff=shoff).pack()
    assert len(out) == shoff + SHDR.size * len(kept)
    return bytes(out)

"""Small changes of linked files for which linkers have no options."""

from collections.abc import Mapping
from pathlib import Path

from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.file import ElfFile
from ambilink.elf.layout import DT_NEEDED, DT_NULL, DYN, PHDR, PT_INTERP, PT_NULL, SHDR


def without_needed(data: bytes, path: Path, soname: str) -> bytes:
    """The file without a DT_NEEDED; `path` is what messages call it. The entries behind it move up."""
    file = DynamicFile(path, data)
    if not file.dynamic_address:
        return data
    out = bytearray(data)
    at = file.place_of(file.dynamic_address, DYN.size, "PT_DYNAMIC")
    kept, read = at, at
    while True:
        tag, value = DYN.unpack_from(data, read)
        read += DYN.size
        if tag == DT_NEEDED and file.string(value) == soname.encode():
            continue
        DYN.pack_into(out, kept, tag, value)
        kept += DYN.size
        if tag == DT_NULL:
            break
    for rest in range(kept, read, DYN.size):
        DYN.pack_into(out, rest, DT_NULL, 0)
    return bytes(out)


def without_interpreter(data: bytes, path: Path) -> bytes:
    """The file without a PT_INTERP: GNU ld gives one to dynamic programs that ask for none."""
    file, out = ElfFile(path, data), bytearray(data)
    for number, segment in enumerate(file.segments):
        if segment.type == PT_INTERP:
            segment.type = PT_NULL
            start = file.header.phoff + number * PHDR.size
            out[start : start + PHDR.size] = segment.pack()
    return bytes(out)


def with_section_names(data: bytes, path: Path, names: Mapping[str, str]) -> bytes:
    """A relocatable object with other names for some of its sections. Their strings move to its end."""
    file = ElfFile(path, data)
    strings = bytearray(file.section_contents(file.sections[file.section_names_index]))
    sections = list(file.sections)
    for section, name in zip(sections, file.section_names, strict=True):
        if name in names:
            section.name = len(strings)
            strings += names[name].encode() + b"\0"
    table = sections[file.section_names_index]
    table.offset, table.size = len(data), len(strings)
    out = bytearray(data) + strings
    for number, section in enumerate(sections):
        start = file.header.shoff + number * SHDR.size
        out[start : start + SHDR.size] = section.pack()
    return bytes(out)

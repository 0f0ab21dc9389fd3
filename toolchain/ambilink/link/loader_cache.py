"""glibc's cache of libraries, /etc/ld.so.cache, which ldconfig(8) writes: where a name's file lies."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = b"glibc-ld.so.cache1.1"
HEADER = struct.Struct("<20sIIB3xI12x")  # magic, entries, bytes of strings, flags, offset of the extensions
ENTRY = struct.Struct("<iIIIQ")  # flags, name, path, operating system, hardware
EXTENSIONS = struct.Struct("<II")  # magic, count
SECTION = struct.Struct("<IIII")  # tag, flags, offset, size
EXTENSIONS_MAGIC, SUBFOLDERS_TAG = 0xEAA42174, 1
# Of an entry's flags: any ELF file; libraries of glibc for 64 bits of a machine.
ANY = 1
GLIBC = {"x86_64": 0x0303, "aarch64": 0x0A03, "riscv64": 0x1003}
# Of an entry's hardware: bit 62 alone, but for the level of the instruction set, says that the low half is the number
# of a subfolder of glibc-hwcaps; else bits ask for what older versions knew.
SUBFOLDER, LEVEL_MASK = 1 << 30, (1 << 10) - 1
OLD_HARDWARE = {"x86_64": 1 << 1 | 1 << 63}


@dataclass(frozen=True)
class Entry:
    flags: int
    path: str
    subfolder: str | None  # of glibc-hwcaps; None: for any processor
    hardware: int  # that an entry of older versions asks for


@dataclass(frozen=True)
class LoaderCache:
    entries: Mapping[str, list[Entry]] = field(default_factory=dict)

    def find(self, name: str, machine: str, subfolders: list[str]) -> str | None:
        """`subfolders`: those of glibc-hwcaps that the processor can use, the best one first."""
        wanted = GLIBC.get(machine)
        usable = [each for each in self.entries.get(name, []) if each.flags in (ANY, wanted)]
        ranked = [each for each in usable if each.subfolder in subfolders]
        if ranked:
            return min(ranked, key=lambda each: subfolders.index(str(each.subfolder))).path
        others = ~OLD_HARDWARE.get(machine, 0)
        plain = [each for each in usable if each.subfolder is None and not each.hardware & others]
        exact = [each for each in plain if each.flags == wanted]
        return (exact or plain[-1:])[0].path if plain else None


def read(path: Path) -> LoaderCache | None:
    """None: there is none, or a damaged one, which glibc passes over too."""
    try:
        data = path.read_bytes()
        start = data.find(MAGIC)  # one of the older form may come first
        return _parse(data[start:]) if start >= 0 else None
    except (OSError, struct.error, ValueError):
        return None


def _parse(data: bytes) -> LoaderCache:
    _, count, _, _, extensions = HEADER.unpack_from(data)

    def text(offset: int) -> str:
        return data[offset : data.index(b"\0", offset)].decode("utf-8", "surrogateescape")

    names = [text(offset) for offset in _subfolders(data, extensions)] if extensions else []
    entries: dict[str, list[Entry]] = {}
    for number in range(count):
        flags, key, value, _, hardware = ENTRY.unpack_from(data, HEADER.size + ENTRY.size * number)
        subfolder = None
        if (hardware >> 32) & ~LEVEL_MASK == SUBFOLDER:
            index, hardware = hardware & 0xFFFFFFFF, 0
            subfolder = names[index] if index < len(names) else ""  # "" is no processor's
        entries.setdefault(text(key), []).append(Entry(flags, text(value), subfolder, hardware))
    return LoaderCache(entries)


def _subfolders(data: bytes, at: int) -> list[int]:
    magic, count = EXTENSIONS.unpack_from(data, at)
    for number in range(count if magic == EXTENSIONS_MAGIC else 0):
        tag, _, offset, size = SECTION.unpack_from(data, at + EXTENSIONS.size + SECTION.size * number)
        if tag == SUBFOLDERS_TAG:
            return [value for (value,) in struct.iter_unpack("<I", data[offset : offset + size // 4 * 4])]
    return []

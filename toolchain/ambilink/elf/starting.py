"""Objects that start by themselves: nothing refers to their constructors, destructors or members of linker sets."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ambilink.elf.edit import with_section_names
from ambilink.elf.file import ElfError, ElfFile
from ambilink.elf.layout import SHN_UNDEF, STB_GLOBAL, STB_LOCAL, Data

ARRAYS = re.compile(r"\.(init|fini)_array(?:\.(\d+))?")
OLD_ARRAYS = re.compile(r"\.[cd]tors(?:\.\d+)?")
HINT = re.compile(rb"\.(?:init|fini)_array|\.[cd]tors")  # a file without this has none
_SETS = re.compile(rb"\0__(?:start|stop)_([A-Za-z_]\w*)\0")
LAST = 65535  # the priority of what has none


@dataclass(frozen=True)
class Object:
    """A relocatable object of an archive, or a file."""

    name: str
    data: Data

    def sections(self) -> list[str]:
        """Names of those that have contents; none where the linker would read it as something else."""
        try:
            file = ElfFile(Path(self.name), self.data)
            named = zip(file.section_names, file.sections, strict=True)
            return [name for name, section in named if section.size]
        except ElfError:
            return []

    def symbols(self) -> tuple[set[bytes], set[bytes]]:
        """Those that it defines for others, and those that it needs."""
        defined, undefined = set(), set()
        try:
            file = ElfFile(Path(self.name), self.data)
            for table in file.symbol_tables():
                for symbol in file.symbols_of(table):
                    if symbol.section != SHN_UNDEF and symbol.binding != STB_LOCAL:
                        defined.add(symbol.name)
                    elif symbol.section == SHN_UNDEF and symbol.binding == STB_GLOBAL:
                        undefined.add(symbol.name)
        except ElfError:
            return set(), set()
        return defined, undefined - defined

    def strong_symbols(self) -> set[bytes]:
        """Those that no other object of a link may define."""
        try:
            file = ElfFile(Path(self.name), self.data)
            symbols = (symbol for table in file.symbol_tables() for symbol in file.symbols_of(table))
            return {each.name for each in symbols if each.section != SHN_UNDEF and each.binding == STB_GLOBAL}
        except ElfError:
            return set()

    def priorities(self) -> list[int]:
        return [int(match[2] or LAST) for name in self.sections() if (match := ARRAYS.fullmatch(name))]

    def with_rank(self, places: dict[tuple[int, int], int], rank: int) -> "Object":
        """Its arrays sorted among those of others by rank, then by priority."""
        names = {}
        for name in self.sections():
            match = ARRAYS.fullmatch(name)
            if match:
                names[name] = f".{match[1]}_array.{places[rank, int(match[2] or LAST)]:05}"
        return replace(self, data=with_section_names(bytes(self.data), Path(self.name), names)) if names else self


def set_names(data: Data) -> set[str]:
    """Linker sets that code in an object or an archive walks."""
    if data.find(b"\0__start_") < 0 and data.find(b"\0__stop_") < 0:
        return set()
    return {name.decode() for name in _SETS.findall(data)}


def starts(each: Object, sets: Iterable[str]) -> bool:
    wanted = set(sets)
    return any(ARRAYS.fullmatch(name) or OLD_ARRAYS.fullmatch(name) or name in wanted for name in each.sections())


def places(ranks: Iterable[tuple[int, Object]]) -> dict[tuple[int, int], int]:
    """Priorities that sort by rank first: of (rank, priority). Nothing where no object has a priority."""
    found = {(rank, priority) for rank, each in ranks for priority in each.priorities()}
    if all(priority == LAST for _, priority in found):
        return {}
    return {place: number for number, place in enumerate(sorted(found), 1)}

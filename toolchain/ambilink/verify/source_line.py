"""Source lines of addresses, by the DWARF of a file, which pyelftools reads."""

import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.dwarf.ranges import BaseAddressEntry, RangeLists
from elftools.elf.elffile import ELFFile


@lru_cache(maxsize=16)
def _dwarf(path: Path) -> DWARFInfo | None:
    with path.open("rb") as stream:
        elf = ELFFile(io.BytesIO(stream.read()))
    return elf.get_dwarf_info() if elf.has_dwarf_info() else None


@lru_cache(maxsize=256)
def source_line(path: Path, address: int) -> str | None:
    """`file:line` of an address (p_vaddr); None where the file does not say, or is damaged."""
    try:
        return _find(path, address)
    except Exception:  # pyelftools has no common error: KeyError, AssertionError, its own and many more
        return None


def _find(path: Path, address: int) -> str | None:
    dwarf = _dwarf(path)
    if dwarf is None:
        return None
    ranges = dwarf.range_lists()
    for unit in dwarf.iter_CUs():
        if any(low <= address < high for low, high in unit_ranges(unit.get_top_DIE(), ranges)):
            return _line_in(dwarf, unit, address)
    return None


def unit_ranges(top: DIE, lists: RangeLists | None) -> Iterator[tuple[int, int]]:
    attributes = top.attributes
    low = attributes["DW_AT_low_pc"].value if "DW_AT_low_pc" in attributes else 0
    if "DW_AT_ranges" in attributes and lists is not None:
        for entry in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value):
            if isinstance(entry, BaseAddressEntry):
                low = entry.base_address
            else:
                yield low + entry.begin_offset, low + entry.end_offset
    elif "DW_AT_high_pc" in attributes:
        high = attributes["DW_AT_high_pc"]
        yield low, high.value + (0 if high.form == "DW_FORM_addr" else low)


def _line_in(dwarf: DWARFInfo, unit: CompileUnit, address: int) -> str | None:
    program = dwarf.line_program_for_CU(unit)
    before = None
    for entry in program.get_entries() if program else ():
        state = entry.state
        if state is None:
            continue
        if before is not None and before.address <= address < state.address:
            file = program["file_entry"][before.file - 1]
            folder = program["include_directory"][file.dir_index - 1].decode() + "/" if file.dir_index else ""
            return f"{folder}{file.name.decode()}:{before.line}"
        before = None if state.end_sequence else state
    return None

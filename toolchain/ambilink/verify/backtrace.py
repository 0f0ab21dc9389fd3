"""Turning the addresses of a fault report into file, symbol and offset."""

import io
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.dwarf.ranges import BaseAddressEntry, RangeLists
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ambilink.elf.split import build_id
from ambilink.verify.modules import Module
from ambilink.verify.system import SystemReport

FAULT = re.compile(r"kernel: fault in (\S+) \(process (\d+)\): (.*)")
BACKTRACE = re.compile(r"kernel:   backtrace((?: 0x[0-9a-f]+)+)")


def symbol_file(path: Path) -> Path:
    """Where a shipped file's symbols are: in the debug file beside it, if it has the same build-id."""
    debug = path.with_name(path.name + ".debug")
    try:
        wanted = build_id(path.read_bytes())
        return debug if wanted is not None and build_id(debug.read_bytes()) == wanted else path
    except OSError:
        return path


@lru_cache(maxsize=16)
def _dwarf(path: Path) -> DWARFInfo | None:
    with path.open("rb") as stream:
        elf = ELFFile(io.BytesIO(stream.read()))
    return elf.get_dwarf_info() if elf.has_dwarf_info() else None


@lru_cache(maxsize=256)
def source_line(path: Path, address: int) -> str | None:
    """`file:line` of an address (p_vaddr), by the DWARF of a file."""
    dwarf = _dwarf(path)
    if dwarf is None:
        return None
    ranges = dwarf.range_lists()
    for unit in dwarf.iter_CUs():
        if any(low <= address < high for low, high in _unit_ranges(unit.get_top_DIE(), ranges)):
            return _line_in(dwarf, unit, address)
    return None


def _unit_ranges(top: DIE, lists: RangeLists | None) -> Iterator[tuple[int, int]]:
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


@lru_cache(maxsize=64)
def _functions(path: Path) -> list[tuple[int, int, str]]:
    """Address, size and name of each function, ascending; from .symtab, else from .dynsym."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        for name in (".symtab", ".dynsym"):
            section = elf.get_section_by_name(name)
            if isinstance(section, SymbolTableSection):
                return sorted(
                    (symbol["st_value"], symbol["st_size"], symbol.name)
                    for symbol in section.iter_symbols()
                    if symbol["st_info"]["type"] in ("STT_FUNC", "STT_NOTYPE") and symbol["st_value"] and symbol.name
                )
    return []


def function_at(path: Path, offset: int) -> tuple[int, str] | None:
    """Start and name of the function around a p_vaddr of a file, by the symbols that belong to it."""
    path = symbol_file(path)
    functions = _functions(path) if path.is_file() else []
    at = bisect_right(functions, (offset, 1 << 64, "")) - 1
    if at >= 0 and offset < functions[at][0] + max(functions[at][1], 1):
        return functions[at][0], functions[at][2]
    return None


def describe_address(address: int, modules: list[Module], root: Path) -> str:
    """`root` is the build folder, where the files lie with their symbols."""
    for module in modules:
        if not module.base <= address < module.end:
            continue
        offset = address - module.base
        if function := function_at(root / module.file.name, offset):
            line = source_line(symbol_file(root / module.file.name), offset)
            where = f" ({line})" if line else ""
            return f"{module.file.name}: {function[1]}+{offset - function[0]:#x}{where}"
        return f"{module.file.name}+{offset:#x}"
    return "in no file of the image"


def explain_faults(console: list[str], report: SystemReport, root: Path) -> list[str]:
    """One paragraph of lines for each fault that the console reports."""
    modules = {view.process.number: view.modules for view in report.processes}
    lines: list[str] = []
    number = 0
    for text in console:
        if fault := FAULT.match(text):
            number = int(fault[2])
            lines.append(f"fault in {fault[1]} (process {number}): {fault[3]}")
        elif (trace := BACKTRACE.match(text)) and number:
            for depth, word in enumerate(trace[1].split()):
                address = int(word, 16)
                # A return address belongs to the call before it.
                where = describe_address(address - (1 if depth else 0), modules.get(number, []), root)
                lines.append(f"  #{depth} {address:#018x} {where}")
    return lines

"""Turning the addresses of a fault report into file, symbol and offset."""

import re
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ambilink.verify.system import Module, SystemReport

FAULT = re.compile(r"kernel: fault in (\S+) \(process (\d+)\): (.*)")
BACKTRACE = re.compile(r"kernel:   backtrace((?: 0x[0-9a-f]+)+)")


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


def describe_address(address: int, modules: list[Module], root: Path) -> str:
    """`root` is the build folder, where the files lie with their symbols."""
    for module in modules:
        if not module.base <= address < module.end:
            continue
        offset = address - module.base
        path = root / module.file.name
        functions = _functions(path) if path.is_file() else []
        at = bisect_right(functions, (offset, 1 << 64, "")) - 1
        if at >= 0 and offset < functions[at][0] + max(functions[at][1], 1):
            return f"{module.file.name}: {functions[at][2]}+{offset - functions[at][0]:#x}"
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

"""Turning the addresses of a fault report into file, symbol and offset."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.file import ElfFile
from ambilink.elf.layout import SHT_DYNSYM, SHT_SYMTAB, STT_FUNC, STT_NOTYPE, Symbol
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular
from ambilink.verify.modules import MappedModule
from ambilink.verify.system import SystemReport

KERNEL = "kernel"  # in the build folder
FAULT = re.compile(r"kernel: fault in (\S+) \(process (\d+)\): (.*)")
KERNEL_PLACE = re.compile(r"kernel:   0x([0-9a-f]+)-0x[0-9a-f]+ kernel\+0x([0-9a-f]+)")
BACKTRACE = re.compile(r"kernel:   backtrace((?: 0x[0-9a-f]+)+)")


@lru_cache(maxsize=64)
def symbol_file(path: Path) -> Path:
    """Where a shipped file's symbols are: in the debug file beside it, if it has the same build-id, or where there is
    none, as in kernels, the checksum that .gnu_debuglink gives."""
    debug = path.with_name(path.name + ".debug")
    try:
        shipped = ElfFile.open(path)
        wanted = shipped.build_id
        if wanted is not None:
            return debug if ElfFile.open(debug).build_id == wanted else path
        return debug if _debug_checksum(shipped) == crc32(read_regular(debug)) else path
    except AmbilinkError:
        return path


def _debug_checksum(elf: ElfFile) -> int | None:
    for section, name in zip(elf.sections, elf.section_names, strict=True):
        if name == ".gnu_debuglink":
            return int.from_bytes(elf.section_contents(section)[-4:], "little")
    return None


@lru_cache(maxsize=64)
def _functions(path: Path) -> list[tuple[int, int, str]]:
    """Address, size and name of each function, ascending; from .symtab, else from .dynsym. A damaged file has none."""
    try:
        return sorted(
            (symbol.value, symbol.size, symbol.name.decode("utf-8", "backslashreplace"))
            for symbol in _symbols(path)
            if symbol.type in (STT_FUNC, STT_NOTYPE) and symbol.value and symbol.name
        )
    except AmbilinkError:
        return []


def function_names(path: Path) -> set[str]:
    return {name for _, _, name in _functions(path)}


def _symbols(path: Path) -> Iterator[Symbol]:
    elf = ElfFile.open(path)
    for table in elf.symbol_tables(SHT_SYMTAB) or elf.symbol_tables(SHT_DYNSYM):
        yield from elf.symbols_of(table)
    if not elf.sections:  # as the files of an image are
        dynamic = DynamicFile.open(path)
        yield from dynamic.symbols(dynamic.hashed)


def function_at(path: Path, offset: int) -> tuple[int, str] | None:
    """Start and name of the function around a p_vaddr of a file, by the symbols that belong to it."""
    path = symbol_file(path)
    functions = _functions(path) if path.is_file() else []
    at = bisect_right(functions, (offset, 1 << 64, "")) - 1
    if at >= 0 and offset < functions[at][0] + max(functions[at][1], 1):
        return functions[at][0], functions[at][2]
    return None


def describe_in_file(name: str, path: Path, address: int) -> str | None:
    """Function and line around a p_vaddr; None where no function has it. `name` is what the file is called."""
    function = function_at(path, address)
    if function is None:
        return None
    from ambilink.verify.source_line import source_line  # reads DWARF by pyelftools, which takes long to import

    line = source_line(symbol_file(path), address)
    where = f" ({line})" if line else ""
    return f"{name}: {function[1]}+{address - function[0]:#x}{where}"


def describe_address(address: int, modules: list[MappedModule], root: Path) -> str:
    """`root` is the build folder, where the files lie with their symbols."""
    for module in modules:
        if not module.base <= address < module.end:
            continue
        offset = address - module.base
        described = describe_in_file(module.file.name, root / module.file.name, offset)
        return described or f"{module.file.name}+{offset:#x}"
    return "in no file of the image"


def find_kernel_address(address: int, files: Sequence[Path], distance: int) -> str | None:
    """An address of the kernel's own code, by the first of some files that has a function there. `distance`: how far it
    moved; before that it runs where it is linked."""
    for path in files:
        for linked in dict.fromkeys((address - distance, address)):
            if described := describe_in_file("", path, linked):
                return described.removeprefix(": ")
    return None


def describe_kernel_address(address: int, files: Sequence[Path], distance: int) -> str:
    """As above, in words where no file has it."""
    return find_kernel_address(address, files, distance) or f"no function of {' or '.join(map(str, files))}"


def explain_faults(console: list[str], report: SystemReport, root: Path) -> list[str]:
    """One paragraph of lines for each fault that the console reports."""
    modules = {view.process.number: view.modules for view in report.processes}
    lines: list[str] = []
    number, moved = 0, None  # `moved`: how far the kernel did, where the fault is its own
    for text in console:
        if fault := FAULT.match(text):
            number, moved = int(fault[2]), None
            lines.append(f"fault in {fault[1]} (process {number}): {fault[3]}")
        elif place := KERNEL_PLACE.match(text):
            moved = int(place[1], 16) - int(place[2], 16)
            lines.append("fault in the kernel")
        elif (trace := BACKTRACE.match(text)) and (number or moved is not None):
            for depth, word in enumerate(trace[1].split()):
                address = int(word, 16)
                # A return address belongs to the call before it.
                at = address - (1 if depth else 0)
                if moved is None:
                    where = describe_address(at, modules.get(number, []), root)
                else:
                    where = f"kernel: {describe_kernel_address(at, [root / KERNEL], moved)}"
                lines.append(f"  #{depth} {address:#018x} {where}")
    return lines

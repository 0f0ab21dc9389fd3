"""Whether a breakpoint's function or source is in the files that it is wanted in. gdb would wait for one that never
comes."""

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from ambilink.debug.places import Place
from ambilink.elf.file import ElfFile
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular
from ambilink.verify.backtrace import function_names, symbol_file

COMPRESSED = 1 << 11  # SHF_COMPRESSED
SHOWN = 3  # names that are proposed


def check_places(places: Sequence[Place], files: Mapping[str, str | None]) -> None:
    """`files`: where the symbols of each file are, None where they are not to be had: then anything may be in it."""
    for place in places:
        wanted = _wanted(place.spec)
        looked_in = {place.file: files.get(place.file)} if place.file else files
        paths = {name: Path(path) for name, path in looked_in.items() if path is not None}
        if not wanted or not paths or len(paths) < len(looked_in):
            continue
        if any(_may_have(path, wanted) for path in paths.values()):
            continue
        what = "source" if "." in wanted else "function"
        where = f"{place.file} has" if place.file else "the image's files have"
        remedy = _remedy(paths, wanted) if what == "function" else "give a source that it was compiled of"
        raise AmbilinkError("-b", f"{where} no {what} {wanted}, for {place.text}", remedy)


def _wanted(spec: str) -> str:
    """The name that must be there: the last one of a C++ name, a source without its folders; empty where gdb may
    understand more than that."""
    source = re.fullmatch(r"([^:]*/)?([\w.+-]+\.\w+):\d+", spec)
    if source:
        return source[2]
    function = re.fullmatch(r"(?:\w+::)*([A-Za-z_]\w*)", spec)
    return function[1] if function else ""


def _may_have(path: Path, name: str) -> bool:
    """By its symbols, or by what the compiler wrote of functions that it put into others."""
    symbols = symbol_file(path)
    if name in function_names(symbols):
        return True
    if any(section.flags & COMPRESSED for section in ElfFile.open(symbols).sections):
        return True
    data = read_regular(symbols)
    return any(mark + name.encode() + b"\0" in data for mark in (b"\0", b"/")) or f"{len(name)}{name}".encode() in data


def _remedy(paths: Mapping[str, Path], wanted: str) -> str:
    names: Collection[str] = {name for path in paths.values() for name in function_names(symbol_file(path))}
    near = get_close_matches(wanted, names, SHOWN)
    return f"did you mean {' or '.join(near)}?" if near else "gdb's `info functions` lists those that are there"

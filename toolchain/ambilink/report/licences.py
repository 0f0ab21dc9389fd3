"""Which sources are linked into an image, and under which licences: by the debug information of what was linked.

The linker keeps the units of DWARF whose code it keeps, so what is listed is what is there, whatever SConscripts say.
Code of no unit, objects without debug information, and sources of which nothing is known, are listed as unknown.
"""

import io
import os
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from elftools.dwarf.compileunit import CompileUnit
from elftools.elf.constants import P_FLAGS
from elftools.elf.elffile import ELFFile

from ambilink.bootimage import container
from ambilink.compile.wheel import wheel_folder
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular
from ambilink.sources import system_folder
from ambilink.verify.source_line import unit_ranges

UNKNOWN = "unknown"
DROPPED = (1 << 64) - 2
SHOWN = 4  # names of unknown things on a line
WHEEL = "ziglang/lib/"
# By the folder in the compiler's wheel: what it is, its licence, and the file that says so.
SETS = {
    "libc/musl/": ("musl", "MIT", "libc/musl/COPYRIGHT"),
    "libcxx/": ("LLVM libc++", "Apache-2.0 WITH LLVM-exception", "libcxx/LICENSE.TXT"),
    "libcxxabi/": ("LLVM libc++abi", "Apache-2.0 WITH LLVM-exception", "libcxxabi/LICENSE.TXT"),
    "libunwind/": ("LLVM libunwind", "Apache-2.0 WITH LLVM-exception", "libunwind/LICENSE.TXT"),
    "compiler_rt": ("Zig compiler run-time", "MIT", "../LICENSE"),
}
RUNTIME = "compiler_rt"
_EXPORTED = re.compile(r'"(\w{3,})"')


@dataclass(frozen=True)
class SourceSet:
    name: str
    licence: str
    text: str = ""  # file with the licence's text, in the wheel


@dataclass
class Linked:
    """What of a source set is linked."""

    sources: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)


OURS = SourceSet("Ambilink", "MIT", "LICENSE")


def licences(path: Path, root: Path, own: Mapping[str, str]) -> dict[SourceSet, Linked]:
    """Of all files of an image, or of one ELF file. `own` gives the licences of more sources, by the start of their
    paths."""
    found: dict[SourceSet, Linked] = defaultdict(Linked)
    for name, data in _outputs(path, root):
        for source, origin in _sources(name, data, path, root, own):
            linked = found[origin]
            linked.sources.add(source)
            linked.outputs.add(name)
    for start in own:
        if start.rstrip("/") not in {origin.name for origin in found}:
            raise AmbilinkError(path, f"has no source of its own whose path begins with {start}", "correct --own")
    return dict(sorted(found.items(), key=lambda item: (item[0].licence == UNKNOWN, item[0].name)))


def _outputs(path: Path, root: Path) -> Iterator[tuple[str, bytes]]:
    try:
        image = container.read(path)
    except AmbilinkError:
        data = read_regular(path)
        if data[:4] != b"\x7fELF":
            raise
        yield path.name, data
        return
    kernel = root / "kernel"
    yield "kernel", read_regular(kernel, "give the build folder by --root")
    for file in image.archive.files:
        yield file.name, bytes(image.archive.contents(file))


def _sources(
    name: str, data: bytes, path: Path, root: Path, own: Mapping[str, str]
) -> Iterator[tuple[str, SourceSet]]:
    if data[:4] != b"\x7fELF":
        yield name, SourceSet("data", UNKNOWN)
        return
    try:
        wanted, has_code = _build_id(data), _has_code(data)
    except Exception as error:  # pyelftools has no common error
        raise AmbilinkError(path, f"{name} is a damaged ELF file ({error})", "build it again") from error
    debug = _debug_file(name, wanted, path, root)
    if debug is None and not has_code:
        return  # the tool's own: names with addresses
    if debug is None:
        yield f"{name} (no debug information)", SourceSet(UNKNOWN, UNKNOWN)
        return
    try:
        units, functions = _units(debug)
    except Exception as error:
        raise AmbilinkError(debug, f"has damaged debug information ({error})", "build it again") from error
    for unit in units:
        yield unit, _origin(unit, own)
    for function in functions:
        if function in _runtime_names():
            yield function, SourceSet(*SETS[RUNTIME])
        else:
            yield f"{function}() (no debug information)", SourceSet(UNKNOWN, UNKNOWN)


def _debug_file(name: str, wanted: str | None, path: Path, root: Path) -> Path | None:
    """The file with the same build-id that has DWARF: itself, or beside it, or anywhere in the build folder."""
    base = os.path.basename(name)
    near = [path, path.with_name(f"{path.name}.debug"), root / name, root / f"{name}.debug"]
    for candidate in [*near, *sorted(root.rglob(f"{base}.debug"))]:
        if candidate.is_file() and _is_debug_file(candidate, wanted, base):
            return candidate
    return None


def _is_debug_file(path: Path, wanted: str | None, base: str) -> bool:
    """False for what is damaged: another one may serve."""
    with path.open("rb") as stream:
        if stream.read(4) != b"\x7fELF":
            return False
    try:
        data = path.read_bytes()
        same = _build_id(data) == wanted if wanted else path.name.startswith(base)
        return same and _has_units(data)
    except Exception:
        return False


def _build_id(data: bytes) -> str | None:
    elf = ELFFile(io.BytesIO(data))
    for segment in elf.iter_segments("PT_NOTE"):
        for note in segment.iter_notes():
            if note["n_type"] == "NT_GNU_BUILD_ID":
                return str(note["n_desc"])
    return None


def _has_code(data: bytes) -> bool:
    return any(segment["p_flags"] & P_FLAGS.PF_X for segment in ELFFile(io.BytesIO(data)).iter_segments("PT_LOAD"))


def _has_units(data: bytes) -> bool:
    elf = ELFFile(io.BytesIO(data))
    return bool(elf.get_section_by_name(".debug_info"))


def _units(path: Path) -> tuple[list[str], list[str]]:
    """Sources of units of which something is linked, and functions that lie in no unit."""
    elf = ELFFile(io.BytesIO(path.read_bytes()))
    dwarf = elf.get_dwarf_info()
    lists, names, spans = dwarf.range_lists(), [], []
    for unit in dwarf.iter_CUs():
        top = unit.get_top_DIE()
        has_code = {"DW_AT_low_pc", "DW_AT_ranges"} & top.attributes.keys()
        # Code that the linker dropped is at 0 or 1, or at the highest address.
        live = [(low, high) for low, high in unit_ranges(top, lists) if 1 < low < high < DROPPED]
        if live or not has_code:
            names.append(_source_name(unit))
        spans += live
    spans.sort()
    return names, _outside(elf, spans)


def _source_name(unit: CompileUnit) -> str:
    attributes = unit.get_top_DIE().attributes
    name: bytes = attributes["DW_AT_name"].value
    return os.path.normpath(name.decode(errors="replace"))


def _outside(elf: ELFFile, spans: Sequence[tuple[int, int]]) -> list[str]:
    table = elf.get_section_by_name(".symtab")
    lows = [low for low, _ in spans]
    found = []
    for symbol in table.iter_symbols() if table else ():
        if symbol["st_info"]["type"] != "STT_FUNC" or symbol["st_shndx"] == "SHN_UNDEF" or not symbol["st_size"]:
            continue
        index = bisect_right(lows, symbol["st_value"]) - 1
        if index < 0 or symbol["st_value"] >= spans[index][1]:
            found.append(symbol.name)
    return found


def _origin(source: str, own: Mapping[str, str]) -> SourceSet:
    _, in_wheel, rest = source.rpartition(WHEEL)
    if in_wheel:
        for folder, about in SETS.items():
            if rest.startswith(folder):
                return SourceSet(*about)
    if _is_ours(source):  # also where a project has folders of the same names
        return OURS
    for start, licence in own.items():
        if source.startswith(start):
            return SourceSet(start.rstrip("/"), licence)
    return SourceSet(os.path.dirname(source) or ".", UNKNOWN)


@cache
def _is_ours(source: str) -> bool:
    """A file of the system's own sources, wherever they lay when they were compiled."""
    parts = Path(source).parts
    tails = [Path(*parts[at:]) for at, part in enumerate(parts) if part in ("libs", "services", "boot")]
    return any((system_folder() / tail).is_file() for tail in tails)


@cache
def _runtime_names() -> frozenset[str]:
    """What the compiler's run-time in the wheel may define."""
    files = (wheel_folder() / "lib" / RUNTIME).rglob("*.zig")
    return frozenset(name for file in files for name in _EXPORTED.findall(file.read_text()))


def as_text(found: Mapping[SourceSet, Linked]) -> Iterator[str]:
    yield f"{'licence':32} {'source':24} {'files':>6}  in"
    for origin, linked in found.items():
        yield f"{origin.licence:32} {origin.name:24} {len(linked.sources):>6,}  {_some(linked.outputs)}"
        if origin.licence == UNKNOWN:
            yield f"{'':32} {_some(linked.sources)}"
    texts = sorted({f"{origin.name}: {origin.text}" for origin in found if origin.text})
    yield ""
    yield "texts, from the package itself and from ziglang/lib:"
    yield from (f"  {text}" for text in texts)


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f", and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(ordered[:SHOWN]) + more


def as_json(found: Mapping[SourceSet, Linked]) -> dict[str, object]:
    rows = [
        {
            "licence": origin.licence,
            "source": origin.name,
            "files": sorted(linked.sources),
            "linked_into": sorted(linked.outputs),
        }
        for origin, linked in found.items()
    ]
    return {"format": 1, "licences": rows}

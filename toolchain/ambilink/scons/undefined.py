"""Undefined symbols: who uses them, where, and which library would define them.

Linkers name symbol and object. What a person changes is a line of a source or of an SConscript, so both are looked up:
in what was built of each declared library, and in the text of its sources where nothing was built yet."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ambilink.elf.abi import load_abi
from ambilink.elf.inspect import objects_referring_to, undefined_names
from ambilink.errors import AmbilinkError
from ambilink.scons.context import Context
from ambilink.scons.units import Kernel, KernelModule, Library, LibraryVariant, Start, Unit

SHOWN = 10  # symbols
MAIN = "main"  # what the code at the entry of programs calls
LLD = re.compile(r"^\S*ld\S*: error: undefined (?:\w+ )?symbol: (?P<name>.+)\n(?:>>> .*\n)*\n?", re.MULTILINE)
GNU = re.compile(r"^.*(?:undefined reference to|hidden symbol) [`'](?P<name>.+?)'.*\n", re.MULTILINE)
NOISE = re.compile(r"^.*: in function [`'].*':\n|^.*ld: .*DSO missing from command line.*\n", re.MULTILINE)
TYPED = re.compile(r"(\w+)[\s*&]+$")  # before a name: its type, or one of
KEYWORDS = (
    "return",
    "else",
    "case",
    "throw",
    "goto",
    "do",
    "sizeof",
    "co_return",
    "co_await",
    "co_yield",
    "not",
    "and",
    "or",
)
DEFINED = (  # functions, data, labels of assembly
    r"(?:^|[{{}};])\s*(?!static\b|return\b)[A-Za-z_][^;=(){{}}]*?[\s*&:]{name}\s*\([^;{{}}]*\)[^;{{}}]*\{{",
    r"^(?!static\b|extern\b|typedef\b|return\b)[A-Za-z_][\w\s*]*?\b{name}\s*(?:\[[^\]]*\]\s*)*[=;]",
    r"^\s*{name}:",
)


@dataclass(frozen=True)
class _Use:
    unit: Unit
    place: str  # source and line


def explain(context: Context, unit: Unit, output: str) -> str:
    """What a linker printed, with our own words in place of its about undefined symbols."""
    names = list(dict.fromkeys(match["name"] for pattern in (LLD, GNU) for match in pattern.finditer(output)))
    if not names:
        return output
    ours = explanation(context, unit, names)
    if not ours:
        return output
    for pattern in (LLD, GNU, NOISE):
        output = pattern.sub("", output)
    return output + ours


def explanation(context: Context, unit: Unit, names: Sequence[str]) -> str:
    """Nothing where a file that would say more is damaged: the linker's words stand."""
    try:
        lines = [f"ambilink: {_describe(context, unit, name)}\n" for name in names[:SHOWN]]
    except (AmbilinkError, OSError):
        return ""
    if len(names) > SHOWN:
        lines.append(f"ambilink: {len(names) - SHOWN} more symbols are undefined\n")
    return "".join(lines)


def _describe(context: Context, unit: Unit, name: str) -> AmbilinkError:
    symbol = _mangled(context, unit, name) if not name.isidentifier() else name
    use = _use(context, unit, symbol, name)
    where, rule = (use.place, f"undefined symbol {name}") if use else (unit.title, f"undefined symbol {name}")
    user = use.unit if use else unit
    if isinstance(user, Start) and name == MAIN:
        sources = ", ".join(_sources(unit)[:3]) or "its sources"
        return AmbilinkError(unit.title, "has no function main", f"define main in {sources} [{unit.location}]")
    location = user.location
    if isinstance(user, LibraryVariant) and user.of is not None:
        user = user.of
    for library in context.libraries.values():
        if library is user:
            continue
        definition = _definition(library, symbol, name)
        if definition is None:
            continue
        if library in context.closure(unit):
            remedy = f"library {library.name!r} of its LIBS has it ({definition}) and does not export it"
            return AmbilinkError(where, rule, f"{remedy}: see its version_script= and visibility [{library.location}]")
        remedy = f"library {library.name!r} defines it ({definition}): add {library.name!r} to LIBS of {user.title}"
        return AmbilinkError(where, rule, f"{remedy} [{location}]")
    if isinstance(unit, KernelModule) and unit.kernel is not None:
        definition = _in_text(unit.kernel, name)
        if definition:
            remedy = f"the kernel defines it ({definition}) and does not offer it: add it to the text of its abi="
            return AmbilinkError(where, rule, f"{remedy} [{unit.kernel.location}]")
    return AmbilinkError(where, rule, f"{_guess(context, name, user)} [{location}]")


def linked_units(context: Context, unit: Unit) -> list[Unit]:
    """What may be linked into a unit's file."""
    start = [context.start] if context.start is not None else list(context.profile_starts.values())
    found: list[Unit] = [unit, *start]
    for library in context.closure(unit):
        found += [library, *library.variants.values()]
    return found


def objects_of(unit: Unit) -> dict[str, str]:
    """Objects that are there, with their sources."""
    jobs = {job.target: job.source for each in unit.object_sets for job in each.jobs}
    return {target: source for target, source in jobs.items() if os.path.isfile(target)}


def with_text(paths: Sequence[str], text: str) -> list[Path]:
    wanted = text.encode()
    return [path for path in map(Path, paths) if wanted in path.read_bytes()]


def _use(context: Context, unit: Unit, symbol: str, name: str) -> _Use | None:
    for each in linked_units(context, unit):
        objects = objects_of(each)
        users = objects_referring_to(symbol, with_text(list(objects), symbol))
        if users:
            source = objects[str(users[0])]
            more = f" (and {len(users) - 1} more)" if len(users) > 1 else ""
            return _Use(each, f"{_line_of_use(source, name)}{more}")
    return None


def _identifier(name: str) -> str:
    """The last one of a C++ name: `f` of `ns::f(int)`."""
    return str(re.findall(r"~?\w+", name.partition("(")[0] or name)[-1])


def _mangled(context: Context, unit: Unit, name: str) -> str:
    """Linkers print C++ names as people write them; symbol tables have them otherwise."""
    words = re.findall(r"\w+", name.partition("(")[0])
    parts = [f"{len(word)}{word}" for word in words]
    for each in linked_units(context, unit):
        for path in with_text(list(objects_of(each)), parts[-1] if parts else name):
            for found in undefined_names(path):
                if found.startswith("_Z") and all(part in found for part in parts):
                    return found
    return name


def _text(source: str) -> str:
    try:
        return Path(source).read_text(errors="replace")
    except OSError:
        return ""


def _line_of_use(source: str, name: str) -> str:
    """With its line, if the source itself has the name: the first that is no declaration, within braces if there is
    one."""
    word = re.compile(rf"\b{re.escape(_identifier(name))}\b")
    depth, outside = 0, 0
    for number, line in enumerate(_text(source).splitlines(), 1):
        for match in word.finditer(line):
            before = line[: match.start()]
            typed = TYPED.search(before)
            if before.lstrip().startswith(("extern ", "//", "*", "/*")) or (typed and typed[1] not in KEYWORDS):
                continue
            if depth + before.count("{") - before.count("}") > 0:
                return f"{source}:{number}"
            outside = outside or number
        depth += line.count("{") - line.count("}")
    return f"{source}:{outside}" if outside else source


def _definition(library: Library, symbol: str, name: str) -> str | None:
    """Where a library defines a symbol, as far as its sources say so; None: it does not."""
    place = _in_text(library, name)
    if place:
        return place
    for node in (library.golden, library.abi):
        path = Path(node.abspath) if node is not None else None
        if path is not None and path.is_file() and any(each.name == symbol for each in load_abi(path).symbols):
            return str(node)
    objects = with_text(list(objects_of(library)), symbol)
    defining = objects_referring_to(symbol, objects, defining=True)
    return str(defining[0]) if defining else None


def _sources(unit: Unit) -> list[str]:
    return list(dict.fromkeys(job.source for each in unit.object_sets for job in each.jobs))


def _in_text(unit: Unit, name: str) -> str:
    return next(filter(None, (line_of_definition(source, name) for source in _sources(unit))), "")


def line_of_definition(source: str, name: str) -> str:
    """Source and line; empty: it does not define the name, as far as its text says so."""
    text, identifier = _text(source), _identifier(name)
    for pattern in DEFINED if identifier in text else ():
        match = re.search(pattern.format(name=re.escape(identifier)), text, re.MULTILINE)
        if match:
            at = text.rindex(identifier, match.start(), match.end())
            return f"{source}:{text.count(chr(10), 0, at) + 1}"
    return ""


def _known_names(library: Library) -> Iterator[str]:
    for node in (library.golden, library.abi):
        if node is not None and os.path.isfile(node.abspath):
            yield from (each.name for each in load_abi(Path(node.abspath)).symbols)
            return


def _guess(context: Context, name: str, user: Unit) -> str:
    """What to do about a symbol that no library has: one of nearly that name may be meant."""
    known = {each: library for library in context.libraries.values() for each in _known_names(library)}
    near = get_close_matches(name, known, 1, 0.75)
    if near:
        return f"did you mean {near[0]} of library {known[near[0]].name!r}?"
    if isinstance(user, Kernel | KernelModule):
        return f"no library that is declared here defines it: define it in {user.title}"
    return f"no library that is declared here defines it: define it in {user.title}, or declare the library that has it"

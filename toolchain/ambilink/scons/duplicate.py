"""Symbols that are defined twice: in which sources of which units, and what to do."""

import re

from ambilink.elf.inspect import objects_referring_to
from ambilink.errors import AmbilinkError
from ambilink.scons.context import Context
from ambilink.scons.undefined import SHOWN, line_of_definition, linked_units, objects_of, with_text
from ambilink.scons.units import Unit

TWICE = (  # as lld and GNU ld say it
    re.compile(r"^\S*ld\S*: error: duplicate symbol: (?P<name>.+)$", re.MULTILINE),
    re.compile(r"multiple definition of [`'](?P<name>.+?)'"),
)


def explain(context: Context, unit: Unit, output: str) -> str:
    """What a linker printed, and what to do about symbols of which it found two."""
    names = list(dict.fromkeys(match["name"] for pattern in TWICE for match in pattern.finditer(output)))
    if not names:
        return output
    lines = [f"ambilink: {_describe(context, unit, name)}\n" for name in names[:SHOWN]]
    return f"{output.rstrip()}\n{''.join(lines)}"


def _describe(context: Context, unit: Unit, name: str) -> AmbilinkError:
    try:
        places = _definitions(context, unit, name)
    except (AmbilinkError, OSError):  # a damaged file: the linker's words stand
        places = []
    remedy = "rename one, make it static, or leave one source out"
    if len(places) < 2:  # a name of C++, or a file that was linked by a flag
        return AmbilinkError(unit.title, f"{name} is defined twice, see above", f"{remedy} [{unit.location}]")
    (first, its), (second, other) = places[:2]
    rule = f"{name} is defined in {first} of {its.title} already"
    return AmbilinkError(second, rule, f"{remedy} of {other.title} [{other.location}]")


def _definitions(context: Context, unit: Unit, name: str) -> list[tuple[str, Unit]]:
    """Source and line, and the unit that has it."""
    found: dict[str, Unit] = {}
    for each in linked_units(context, unit):
        objects = objects_of(each)
        for path in objects_referring_to(name, with_text(list(objects), name), defining=True):
            source = objects[str(path)]
            found.setdefault(line_of_definition(source, name) or source, each)
    return list(found.items())

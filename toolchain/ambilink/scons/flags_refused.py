"""Flags that a compiler or linker does not take: whose they are, and where that is declared."""

import re

from ambilink.errors import AmbilinkError
from ambilink.scons.units import LibraryVariant, Unit

# Complaints about a command have the program's name before them, or nothing; those about sources have file and line.
REFUSED = re.compile(
    r"^(?:[^\s:]+: )?(?:(?:fatal )?error: )?(?P<rule>"
    r"(?:unknown|unrecogni[sz]ed|unsupported|invalid|bad|missing) .*(?:argument|option|value|target|['` ]-\w).*"
    r"|argument to .*)$",
    re.MULTILINE,
)


def explain(unit: Unit, output: str) -> str:
    """What a program printed that failed, with the unit and its line where its flags are why."""
    match = REFUSED.search(output)
    if match is None:
        return output
    own = unit.of if isinstance(unit, LibraryVariant) and unit.of is not None else unit
    error = AmbilinkError(
        own.title, match["rule"], f"correct its flags, or those of its environment or target [{own.location}]"
    )
    return f"{output.rstrip()}\nambilink: {error}\n"

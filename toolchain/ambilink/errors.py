"""The one exception that users see: which file, which rule, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class AmbilinkError(Exception):
    """A mistake in the user's input. `str()` is one line: ``file: rule; remedy``."""

    def __init__(self, where: object, rule: str, remedy: str = "") -> None:
        self.where = str(where)
        self.rule = rule
        self.remedy = remedy
        super().__init__(f"{self.where}: {rule}" + (f"; {remedy}" if remedy else ""))


FIXTURES = "test-"  # names of what only tests use begin so


def near(names: Iterable[str], wanted: str) -> str:
    """The beginning of a remedy: what may have been meant; empty where nothing is like it."""
    found = nearest(names, wanted)
    return f"did you mean {found[0]!r}? " if found else ""


def nearest(names: Iterable[str], wanted: str, most: int = 1) -> list[str]:
    """Those that may have been meant. Endings alone make no two names alike: x.h is not utmpx.h."""
    stem, ending = _parts(wanted)
    found = get_close_matches(wanted, [*names], 4 * most)
    return [name for name in found if _parts(name)[1] != ending or get_close_matches(stem, [_parts(name)[0]])][:most]


def _parts(name: str) -> tuple[str, str]:
    """Without folders and ending; the ending."""
    stem, dot, ending = name.rpartition("/")[2].rpartition(".")
    return (stem, ending) if dot and stem else (ending, "")


def choices(names: Iterable[str], wanted: str) -> str:
    """What to write instead, of a few names that have an order."""
    names = [*names]
    return f"{near(names, wanted)}choose one of: {', '.join(names)}"


def known(names: Iterable[str], wanted: str) -> str:
    """What to write instead, for the end of a message."""
    names = sorted(name for name in names if not name.startswith(FIXTURES) or wanted.startswith(FIXTURES))
    return f"{near(names, wanted)}known: {', '.join(names) or 'none'}"

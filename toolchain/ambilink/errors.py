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


def near(names: Iterable[str], wanted: str) -> str:
    """The beginning of a remedy: what may have been meant; empty where nothing is like it."""
    found = get_close_matches(wanted, [*names], 1)
    return f"did you mean {found[0]!r}? " if found else ""


def choices(names: Iterable[str], wanted: str) -> str:
    """What to write instead, of a few names that have an order."""
    names = [*names]
    return f"{near(names, wanted)}choose one of: {', '.join(names)}"


def known(names: Iterable[str], wanted: str) -> str:
    """What to write instead, for the end of a message."""
    names = sorted(names)
    return f"{near(names, wanted)}known: {', '.join(names) or 'none'}"

"""Comparing a console with expected lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ambilink.files import read_regular
from ambilink.verdict import text_pattern

COMPARED = 2000  # lines of the console, among which one like a missing one is looked for
LONGEST = 300  # characters of these


@dataclass(frozen=True)
class ExpectedLine:
    text: str
    place: str  # file and line


@dataclass(frozen=True)
class Missing:
    line: ExpectedLine
    remedy: str

    def __str__(self) -> str:
        return f"{self.line.place}: expected on the console and not found: {self.line.text}; {self.remedy}"


def read_expected(path: Path) -> list[ExpectedLine]:
    """Lines of the file; empty ones and those that begin with # do not count."""
    lines = enumerate(read_regular(path).decode("utf-8", "replace").splitlines(), 1)
    return [
        ExpectedLine(line.rstrip(), f"{path}:{number}")
        for number, line in lines
        if line.strip() and not line.startswith("#")
    ]


def missing_line(console: Sequence[str], expected: Sequence[ExpectedLine]) -> Missing | None:
    """The first expected line that does not come, in order, among the console's; * stands for anything."""
    at = 0
    for index, line in enumerate(expected):
        pattern = text_pattern(line.text)
        came = at
        while at < len(console) and not pattern.fullmatch(console[at].rstrip()):
            at += 1
        if at == len(console):
            if any(pattern.fullmatch(each.rstrip()) for each in console[:came]):
                return Missing(line, f"it came before the line of {expected[index - 1].place}, and their order counts")
            return Missing(line, _remedy(console[came:], line.text))
        at += 1
    return None


def _remedy(console: Sequence[str], text: str) -> str:
    lines = [line.rstrip() for line in console[:COMPARED] if len(line) <= LONGEST]
    near = get_close_matches(text, lines, 1, 0.75) if len(text) <= LONGEST else []
    what = f"the console has {near[0]!r}: " if near else ""
    return f"{what}correct this line, or what prints it"

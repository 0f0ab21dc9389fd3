"""Comparing a console with expected lines."""

from fnmatch import fnmatchcase
from pathlib import Path

from ambilink.files import read_regular


def read_expected(path: Path) -> list[str]:
    """Lines of the file; empty ones and those that begin with # do not count."""
    lines = read_regular(path).decode("utf-8", "replace").splitlines()
    return [line.rstrip() for line in lines if line.strip() and not line.startswith("#")]


def _matches(text: str, pattern: str) -> bool:
    escaped = pattern.replace("[", "[[]").replace("?", "[?]")  # only * is special
    return fnmatchcase(text.rstrip(), escaped)


def missing_line(console: list[str], expected: list[str]) -> str | None:
    """The first expected line that does not come, in order, among the console's; * stands for anything."""
    at = 0
    for pattern in expected:
        while at < len(console) and not _matches(console[at], pattern):
            at += 1
        if at == len(console):
            return pattern
        at += 1
    return None

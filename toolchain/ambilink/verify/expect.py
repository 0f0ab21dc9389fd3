"""Comparing a console with expected lines."""

from pathlib import Path

from ambilink.files import read_regular
from ambilink.verdict import text_pattern


def read_expected(path: Path) -> list[str]:
    """Lines of the file; empty ones and those that begin with # do not count."""
    lines = read_regular(path).decode("utf-8", "replace").splitlines()
    return [line.rstrip() for line in lines if line.strip() and not line.startswith("#")]


def missing_line(console: list[str], expected: list[str]) -> str | None:
    """The first expected line that does not come, in order, among the console's; * stands for anything."""
    at = 0
    for line in expected:
        pattern = text_pattern(line)
        while at < len(console) and not pattern.fullmatch(console[at].rstrip()):
            at += 1
        if at == len(console):
            return line
        at += 1
    return None

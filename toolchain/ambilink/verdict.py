"""By what a boot is judged: the [verdict] table of an OS profile.

A system says that it passed or failed by a code that it writes to the debug-exit port, by lines on its console, or by
both. What no rule calls a pass is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ambilink.errors import AmbilinkError
from ambilink.toml_file import Table

EXIT_PORT = 0xF4
CODE_MAX = 127  # QEMU ends with status code << 1 | 1, of which eight bits are left


@dataclass(frozen=True)
class VerdictRules:
    pass_codes: tuple[int, ...] = ()
    fail_codes: tuple[int, ...] = ()
    exit_port: int = EXIT_PORT
    pass_text: tuple[str, ...] = ()  # when each was found in some line, the boot passed
    fail_text: tuple[str, ...] = ()  # one in a line, and the boot failed
    console_prefix: str = ""  # regular expression at the beginning of a line
    console_switch: str = ""  # regular expression within the output: what follows is another console's
    silence: float | None = None  # seconds
    console_place: str = field(default="", compare=False)  # of either expression: file and line

    @property
    def has_codes(self) -> bool:
        """Whether the machine needs the debug-exit port."""
        return bool(self.pass_codes or self.fail_codes)

    @property
    def can_pass(self) -> bool:
        return bool(self.pass_codes or self.pass_text)


AMBILINK_RULES = VerdictRules(pass_codes=(0x10,), fail_codes=(0x11,))


@dataclass(frozen=True)
class LinePattern:
    """Text in which only * is special, and stands for anything. The time grows with the line alone: each part between
    two stars is taken where it comes first, for good."""

    parts: tuple[str, ...]

    def search(self, line: str) -> bool:
        return self._find(self.parts, line, 0, len(line)) >= 0

    def fullmatch(self, line: str) -> bool:
        first, *others = self.parts
        if not others:
            return line == first
        *middle, last = others
        end = len(line) - len(last)
        if end < len(first) or not (line.startswith(first) and line.endswith(last)):
            return False
        return self._find(middle, line, len(first), end) >= 0

    @staticmethod
    def _find(parts: Sequence[str], line: str, at: int, end: int) -> int:
        for part in parts:
            at = line.find(part, at, end)
            if at < 0:
                return -1
            at += len(part)
        return at


def text_pattern(text: str) -> LinePattern:
    return LinePattern(tuple(text.split("*")))


def _codes(table: Table, key: str) -> tuple[int, ...]:
    values = table.take(key, list, [])
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= CODE_MAX:
            raise table.refuse(key, f"has the item {value!r}", f"write numbers from 1 to {CODE_MAX}")
    return tuple(values)


def _texts(table: Table, key: str) -> tuple[str, ...]:
    values = table.take_strings(key, [])
    for value in values:
        if not value.strip("* "):
            raise table.refuse(key, f"has the item {value!r}, which every line matches", "write text of a line")
    return tuple(values)


def _console(table: Table, key: str) -> str:
    value: str = table.take(key, str, "")
    if not value:
        return value
    import regex  # as in machine/console.py

    try:
        pattern = regex.compile(value.encode())
    except regex.error as error:
        raise table.refuse(key, f"is {value!r}, which is no regular expression: {error}", "correct it") from error
    if "console" not in pattern.groupindex:
        raise table.refuse(key, f"is {value!r} without a group called console", "name it by (?P<console>...)")
    if pattern.search(b""):
        raise table.refuse(key, f"is {value!r}, which matches nothing at all", "let it match at least one byte")
    return value


def _silence(table: Table) -> float | None:
    value: Any = table.take("silence", object, None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise table.refuse("silence", f"is {value!r}", "write seconds, more than 0")
    return float(value)


def read_verdict(table: Table) -> VerdictRules:
    """The rules of a [verdict] table; a mistake is an error that names file and key."""
    pass_codes, fail_codes = _codes(table, "pass-codes"), _codes(table, "fail-codes")
    both = sorted({*pass_codes} & {*fail_codes})
    if both:
        raise table.refuse("fail-codes", f"has {both[0]}, which is in pass-codes too", "leave it in one of them")
    port = table.take("exit-port", int, EXIT_PORT)
    if not 0 <= port <= 0xFFFF:
        raise table.refuse("exit-port", f"is {port}", "write a port from 0 to 0xffff")
    pass_text, fail_text = _texts(table, "pass-text"), _texts(table, "fail-text")
    twice = sorted({*pass_text} & {*fail_text})
    if twice:
        raise table.refuse("fail-text", f"has {twice[0]!r}, which is in pass-text too", "leave it in one of them")
    prefix, switch = _console(table, "console-prefix"), _console(table, "console-switch")
    if prefix and switch:
        raise table.refuse("console-switch", "stands beside console-prefix", "leave one of them out")
    silence = _silence(table)
    place = table.place("console-prefix" if prefix else "console-switch")
    table.finish()
    return VerdictRules(pass_codes, fail_codes, port, pass_text, fail_text, prefix, switch, silence, place)


def check_can_pass(rules: VerdictRules, where: object) -> None:
    if not rules.can_pass:
        raise AmbilinkError(
            where, "has no rule by which a boot passes", "add pass-codes or pass-text to [verdict], or expected lines"
        )

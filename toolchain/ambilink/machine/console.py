"""The serial line's bytes as lines of text, for each console that the rules tell apart.

Bytes that only a terminal obeys are left out, so that what is judged, shown and kept is what a reader sees: a guest
can neither hide a text between them nor write over the lines of this program."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unicodedata import category

from ambilink.errors import AmbilinkError
from ambilink.machine.model import BootRequest, ConsoleLine, LineSink
from ambilink.verdict import AMBILINK_RULES, VerdictRules

LINE_MAX = 1 << 16  # bytes: a longer line is cut
MATCH_SECONDS = 0.5  # a rule's regular expression that takes longer on a line is given up
NEW_LINE = 10

# Of ECMA-48: control sequences, strings (OSC, DCS, ...) up to their end, other escapes; 8-bit ones too.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x9c|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
)


def visible(text: str) -> str:
    """Without what a terminal does not show; a backspace takes back the character before it."""
    if text.isprintable():
        return text
    shown: list[str] = []
    for letter in _ESCAPES.sub("", text):
        if letter == "\b":
            del shown[-1:]
        elif letter == "\t" or category(letter) not in ("Cc", "Cf"):
            shown.append(letter)
    return "".join(shown)


class Console:
    """Collects bytes into lines."""

    def __init__(self, sink: LineSink | None = None, rules: VerdictRules = AMBILINK_RULES) -> None:
        self.lines: list[ConsoleLine] = []
        self.too_slow = False  # a rule's regular expression was given up
        self._raw = bytearray()  # since the last line end
        self._partial: dict[str, bytes] = {}  # unfinished lines of consoles
        self._console = ""
        self._prefix = _compiled(rules.console_prefix)
        self._switch = _compiled(rules.console_switch)
        self._sink = sink

    def put(self, data: bytes, seconds: float, instructions: int | None) -> None:
        for byte in data:
            if byte != NEW_LINE:
                self._raw.append(byte)
            if byte == NEW_LINE or len(self._raw) == LINE_MAX:
                self._end_line(seconds, instructions)

    def finish(self, seconds: float, instructions: int | None) -> None:
        """Keep what came after the last line end."""
        if self._raw:
            self._end_line(seconds, instructions)
        for console, text in self._partial.items():
            if text:
                self._add(console, text, seconds, instructions)
        self._partial.clear()

    def _end_line(self, seconds: float, instructions: int | None) -> None:
        raw = bytes(self._raw)
        self._raw.clear()
        with self._bounded():
            if self._switch:
                raw = self._part_by_console(raw)
            elif self._prefix:
                match = self._prefix.match(raw, timeout=MATCH_SECONDS)
                self._console = _name(match) if match else ""
                raw = raw[match.end() :] if match else raw
        self._add(self._console, raw, seconds, instructions)

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            self.too_slow = True
            self._prefix = self._switch = None
            self._console = ""

    def _part_by_console(self, raw: bytes) -> bytes:
        """The whole line of the console that the line end belongs to; the others' parts are kept."""
        assert self._switch is not None
        at = 0
        for match in list(self._switch.finditer(raw, timeout=MATCH_SECONDS)):
            self._keep(raw[at : match.start()])
            self._console, at = _name(match), match.end()
        self._keep(raw[at:])
        return self._partial.pop(self._console, b"")

    def _keep(self, part: bytes) -> None:
        self._partial[self._console] = (self._partial.get(self._console, b"") + part)[:LINE_MAX]

    def _add(self, console: str, raw: bytes, seconds: float, instructions: int | None) -> None:
        line = ConsoleLine(visible(raw.decode("utf-8", "replace")), seconds, instructions, console)
        self.lines.append(line)
        if self._sink:
            self._sink(line)


def refuse_slow_rules(console: Console, request: BootRequest) -> None:
    rules = request.rules
    if console.too_slow:
        key = "console-prefix" if rules.console_prefix else "console-switch"
        raise AmbilinkError(
            rules.console_place or request.rules_from or request.image,
            f"verdict.{key} took more than {MATCH_SECONDS:g} s on a line of the console, and was given up",
            "write it without repetitions in repetitions, such as (a+)+",
        )


def _compiled(pattern: str) -> Any:
    """None for none. `regex` knows what `re` does, and stops after a time."""
    if not pattern:
        return None
    import regex  # most systems have one console

    return regex.compile(pattern.encode())


def _name(match: Any) -> str:
    return visible((match["console"] or b"").decode("utf-8", "replace"))

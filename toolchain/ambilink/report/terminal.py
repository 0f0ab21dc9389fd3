"""What a stream can show: colour, a line that changes; and a stream that other code writes to while one does."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TextIO

RED, GREEN, MAGENTA, BOLD, RESET = "\x1b[1;31m", "\x1b[32m", "\x1b[1;35m", "\x1b[1m", "\x1b[0m"
_WORDS = re.compile(r"(?P<error>\b(?:fatal )?error:|^ambilink:)|(?P<warning>\bwarning:)", re.MULTILINE)


def is_terminal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """One that can change a line which was written."""
    return stream.isatty() and environment.get("TERM", "") not in ("", "dumb")


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """By the variables that many programs know: no-color.org, bixense.com/clicolors."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal(stream, environment) and environment.get("CLICOLOR", "1") != "0"


def coloured(text: str, colour: str) -> str:
    return f"{colour}{text}{RESET}"


def highlighted(text: str) -> str:
    """What programs print that know no colour: the words for errors and warnings stand out."""
    if "\x1b[" in text:
        return text
    return _WORDS.sub(lambda match: coloured(match[0], RED if match["error"] else MAGENTA), text)


class Writer(Protocol):
    def write(self, text: str, /) -> object: ...
    def flush(self) -> None: ...


class SharedStream:
    """A standard stream that others write to as well: `before` is called first, `closed` when it cannot be
    written: its reader, its terminal or its disk's room is gone."""

    def __init__(self, stream: TextIO, before: Callable[[], None], closed: Callable[[OSError], None]) -> None:
        self._stream, self._before, self._closed = stream, before, closed

    def write(self, text: str) -> int:
        self._before()
        try:
            count = self._stream.write(text)
            self._stream.flush()
            return count
        except OSError as error:
            self._closed(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._closed(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def discard(descriptor: int) -> None:
    """What is written there from now on goes nowhere: its reader is gone."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)

"""Compilations that wait for ever: a FIFO has the name of a file that they read, and nothing writes to it.

Compilers cannot be asked what they wait for. So where one takes long, the texts that it reads are followed by the names
in them, as far as these are written out."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

_NAMES = re.compile(rb"\b(include|include_next|import|embed|incbin)\b\s*(?:\\?[\"']|<)([^\"'>\\\n]+)")


@dataclass(frozen=True)
class Blocked:
    place: str  # file and line that name it
    name: str  # as it is written there
    path: str

    def release(self) -> None:
        """A process that reads it comes to its end."""
        with suppress(OSError):  # no process reads it yet
            os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))

    def __str__(self) -> str:
        return f"{self.place}: reads {self.name}, which is a FIFO ({self.path}); put a file there"


def find_fifo(source: str, search: Sequence[str]) -> Blocked | None:
    """The first that a compilation of `source` comes upon; `search` are the folders of headers."""
    waiting, seen = [source], {source}
    for text in waiting:  # grows
        for line, name in _named(text):
            path = _found(name, os.path.dirname(text), search)
            if path is None or path in seen:
                continue
            if stat.S_ISFIFO(os.stat(path).st_mode):
                return Blocked(f"{text}:{line}", name, path)
            seen.add(path)
            waiting.append(path)
    return None


def _named(text: str) -> Iterator[tuple[int, str]]:
    try:
        with open(text, "rb") as stream:
            data = stream.read()
    except OSError:
        return
    for match in _NAMES.finditer(data):
        if b"\0" not in match[2]:
            yield data.count(b"\n", 0, match.start()) + 1, os.fsdecode(match[2])


def _found(name: str, beside: str, search: Sequence[str]) -> str | None:
    """Where it lies; folders are passed over."""
    for folder in (beside, *search):
        path = os.path.join("" if folder == os.curdir else folder, name)
        with suppress(OSError, ValueError):
            if not stat.S_ISDIR(os.stat(path).st_mode):
                return path
    return None

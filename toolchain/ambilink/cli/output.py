"""Standard output and error of the command: what files and guests say is text there, and steers no terminal."""

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from ambilink.report.visible import visible


class _VisibleStream:
    """A stream whose text shows control characters as symbols; lines end as ever."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write("\n".join(map(visible, text.split("\n"))))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def visible_output() -> Iterator[None]:
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):  # names may have letters that the terminal's encoding has not
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (cast(TextIO, _VisibleStream(stream)) if stream else stream for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before

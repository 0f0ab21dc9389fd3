"""Where in an SConscript something was declared."""

import sys
from dataclasses import dataclass
from pathlib import Path

from ambilink.scons.api import SCONS, Environment

PACKAGE = str(Path(__file__).parent)


@dataclass(frozen=True)
class SourceLocation:
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def find_location(env: Environment) -> SourceLocation:
    """The innermost line of the caller that is neither SCons' nor this tool's."""
    top = env.Dir("#").abspath + "/"
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((PACKAGE, SCONS, "<")):
            return SourceLocation(file.removeprefix(top), frame.f_lineno)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return SourceLocation("SConstruct", 0)

"""Mistakes in the Python of SConscripts: the user's lines, without those of SCons between them."""

import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

import SCons.Script.Main
from SCons.Environment import SubstitutionEnvironment

from ambilink.errors import near
from ambilink.scons.api import SCONS
from ambilink.scons.builder import BUILDERS
from ambilink.scons.location import PACKAGE as OURS


def report_mistakes(top: str) -> None:
    """SCons prints such errors by a function, which is replaced once. `top` is the folder that paths are shown from."""
    scripts = SCons.Script._SConscript
    usual = scripts.SConscript_exception
    if getattr(usual, "is_ours", False):
        return

    def report(*arguments: object) -> None:
        error = sys.exc_info()[1]
        text = _described(error, top) if error is not None and not SCons.Script.Main.print_stacktrace else ""
        if text:
            sys.stderr.write(text)
        else:
            usual(*arguments)

    report.is_ours = True  # type: ignore[attr-defined]
    scripts.SConscript_exception = report


def _described(error: BaseException, top: str) -> str:
    """Nothing where it is no mistake of the user, as far as one can see: then all frames are wanted."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [each for each in frames if not each.filename.startswith((str(Path(OURS).parent), SCONS, "<"))]
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, AttributeError) and isinstance(error.obj, SubstitutionEnvironment):
        what = f"an environment has no {error.name}{_remedy([*BUILDERS, *_methods(error.obj)], str(error.name))}"
    elif theirs and frames[-1] is not theirs[-1]:
        return ""
    elif isinstance(error, NameError) and error.name in BUILDERS:
        what = f"there is no {error.name} by itself; call it of an environment: env.{error.name}(...)"
    elif isinstance(error, NameError):
        what = f"there is no name {error.name}{_remedy(_names(error), str(error.name))}"
    if not theirs:
        return ""
    *callers, last = theirs
    lines = [f"{_place(last, top)}: {what}", f"    {last.line}"]
    for each in reversed(callers):
        lines.append(f"  read or called at {_place(each, top)}: {each.line}")
    return "\nscons: *** " + "\n".join(lines) + "\n"


def _place(frame: traceback.FrameSummary, top: str) -> str:
    return f"{frame.filename.removeprefix(f'{top}/')}:{frame.lineno}"


def _remedy(names: Iterable[str], wanted: str) -> str:
    found = near(names, wanted).rstrip()
    return f"; {found}" if found else ""


def _methods(env: object) -> list[str]:
    return [name for name in dir(env) if not name.startswith("_")]


def _names(error: BaseException) -> list[str]:
    """What could have been named in the line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return [*trace.tb_frame.f_locals, *trace.tb_frame.f_globals] if trace is not None else []

"""Headers that a compiler does not find: which library has them, and which SConscript's line would bring them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ambilink.errors import AmbilinkError, nearest
from ambilink.scons.api import Folder
from ambilink.scons.context import Context
from ambilink.scons.units import Library, LibraryVariant, Unit
from ambilink.scons.variables import real_folders

SUFFIXES = (".h", ".hh", ".hpp", ".hxx", ".inc", ".def")
MISSING = (  # as clang, gcc and nasm say it
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):\d+: fatal error: '(?P<name>[^'\n]+)' file not found",
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):\d+: fatal error: (?P<name>[^\n]+?): No such file or directory",
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+): (?:fatal|error): unable to open include file [`'](?P<name>[^'\n]+)'",
)


def explain(context: Context, unit: Unit, output: str) -> str:
    """What a compiler printed, and what to do about the header that it lacks."""
    match = next((found for pattern in MISSING for found in re.finditer(pattern, output, re.MULTILINE)), None)
    if match is None:
        return output
    file, header = os.path.normpath(match["file"]), match["name"]
    user = _owner(context, unit, file)
    folder = _as_folder(context, user, file, header)
    if folder:
        rule, remedy = f"includes {header}, which is a folder", f"name a file in {folder}, or rename it"
    else:
        rule, remedy = f"includes {header}, which is in no folder that {user.title} searches", ""
    error = AmbilinkError(
        f"{match['file']}:{match['line']}", rule, f"{remedy or _remedy(context, user, header)} [{user.location}]"
    )
    return f"{output.rstrip()}\nambilink: {error}\n"


def _as_folder(context: Context, user: Unit, file: str, header: str) -> str:
    """Where a folder has the name of the header; compilers pass over it."""
    searched = (os.path.dirname(file), *_folders(context.include_dirs(user)))
    return next((path for path in (os.path.join(each, header) for each in searched) if os.path.isdir(path)), "")


def _owner(context: Context, unit: Unit, file: str) -> Unit:
    """A library, if the header that includes is one of its own: a unit that has it in LIBS lacks the other too."""
    own = unit.of if isinstance(unit, LibraryVariant) and unit.of is not None else unit
    for library in context.closure(unit):
        if library is not own and any(file.startswith(f"{folder}{os.sep}") for folder in _public(library)):
            return library
    return own


def _folders(folders: "list[Folder]") -> Iterator[str]:
    for folder in folders:
        yield from real_folders(folder)


def _public(library: Library) -> list[str]:
    return [*_folders(list(library.includes)), *library.public_system_includes]


def _remedy(context: Context, user: Unit, header: str) -> str:
    for library in context.libraries.values():
        for folder in _public(library):
            if library is not user and os.path.isfile(os.path.join(folder, header)):
                place = context.from_top(os.path.join(folder, header))
                return f"library {library.name!r} has it ({place}): add {library.name!r} to LIBS of {user.title}"
    for library in context.libraries.values():
        for folder in _folders(list(library.private_includes)):
            if library is not user and os.path.isfile(os.path.join(folder, header)):
                return (
                    f"library {library.name!r} has it for itself alone ({folder}/{header}): put it into its includes="
                )
    here = os.path.dirname(user.location.file)
    for path in _headers_below(here):
        if f"{os.sep}{path}".endswith(f"{os.sep}{header}"):
            folder = os.path.relpath(path[: -len(header)] or ".", here or ".")
            return f"{path} is there: add includes=[{folder!r}] to {user.title}"
    for name in context.bundled:
        if os.path.isfile(os.path.join(context.system, "libs", name, "include", header)):
            return f"Ambilink's library {name!r} has it: env.AmbilinkSystem('libs/{name}') declares it, for LIBS"
    return _near(context, user, header) or f"write it, or add its folder to includes= of {user.title}"


def _headers_below(here: str) -> Iterator[str]:
    for inside, names, files in os.walk(here or "."):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "build")
        for name in sorted(files):
            if name.endswith(SUFFIXES):
                yield os.path.normpath(os.path.join(inside, name))


def _near(context: Context, user: Unit, header: str) -> str:
    found: dict[str, str] = {}
    own = [("", folder) for folder in _folders(context.include_dirs(user))]
    others = [(each.name, folder) for each in context.libraries.values() for folder in _public(each)]
    for name, folder in [*own, *others]:
        for path in Path(folder, os.path.dirname(header)).glob("*"):
            if (path.suffix in SUFFIXES or not path.suffix) and path.is_file():
                found.setdefault(os.path.relpath(path, folder), name)
    near = nearest(found, header)
    if not near:
        return ""
    return f"did you mean {near[0]}{f' of library {found[near[0]]!r}' if found[near[0]] else ''}?"

"""Seeing within milliseconds that there is nothing to do, before SCons is even started.

After a build that went well its *up-to-date record* is written: every file that the build or its scripts read, made,
or found absent, every folder whose list of files mattered, the command line, and the environment that matters. If all
is as it was, the same command line has nothing to do. If anything differs, SCons decides; a record never says what
must be done.

This file is started by itself, before the package can be imported: it needs the standard library alone, and little
of that, because imports are most of what it costs. Lines of a record, in this order (`ambilink-up-to-date 4` is the
first):

    T path          the top
    A word          of the command line, those left out that change nothing
    E NAME=value    of the environment; `NAME` alone: it was not set
    W               all of the environment matters
    U text          the machine and the user, as scripts may ask for them
    M text          to print
    F time size status path    a file: when its contents changed, its size, when its status changed; -1 -1 -1: none
    D time sum path     a folder: when its status changed (that time cannot be set back), else a checksum of the names
                    in it, and of what links among them say
    S path          a folder that is there
    L sum path      a symbolic link: a checksum of what it says; -1: no link

Only commands with the options of `command_words` and KEPT stop early: others may print or do something each time.
"""

from __future__ import annotations

import os
import sys
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FIRST = "ambilink-up-to-date 4"
ENVIRONMENT = ("PATH", "HOME", "SCONSFLAGS", "SCONS_LIB_DIR", "PYTHONPATH", "PYTHONHOME", "TMPDIR")
ENVIRONMENT_OF = ("AMBILINK_", "CCACHE_", "SCCACHE_", "DISTCC_", "ICECC_", "RECC_")  # names that begin so
SKIP = "AMBILINK_CHECKED"  # set for SCons by the script that compared the record already
RUNNING = "AMBILINK_RUNNING"  # set for what a build starts
# Of terminals and folders: a script that takes the whole environment does not mean these.
VOLATILE = ("SHLVL", "PWD", "OLDPWD", "_", "COLUMNS", "LINES", "TERM", "COLORTERM", "WINDOWID", "DISPLAY", "STY")
VOLATILE_OF = ("SSH_", "TERM_", "TMUX", "VTE_", "XDG_SESSION", "GPG_", "DBUS_")
QUIET = ("-Q", "-s", "--silent", "--quiet")
KEPT = ("-k", "--keep-going")


def may_stop(words: Iterable[str]) -> bool:
    """Whether a command with these words does no more than to build. `words` are those of the environment, too."""
    more = command_words(os.environ.get("SCONSFLAGS", "").split())
    return all(word in KEPT or not word.startswith("-") for word in (*words, *more))


def command_words(arguments: Iterable[str]) -> list[str]:
    """Without what changes nothing: how much is printed, how many jobs run at a time."""
    words, skip = [], False
    for word in arguments:
        if skip or word in QUIET:
            words += [] if not skip or _is_count(word) else [word]
            skip = False
        elif word in ("-j", "--jobs"):
            skip = True
        elif not (word.startswith(("-j", "--jobs=")) and _is_count(word.removeprefix("--jobs=").removeprefix("-j"))):
            words.append(word)
    return words


def _is_count(text: str) -> bool:
    """Of jobs; another one is refused by the tool."""
    return text.isdigit() and int(text) > 0


def record_path(top: str, words: list[str]) -> str:
    name = f"{zlib.crc32(chr(0).join(words).encode('utf-8', 'surrogateescape')):08x}"
    return os.path.join(top, "build", ".ambilink", "up-to-date", name)


def environment_lines(more: Iterable[str], whole: bool, variables: Mapping[str, str] = os.environ) -> Iterator[str]:
    """`more` are names that scripts asked for; `whole`: a script looked at all of them."""
    names = {*ENVIRONMENT, *more, *(name for name in variables if name.startswith(ENVIRONMENT_OF))}
    if whole:
        names |= {*variables}
        names = {name for name in names if name not in VOLATILE and not name.startswith(VOLATILE_OF)}
    names.difference_update((SKIP, RUNNING))
    for name in sorted(names):
        value = variables.get(name)
        yield name if value is None else f"{name}={value}".replace("\n", "\\n")


def file_line(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return f"-1 -1 -1 {path}"
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ctime_ns} {path}"


def _sum(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8', 'surrogateescape')):08x}"


def _entry(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return f"{entry.name}@{os.readlink(entry.path)}"
    return f"{entry.name}/" if entry.is_dir() else entry.name


def names_sum(path: str) -> str:
    try:
        with os.scandir(path) as entries:
            return _sum("\0".join(sorted(map(_entry, entries))))
    except OSError:
        return "-1"


def folder_line(path: str) -> str:
    try:
        changed = os.stat(path).st_ctime_ns
    except OSError:
        changed = -1
    return f"{changed} {names_sum(path)} {path}"


def machine() -> str:
    """What a script may ask of it, and gets the same answer each time."""
    named = os.uname() if hasattr(os, "uname") else (sys.platform,)
    user = os.getuid() if hasattr(os, "getuid") else ""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else ""
    return f"{' '.join(named)} {os.cpu_count()} {usable} {user}"


def link_sum(path: str) -> str:
    try:
        return _sum(os.readlink(path))
    except OSError:
        return "-1"


def current_message(top: str, arguments: list[str]) -> str | None:
    """What to print if there is nothing to do; None if SCons must look. Paths in a record are from `top`."""
    words = command_words(arguments)
    if not may_stop(words):
        return None
    try:
        with open(record_path(top, words), encoding="utf-8", errors="surrogateescape") as stream:
            lines = stream.read().split("\n")
    except OSError:
        return None
    if not lines or lines.pop(0) != FIRST or not lines or lines.pop() != "end":
        return None
    message, said, environment, whole, lay = [], [], [], False, ""
    stat, count = os.stat, 0  # a name of its own: looked up for each file
    for line in lines:
        kind, text = line[0], line[2:]
        if kind == "F":
            modified, size, changed, path = text.split(" ", 3)
            count += 1
            try:
                status = stat(path)
            except OSError:
                if modified != "-1":
                    return None
                continue
            if str(status.st_mtime_ns) != modified or str(status.st_ctime_ns) != changed or str(status.st_size) != size:
                return None
        elif kind == "D":
            changed, names, path = text.split(" ", 2)
            try:
                if str(stat(path).st_ctime_ns) == changed:
                    continue
            except OSError:
                if changed == "-1":
                    continue
                return None
            if names_sum(path) != names:
                return None
        elif kind == "S":
            if not os.path.isdir(text):
                return None
        elif kind == "L":
            target, path = text.split(" ", 1)
            if link_sum(path) != target:
                return None
        elif kind == "M":
            message.append(text)
        elif kind == "T":
            lay = text
        elif kind == "U":
            if text != machine():
                return None
        elif kind == "A":
            said.append(text)
        elif kind == "E":
            environment.append(text)
        elif kind == "W":
            whole = True
    if lay != top or said != [word.replace("\n", "\\n") for word in words]:
        return None
    asked = [line.partition("=")[0] for line in environment]
    if environment != list(environment_lines(asked, whole)):
        return None
    return "\n".join([f"scons: nothing to do ({count:,} files are as they were)", *message])


class Inputs:
    """What a build depended on. Paths are from the top. (Importing dataclasses would take too long.)"""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.files: set[str] = set()
        self.folders: set[str] = set()  # whose names matter
        self.there: set[str] = set()  # folders that only have to be there
        self.links: set[str] = set()  # of which it matters what they say
        self.variables: set[str] = set()
        self.whole_environment = False
        self.environment = environment  # as it was at first


def write(top: str, arguments: list[str], message: list[str], inputs: Inputs) -> bool:
    """Write a record; True if it was written. A path with a newline in it cannot be recorded."""
    words = command_words(arguments)
    if not may_stop(words):
        return False
    lines = [FIRST, f"T {top}", *(f"A {word}" for word in words)]
    environment = environment_lines(inputs.variables, inputs.whole_environment, inputs.environment)
    lines += [f"E {line}" for line in environment]
    lines += ["W all"] * inputs.whole_environment
    lines.append(f"U {machine()}")
    lines += [f"M {line}" for line in message]
    lines += [f"F {file_line(path)}" for path in sorted(inputs.files)]
    lines += [f"D {folder_line(path)}" for path in sorted(inputs.folders)]
    lines += [f"S {path}" for path in sorted(inputs.there)]
    lines += [f"L {link_sum(path)} {path}" for path in sorted(inputs.links)]
    if any("\n" in line for line in lines):
        return False
    path = record_path(top, words)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write("\n".join([*lines, "end"]))
    os.replace(path + ".new", path)
    return True


def stop_if_current(top: str) -> None:
    """End the process at once if there is nothing to do; for SCons itself, before it reads anything."""
    if os.environ.pop(SKIP, None):
        return
    message = current_message(top, sys.argv[1:])
    if message is not None:
        print(message, flush=True)
        os._exit(0)

"""Which program exactly a name stands for: another file of the same name is another program.

Scripts are known by their text, which says what they start and with which flags, and so are other small files: dates
can be set, and the size is soon the same. A script may start any program; `started_by` follows the simple ones."""

import hashlib
import os
import re
import shlex
from collections.abc import Sequence

SMALL = 1 << 20  # bytes of a file that is read each time


def digest_of(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()[:32]


def script_digest(path: str) -> str:
    """Of a program that is a text; empty for others, which are known by their versions wherever they are."""
    try:
        with open(path, "rb") as stream:
            is_script = stream.read(2) == b"#!"
    except OSError:
        return ""
    return digest_of(path) if is_script else ""


def _identity(path: str) -> str:
    status = os.stat(path)
    digest = digest_of(path) if status.st_size < SMALL else script_digest(path)
    how = digest or f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    return f"{os.path.realpath(path)} {how}"


def files_among(words: Sequence[str]) -> list[str]:
    """The program that a command starts, and files that its words name: an interpreter is given a script."""
    return [word for word in dict.fromkeys(words) if os.path.isfile(word)]


def identity_of(words: Sequence[str]) -> str:
    """Of all files of a command."""
    return " ".join(map(_identity, files_among(words)))


def scripts_of(words: Sequence[str]) -> str:
    """What is the same wherever these scripts lie; empty where there is none."""
    return " ".join(
        digest
        for place, path in enumerate(files_among(words))
        if (digest := script_digest(path) if place == 0 else digest_of(path))
    )


_SHELL = re.compile(r"#!\s*(?:/\S*/)?(?:env\s+)?(?:sh|bash|dash|ash|ksh|zsh)(?:\s+-\w+)?\s*$")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=[^$`]*")
_CHAIN = 8  # scripts that start scripts


def started_by(script: str) -> list[str] | None:
    """Programs that a script leads to, where it only starts one, by its path, with its own arguments: scripts on the
    way and the program. None: it does more, and may start what it likes."""
    found: list[str] = []
    while len(found) < _CHAIN:
        program = _started(script)
        if program is None:
            return None
        if program in ("", *found):  # "": what its arguments say
            return found
        found.append(program)
        if not script_digest(program):
            return found
        script = program
    return None


def _started(script: str) -> str | None:
    try:
        with open(script, encoding="utf-8") as stream:
            first, *lines = stream.read().splitlines() or [""]
    except (OSError, UnicodeDecodeError):
        return None
    lines = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    lines = [line for line in lines if not re.fullmatch(r"set [-+][eux]+", line)]
    if not _SHELL.match(first) or len(lines) != 1 or re.search(r"[`;&|<>\\]|\$(?!@)|@.*\$@", lines[0]):
        return None
    try:
        words = shlex.split(lines[0], comments=True)
    except ValueError:
        return None
    words = words[1:] if words[:1] == ["exec"] else words
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if words == ["$@"]:
        return ""
    good = words and os.path.isabs(words[0]) and os.path.isfile(words[0]) and "$@" in words
    return words[0] if good else None


def programs_of(commands: str) -> list[str]:
    """Programs that a compiler's driver would start, by what it prints of them (-###)."""
    found: list[str] = []
    for line in commands.splitlines():
        try:
            words = shlex.split(line.removeprefix("COLLECT_GCC=")) if line.startswith((" ", "COLLECT_GCC=")) else []
        except ValueError:
            continue
        found += [word for word in words[:1] if os.path.isabs(word) and os.path.isfile(word)]
    return list(dict.fromkeys(found))


def behind(words: Sequence[str]) -> tuple[list[str], bool]:
    """What a command starts where it is a script, and whether it can start nothing else."""
    files = files_among(words)
    if not any(map(script_digest, files)):
        return [], True
    programs = started_by(files[0]) if len(files) == 1 else None
    return programs or [], programs is not None

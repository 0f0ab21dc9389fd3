"""Types of arguments. What is wrong with one ends the command with status 2, before anything is done."""

import argparse
import math
import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from ambilink.errors import AmbilinkError
from ambilink.machine.model import BootModule

EXIT_WRONG = 2  # wrong arguments
MEMORY_MAX = 1 << 20  # MiB
SECONDS_MAX = 7 * 24 * 3600
ROWS_MAX = 1 << 20
PATH_MAX = 4096

Commands = argparse._SubParsersAction  # what add_subparsers() returns has no public name


def input_file(text: str) -> Path:
    """A regular file that is there. What it holds is looked at later."""
    path, mode = _present(text)
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise argparse.ArgumentTypeError(f"{shown(text)} is {kind}; give a file")
    return path


def boot_module(text: str) -> BootModule:
    """FILE or FILE=WORDS."""
    name, _, words = text.partition("=")
    return BootModule(input_file(name), printable(words))


def folder(text: str) -> Path:
    """A folder that is there."""
    path, mode = _present(text)
    if not stat.S_ISDIR(mode):
        raise argparse.ArgumentTypeError(f"{shown(text)} is no folder")
    return path


def _present(text: str) -> tuple[Path, int]:
    path = _path(text)
    try:
        return path, os.stat(path).st_mode
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{shown(text)} cannot be read ({error.strerror})") from error


def output_file(text: str) -> Path:
    """A file to write, in a folder that is there."""
    path = _path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{shown(text)} is a folder; give the name of a file")
    _folder_of(path, text)
    return path


def output_folder(text: str) -> Path:
    """A folder to write into, there or in one that is."""
    path = _path(text)
    if os.path.lexists(path):
        if not path.is_dir():
            raise argparse.ArgumentTypeError(f"{shown(text)} is no folder")
    else:
        _folder_of(path, text)
    return path


def _path(text: str) -> Path:
    if not text or "\0" in text or len(text) > PATH_MAX:
        raise argparse.ArgumentTypeError(f"{shown(text)} cannot be the name of a file")
    return Path(text)


def _folder_of(path: Path, text: str) -> None:
    above = path.absolute().parent
    if not above.is_dir():
        problem = "is no folder" if os.path.lexists(above) else "does not exist; make it first"
        raise argparse.ArgumentTypeError(f"{shown(text)}: the folder {above} {problem}")


def shown(text: str) -> str:
    """Control characters are never printed raw."""
    text = text if len(text) <= 200 else text[:200] + "…"
    return text if text.isprintable() and text else ascii(text)


def whole_number(least: int, most: int, unit: str) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,30}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{shown(text)} is not {least:,} to {most:,} {unit}".rstrip())
        return int(text)

    return number


megabytes = whole_number(1, MEMORY_MAX, "MiB")
rows = whole_number(1, ROWS_MAX, "rows")
# Options of a boot that is run once, and judged.
ONE_BOOT = (
    *("gdb", "stop_at", "read", "input", "interactive", "protocol", "expect"),
    *("log", "record", "html", "junit", "trace"),
)


def refuse_beside(options: argparse.Namespace, option: str, others: Sequence[str]) -> None:
    """Others that were given, and would have no effect."""
    for other in others:
        if getattr(options, other) not in (None, False, []):
            options.usage.error(f"{option} does not go with --{other.replace('_', '-')}")


seed = whole_number(0, (1 << 64) - 1, "")
release = whole_number(0, (1 << 63) - 1, "")


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number of seconds, above 0 and up to {SECONDS_MAX:,}")
    return number


def printable(text: str) -> str:
    if not (text.isprintable() or not text):
        raise argparse.ArgumentTypeError(f"{text!a} has control characters")
    return text


def profile_name(text: str) -> str:
    """A profile's name, or the path of its TOML file."""
    from ambilink.compile.profile import profile_path

    def check(name: str) -> None:
        input_file(str(profile_path(name)))

    return _checked(text, check)


def template_name(text: str) -> str:
    from ambilink.new.template import check_template

    return _checked(text, check_template)


def _checked(text: str, check: Callable[[str], object]) -> str:
    try:
        check(text)
    except AmbilinkError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def elf_flags(text: str) -> int:
    flags = int(text, 0) if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}|[1-9][0-9]{0,19}|0", text) else -1
    if not 0 <= flags < 1 << 32:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no number of 32 bits")
    return flags


def licence_of(text: str) -> tuple[str, str]:
    start, found, licence = text.partition("=")
    if not (start and found and licence):
        raise argparse.ArgumentTypeError(f"{shown(text)} is no PATH=LICENCE")
    return start, licence

"""Options of the command line, NAME=VALUE, as SCons' Variables: they become variables of the environment."""

import os
from collections.abc import Callable
from typing import Any

from ambilink.errors import known
from ambilink.scons.api import UserError, Variables, command_line_arguments
from ambilink.scons.cache_settings import DEFAULT_LIMIT, DEFAULT_MODE, parse_size

SHOWN = 24  # columns of NAME=DEFAULT in the help
NO = ("0", "no", "off", "false", "n", "f", "")
YES = ("1", "yes", "on", "true", "y", "t")


class Options(Variables):
    """SCons' Variables whose names on the command line are short. `Add` as with SCons: a pair of the variable and the
    name, its help, its default, and a function that checks and converts."""

    asked: "list[Options]" = []

    def __init__(self) -> None:
        super().__init__(args=command_line_arguments())
        self.usual: dict[str, str] = {}  # what the tool takes where nothing is given, for the help
        self.asked.append(self)

    def FormatVariableHelpText(  # SCons' name
        self, env: Any, key: str, help: str, default: Any, actual: Any, aliases: list[str] | None = None
    ) -> str:
        name = next((each for each in aliases or [] if each != key), key)
        shown = self.usual.get(key, "") if default is None else str(default)
        return f"  {name}={shown or '...'}".ljust(SHOWN) + f" {help}\n"

    def names(self) -> list[str]:
        return [option.aliases[-1] if option.aliases else option.key for option in self.options]


def options() -> Options:
    """The tool's own; add others to them. What is not given stays as `Environment(AMBILINK_...=...)` has it."""
    made = Options()
    for variable, name, text, usual, convert in (
        ("AMBILINK_TARGET", "target", "machine to build for: x86_64, aarch64, riscv64, or a TOML file", "x86_64", None),
        ("AMBILINK_COMPILER", "compiler", "hermetic, llvm or gnu, or a TOML file", "hermetic", None),
        ("AMBILINK_VERBOSE", "verbose", "1 prints whole commands", "0", switch("verbose")),
        ("AMBILINK_CACHE", "cache", "cache that teams may share: a folder, or grpc://HOST:PORT", "", None),
        ("AMBILINK_CACHE_MODE", "cache_mode", "what is done there: read, write or read-write", DEFAULT_MODE, None),
        ("AMBILINK_CACHE_KEY", "cache_key", "file of a secret: only entries made with it are taken", "", None),
        ("AMBILINK_CACHE_CA", "cache_ca", "file of certificates that sign a grpcs:// server's", "", None),
        ("AMBILINK_CACHE_LIMIT", "cache_limit", "size of a folder; the least recently used goes", DEFAULT_LIMIT, size),
        ("AMBILINK_LAUNCHER", "launcher", "starts compilers: ccache, sccache, distcc, icecc, or a path", "", None),
    ):
        made.usual[variable] = usual
        made.Add(
            (variable, name), text, os.environ.get(variable) if variable == "AMBILINK_CACHE" else None, None, convert
        )
    return made


def switch(name: str) -> Callable[[Any], bool]:
    def convert(value: Any) -> bool:
        text = str(value).lower()
        if text not in NO + YES:
            raise UserError(f"{name}={value}: give 0 or 1")
        return text in YES

    return convert


def whole_number(name: str, least: int = 0, most: int = 1_000_000_000) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
            raise UserError(f"{name}={value}: give a whole number from {least:,} to {most:,}")
        return int(text)

    return convert


def size(value: Any) -> str:
    parse_size(str(value))
    return str(value)


MEANT = {
    "target": ("arch", "architecture", "machine", "cpu", "platform", "march"),
    "compiler": ("cc", "toolchain", "tc", "toolset"),
    "verbose": ("v", "vb"),
    "launcher": ("ccache", "wrapper"),
}


def options_help(env: Any) -> str:
    return "".join(each.GenerateHelpText(env) for each in Options.asked)


def refuse_unknown_options() -> None:
    """After all SConscripts were read. Only where an SConstruct uses these options; others read ARGUMENTS as they
    like."""
    if not Options.asked:
        return
    unknown = set.intersection(*(set(each.UnknownVariables()) for each in Options.asked))
    names = [name for each in Options.asked for name in each.names()]
    for name in sorted(unknown):
        meant = next((each for each, others in MEANT.items() if each in names and name.lower() in others), "")
        near = f"did you mean {meant}=? " if meant else ""
        raise UserError(f"unknown option {name}=; {near or known(names, name)}".rstrip())

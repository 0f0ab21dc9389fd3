"""Kinds that the linker makes: it is called itself, its output is checked and stripped, and only then gets its final
name."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from ambilink.elf.check import OutputKind, check, check_target
from ambilink.elf.strip import strip
from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically
from ambilink.scons.api import Environment, Node, Nodes
from ambilink.scons.context import Context, context_of
from ambilink.scons.kinds.kind import ELF_CODE, Kind, U, none, unit_of
from ambilink.scons.steps import CommandStep

PART = ".part"


def no_libraries(context: Context, unit: Any) -> dict[str, Node]:
    return {}


def nothing(unit: Any) -> None:
    return None


@dataclass(frozen=True)
class Linking(Generic[U]):
    """How the units of a kind are linked."""

    output: OutputKind  # whose rules the file must keep
    flags: Callable[[Context, U], Sequence[str]]
    archives: Callable[[Context, U], Sequence[Node]] = none
    libraries: Callable[[Context, U], Mapping[str, Node]] = no_libraries  # linked against, by SONAME
    files: Callable[[Context, U], Sequence[Node]] = none  # others that the flags name
    soname: Callable[[U], str | None] = nothing
    interpreter: Callable[[U], str | None] = nothing
    defines_itself: bool = False  # libraries that need each other: what they lack, this one may define
    keep_symbols: bool = False

    def words(self, target: Nodes, source: Nodes, env: Environment) -> list[str]:
        context, unit = context_of(env), unit_of(env)
        archives = [str(node) for node in self.archives(context, unit)]
        return [
            *context.toolset.ld,
            *self.flags(context, unit),
            *unit.variables.link_flags(),
            *unit.link_flags,
            *("-o", f"{target[0]}{PART}"),
            *context.expand(source),
            *(["--start-group", *archives, "--end-group"] if archives else []),
            *(str(node) for node in self.libraries(context, unit).values()),
        ]

    def finish(self, target: Nodes, source: Nodes, env: Environment) -> None:
        """Check what the linker wrote; strip and rename it, or remove it and say why."""
        context, unit = context_of(env), unit_of(env)
        part, final, debug = Path(f"{target[0]}{PART}"), Path(str(target[0])), Path(str(target[1]))
        libraries = {soname: Path(str(node)) for soname, node in self.libraries(context, unit).items()}
        soname = self.soname(unit)
        if self.defines_itself and soname:
            libraries[soname] = part
        try:
            objects = [Path(path) for path in context.expand(source)]
            check_target(part, context.toolset.target.machine, context.toolset.target.elf_flags)
            check(part, self.output, libraries, objects, soname, self.interpreter(unit))
            shipped, symbols = strip(part.read_bytes(), part, debug.name, keep_symbols=self.keep_symbols)
            write_atomically(debug, symbols)
            write_atomically(final, shipped)
            os.chmod(final, 0o755)
        except AmbilinkError as error:
            where = error.where.replace(str(part), str(final))
            raise AmbilinkError(where, error.rule, f"{error.remedy} [{unit.location}]".lstrip()) from error
        finally:
            part.unlink(missing_ok=True)


def linked(path: Callable[[Context, U], str], how: Linking[U]) -> Kind[U]:
    """The kind of what is linked so; each has a debug file."""

    def inputs(context: Context, unit: U) -> list[Node]:
        return [
            *how.archives(context, unit),
            *how.libraries(context, unit).values(),
            *how.files(context, unit),
        ]

    return Kind(path, CommandStep(how.words, "LD", finish=how.finish, code=ELF_CODE), inputs, debug=True)

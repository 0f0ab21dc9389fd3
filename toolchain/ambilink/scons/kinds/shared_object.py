"""Shared object: a library that programs share. It is linked against the stubs of others."""

from collections.abc import Sequence
from pathlib import Path

from ambilink.elf.check import OutputKind
from ambilink.files import as_argument
from ambilink.scons.api import Environment, Node, Nodes, placed
from ambilink.scons.context import Context, context_of
from ambilink.scons.kinds.archive_words import not_exported, whole
from ambilink.scons.kinds.kind import Kind, unit_of
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.kinds.linker_inputs import (
    DEPENDENCIES,
    archives_of,
    list_words,
    named_inputs,
    note_inputs,
)
from ambilink.scons.steps import CommandStep
from ambilink.scons.units import ANY, Library


def _defs(library: Library) -> str:
    return "undefs" if library.undefined else "defs"


def _flags(context: Context, library: Library) -> Sequence[str]:
    script = library.version_script
    versions = ["--version-script", as_argument(placed(script).path)] if script else []
    flags = [*context.toolset.shared_library_flags, "-soname", library.soname, "-z", _defs(library), *versions]
    return [*flags, *not_exported(context.archives_inside(library))]


def _files(context: Context, library: Library) -> Sequence[Node]:
    golden = library.golden  # one that is not there yet is about to be written
    there = [golden] if golden is not None and (golden.exists() or golden.has_builder()) else []
    return [*there, *([placed(library.version_script)] if library.version_script else [])]


SHARED_OBJECT = linked(
    lambda context, library: f"{context.places.libraries}/{library.soname}",
    Linking[Library](
        OutputKind.SHARED_LIBRARY,
        _flags,
        archives=lambda context, library: context.archives_inside(library),
        libraries=lambda context, library: context.stubs(library),
        files=_files,
        soname=lambda library: library.soname,
        loaded=True,
        defines_itself=True,
        golden=lambda library: library.golden,
        whole_archives=True,
        undefined=lambda library: None if library.undefined == ANY else frozenset(library.undefined),
    ),
)


def _flag_words(context: Context, library: Library) -> list[str]:
    return [*_flags(context, library), *library.variables.link_flags(), *library.link_flags]


def _preliminary_words(target: Nodes, source: Nodes, env: Environment) -> list[str]:
    library, context = unit_of(env), context_of(env)
    flags = [*_flags(context, library), "-z", "undefs", "--unresolved-symbols=ignore-all"]
    flags += [*library.variables.link_flags(), *library.link_flags]
    output = [*list_words(context, str(target[0])), "-o", as_argument(str(target[0]))]
    return [*context.toolset.ld, *output, *flags, *whole(context.expand(source))]


def _preliminary_path(context: Context, library: Library) -> str:
    return f"obj/{library.name}/preliminary/{library.soname}"


def _preliminary_inputs(context: Context, library: Library) -> list[Node]:
    target = f"{context.build.path}/{_preliminary_path(context, library)}"
    words, archives = _flag_words(context, library), archives_of(library, [])
    return [*_files(context, library), *named_inputs(context, library, target, words, archives)]


def _note_preliminary(target: Nodes, source: Nodes, env: Environment, output: str) -> None:
    context, words = context_of(env), _preliminary_words(target, source, env)
    note_inputs(context, target[0], words, [*map(str, target[0].children()), *context.expand(source)])


def _clear_preliminary(target: Nodes, source: Nodes, env: Environment) -> None:
    Path(f"{target[0]}{DEPENDENCIES}").unlink(missing_ok=True)


# A library of a cycle, linked by itself to see what it exports: the stubs of the others are made of theirs.
PRELIMINARY_OBJECT = Kind[Library](
    path=_preliminary_path,
    step=CommandStep(
        _preliminary_words,
        "LD",
        finish=_note_preliminary,
        clear=_clear_preliminary,
        version=lambda env: " ".join(context_of(env).version_words),
    ),
    inputs=_preliminary_inputs,
)

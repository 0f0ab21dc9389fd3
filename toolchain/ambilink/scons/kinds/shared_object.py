"""Shared object: a library that programs share. It is linked against the stubs of others."""

from collections.abc import Sequence

from ambilink.elf.check import OutputKind
from ambilink.scons.api import Environment, Nodes
from ambilink.scons.context import Context, context_of
from ambilink.scons.kinds.kind import Kind, unit_of
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.steps import CommandStep
from ambilink.scons.units import Library


def _flags(context: Context, library: Library) -> Sequence[str]:
    return [*context.toolset.shared_library_flags, "-soname", library.soname, "-z", "defs"]


SHARED_OBJECT = linked(
    lambda context, library: f"{context.places.libraries}/{library.soname}",
    Linking[Library](
        OutputKind.SHARED_LIBRARY,
        _flags,
        libraries=lambda context, library: context.stubs(library),
        soname=lambda library: library.soname,
        defines_itself=True,
    ),
)


def _preliminary_words(target: Nodes, source: Nodes, env: Environment) -> list[str]:
    library, context = unit_of(env), context_of(env)
    flags = [*context.toolset.shared_library_flags, "-soname", library.soname, "--unresolved-symbols=ignore-all"]
    flags += [*library.variables.link_flags(), *library.link_flags]
    return [*context.toolset.ld, *flags, "-o", str(target[0]), *context.expand(source)]


# A library of a cycle, linked by itself to see what it exports: the stubs of the others are made of theirs.
PRELIMINARY_OBJECT = Kind[Library](
    path=lambda context, library: f"obj/{library.name}/preliminary/{library.soname}",
    step=CommandStep(_preliminary_words, "LD"),
)

"""Interpreter: the dynamic linker of a program's own process, by itself or combined with a library.

What it takes from archives stays inside: it must work before anything is linked.
"""

from collections.abc import Mapping, Sequence

from ambilink.elf.check import OutputKind
from ambilink.scons.api import Node
from ambilink.scons.context import Context
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.units import Interpreter


def path_under_lib(form: Interpreter) -> str:
    return f"interp/{form.soname}" if form.library else form.soname


def _flags(context: Context, form: Interpreter) -> Sequence[str]:
    inside = ["--exclude-libs", "ALL", "-Bsymbolic-functions"]
    return [*context.toolset.shared_library_flags, "-soname", form.soname, "-z", "defs", *inside]


def _archives(context: Context, form: Interpreter) -> Sequence[Node]:
    """The libraries that it names, not what those need: it brings that itself."""
    libraries = [context.library(name, form) for name in form.libs]
    return [context.archive(library, form) for library in libraries if not library.headers_only]


def _libraries(context: Context, form: Interpreter) -> Mapping[str, Node]:
    return context.stubs(form.library) if form.library else {}


INTERPRETER = linked(
    lambda context, form: f"{context.places.libraries}/{path_under_lib(form)}",
    Linking[Interpreter](
        OutputKind.INTERPRETER,
        _flags,
        archives=_archives,
        libraries=_libraries,
        soname=lambda form: form.soname,
        entry=lambda context, form: form.entry,
        defines_itself=True,
    ),
)

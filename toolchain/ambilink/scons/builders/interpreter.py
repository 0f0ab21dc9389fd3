"""Interpreter."""

from collections.abc import Sequence

from ambilink.compile.languages import NO_FLAGS, Flags
from ambilink.errors import known
from ambilink.scons.api import UserError
from ambilink.scons.arguments import CompileFlags, Defines, Folders, Name, Names, OptionalName, Sources, Text
from ambilink.scons.builder import Call, builder
from ambilink.scons.compiling import compile_all
from ambilink.scons.kinds.interpreter import INTERPRETER, path_under_lib
from ambilink.scons.object_set import ObjectSet
from ambilink.scons.sources import refuse_none
from ambilink.scons.units import Interpreter


@builder("Interpreter")
def interpreter(
    call: Call,
    name: Name,
    sources: Sources,
    entry: Text,
    LIBS: Names = (),
    freestanding: Sources = (),
    combined_with: OptionalName = None,
    includes: Folders = (),
    private_includes: Folders = (),
    defines: Defines = (),
    flags: CompileFlags = NO_FLAGS,
) -> Interpreter:
    """A dynamic linker that runs in a program's own process, as PT_INTERP names it.

    Makes `lib/<name>`, which needs no other file; with `combined_with="c"` also `lib/interp/libc.so`, which is that
    library and the interpreter in one file.

    Returns the record of `lib/<name>`, with the nodes `.node`, `.debug`, and `.objects`, a list.

    name: file name under lib/.
    sources: C, C++ and assembly files, for both forms.
    entry: symbol at which it is entered.
    LIBS: libraries whose archives are linked into it, and stay inside.
    freestanding: sources for what a C library would bring, where it stands by itself.
    combined_with: a library, declared before, for the form that is both.
    includes: folders of headers.
    private_includes: folders of headers, searched before those.
    defines: macros.
    flags: for the compiler: of every language, or by language.
    """
    context = call.context
    refuse_none(sources, call.location, f"interpreter {name!r}")
    library = context.libraries.get(combined_with) if combined_with is not None else None
    if combined_with is not None and (library is None or library.shared is None):
        raise UserError(
            f"{call.location}: interpreter {name!r}: combined_with={combined_with!r} is no library with a shared form "
            f"that was declared before; {known(context.libraries, combined_with)}"
        )
    user_flags = Flags((*context.toolset.target.user_flags, "-fvisibility=hidden")) + flags
    separate = Interpreter(
        name,
        call.location,
        call.variables,
        LIBS,
        includes,
        private_includes,
        defines=defines,
        flags=user_flags,
        soname=name,
        entry=entry,
    )
    compile_all(call.env, separate, sources, "pic", Flags(("-fPIC",)))
    common = list(separate.object_sets)
    compile_all(call.env, separate, freestanding, "freestanding", Flags(("-fPIC", "-fno-builtin")))
    _link(call, separate, separate.object_sets)
    if library is not None:
        combined = Interpreter(
            name,
            call.location,
            call.variables,
            LIBS,
            includes,
            private_includes,
            defines=defines,
            flags=user_flags,
            link_flags=library.link_flags,
            soname=library.soname,
            entry=entry,
            library=library,
        )
        _link(call, combined, [*common, *(each for each in library.object_sets if each.form != "static")])
    return separate


def _link(call: Call, form: Interpreter, sets: Sequence[ObjectSet]) -> None:
    call.context.add_interpreter(path_under_lib(form), form)
    form.node, form.debug = INTERPRETER.make(call, form, [each.node for each in sets])

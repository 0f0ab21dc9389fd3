"""Dynamic program: it names its libraries and, as PT_INTERP, the program that links it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ambilink.elf.check import OutputKind, closure
from ambilink.elf.inspect import ElfInfo
from ambilink.errors import AmbilinkError
from ambilink.scons.context import Context
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.units import ANY, Program


def _flags(context: Context, program: Program) -> Sequence[str]:
    # Without an interpreter there is no --no-dynamic-linker either: linkers would bind undefined weak symbols to 0.
    interpreter = ["--dynamic-linker", program.interpreter] if program.interpreter else []
    # -u keeps them from --gc-sections.
    exports = [word for name in program.exported for word in (f"--export-dynamic-symbol={name}", "-u", name)]
    return [*context.toolset.dynamic_program_flags, *interpreter, *exports, "--no-undefined", "--allow-shlib-undefined"]


def _check_exports(context: Context, program: Program, info: ElfInfo, libraries: Mapping[str, Path]) -> None:
    """It has what it says, and what libraries of its LIBS say that they take from it."""
    for name in program.exported:
        if name not in info.defined:
            remedy = "define it, or leave it out"
            raise AmbilinkError(info.path, f"has {name!r} in exports=, and does not define it", remedy)
    defined = set(info.defined).union(*(each.defined for each in closure(info, libraries).values()))
    for library in context.closure(program):
        for name in library.undefined if library.undefined != ANY and library.shared else ():
            if name not in defined:
                raise AmbilinkError(
                    info.path,
                    f"library {library.name!r} takes {name} from who uses it, and {program.title} does not define it",
                    f"define it there, with exports=[{name!r}], or use a library that does",
                )


DYNAMIC_PROGRAM = linked(
    lambda context, program: context.program_path(program),
    Linking[Program](
        OutputKind.DYNAMIC_PROGRAM,
        _flags,
        archives=lambda context, program: context.archives_inside(program),
        libraries=lambda context, program: context.stubs(program),
        interpreter=lambda program: program.interpreter,
        entry=lambda context, program: context.toolset.profile.programs.entry,
        loaded=True,
        finished=_check_exports,
    ),
)

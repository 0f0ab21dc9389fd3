"""Dynamic program: it names its libraries and, as PT_INTERP, the program that links it."""

from collections.abc import Sequence

from ambilink.elf.check import OutputKind
from ambilink.scons.context import Context
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.units import Program


def _flags(context: Context, program: Program) -> Sequence[str]:
    # Without an interpreter there is no --no-dynamic-linker either: linkers would bind undefined weak symbols to 0.
    interpreter = ["--dynamic-linker", program.interpreter] if program.interpreter else []
    return [*context.toolset.dynamic_program_flags, *interpreter, "--no-undefined", "--allow-shlib-undefined"]


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
    ),
)

"""Dynamic program: it names its libraries and, as PT_INTERP, the program that links it."""

from collections.abc import Sequence

from ambilink.elf.check import OutputKind
from ambilink.scons.context import Context
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.units import Program


def _flags(context: Context, program: Program) -> Sequence[str]:
    path = program.interpreter
    interpreter = ["--dynamic-linker", path] if path else ["--no-dynamic-linker"]
    return [*context.toolset.dynamic_program_flags, *interpreter, "--no-undefined", "--allow-shlib-undefined"]


DYNAMIC_PROGRAM = linked(
    lambda context, program: context.program_path(program),
    Linking[Program](
        OutputKind.DYNAMIC_PROGRAM,
        _flags,
        libraries=lambda context, program: context.stubs(program),
        interpreter=lambda program: program.interpreter,
    ),
)

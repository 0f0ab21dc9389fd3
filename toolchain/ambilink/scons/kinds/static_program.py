"""Static program: every archive of its libraries' closure is in it. It runs before there is a dynamic linker."""

from ambilink.elf.check import OutputKind
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.units import Program

STATIC_PROGRAM = linked(
    lambda context, program: context.program_path(program),
    Linking[Program](
        OutputKind.STATIC_PROGRAM,
        flags=lambda context, program: context.toolset.static_program_flags,
        archives=lambda context, program: context.archives(program),
        entry=lambda context, program: context.toolset.profile.programs.entry,
    ),
)

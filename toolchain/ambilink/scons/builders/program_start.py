"""ProgramStart."""

from ambilink.compile.languages import NO_FLAGS, Flags
from ambilink.scons.arguments import CompileFlags, Defines, Folders, Names, Sources
from ambilink.scons.builder import Call, builder
from ambilink.scons.compiling import compile_all
from ambilink.scons.sources import refuse_none
from ambilink.scons.units import Start


@builder("ProgramStart")
def program_start(
    call: Call,
    sources: Sources,
    LIBS: Names = (),
    includes: Folders = (),
    defines: Defines = (),
    flags: CompileFlags = NO_FLAGS,
) -> Start:
    """The code at `_start`, linked into every service that is declared after it. It is declared once.

    sources: C, C++ and assembly files.
    LIBS: libraries whose headers it uses; what it calls, services link.
    includes: folders of headers.
    defines: macros.
    flags: for the compiler: of every language, or by language.
    """
    refuse_none(sources, call.location, "ProgramStart")
    user_flags = Flags(call.context.toolset.target.user_flags) + flags
    start = Start("start", call.location, call.variables, LIBS, includes, defines=defines, flags=user_flags)
    call.context.add_start(start)
    compile_all(call.env, start, sources, "pic", Flags(("-fPIC",)))
    return start

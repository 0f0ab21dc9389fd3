"""ProgramStart."""

from ambilink.scons.arguments import Folders, Names, Sources, Texts
from ambilink.scons.builder import Call, builder
from ambilink.scons.compiling import compile_all
from ambilink.scons.sources import refuse_none
from ambilink.scons.units import Start


@builder("ProgramStart")
def program_start(call: Call, sources: Sources, LIBS: Names = (), includes: Folders = (), flags: Texts = ()) -> Start:
    """The code at `_start`, linked into every service that is declared after it. It is declared once.

    sources: C and assembly files.
    LIBS: libraries whose headers it uses; what it calls, services link.
    includes: folders of headers.
    flags: for the compiler.
    """
    refuse_none(sources, call.location, "ProgramStart")
    user_flags = [*call.context.toolset.target.user_flags, *flags]
    start = Start("start", call.location, LIBS, includes, flags=user_flags)
    call.context.add_start(start)
    compile_all(call.env, start, sources, "pic", ["-fPIC"])
    return start

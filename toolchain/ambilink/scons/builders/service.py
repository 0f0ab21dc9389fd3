"""Service."""

from typing import Annotated

from ambilink.compile.languages import NO_FLAGS, Flags
from ambilink.scons.api import UserError
from ambilink.scons.arguments import (
    CompileFlags,
    Defines,
    Folders,
    Libraries,
    Name,
    OptionalName,
    OptionalText,
    Sources,
    Texts,
    choice,
)
from ambilink.scons.builder import Call, builder
from ambilink.scons.compiling import compile_all
from ambilink.scons.kinds.dynamic_program import DYNAMIC_PROGRAM
from ambilink.scons.kinds.static_program import STATIC_PROGRAM
from ambilink.scons.sources import refuse_none
from ambilink.scons.start import start_sets
from ambilink.scons.units import Program

# Not -fPIE: gcc would then reach into libraries' data by copy relocations, which freeze its size.
PIE = Flags(("-fPIC",))
THE_PROFILES = "programs.interpreter"  # in place of an interpreter: the one that the profile says
KINDS = {"dynamic": DYNAMIC_PROGRAM, "static": STATIC_PROGRAM}


@builder("Service")
def service(
    call: Call,
    name: Name,
    sources: Sources,
    LIBS: Libraries = (),
    linkage: Annotated[str | None, choice("dynamic", "static", optional=True)] = None,
    interp: OptionalText = THE_PROFILES,
    includes: Folders = (),
    defines: Defines = (),
    flags: CompileFlags = NO_FLAGS,
    link_flags: Texts = (),
    exports: Texts = (),
    variant: OptionalName = None,
) -> Program:
    """A program of the system. One that runs before the dynamic linker is static; all others are dynamic, and nothing
    else in the SConscript changes between the two.

    Makes `services/<name>`, stripped, and `services/<name>.debug`.

    Returns a record with the nodes `.node`, `.debug`, and `.objects`, a list.

    name: of the program.
    sources: C, C++ and assembly files.
    LIBS: libraries that it needs, by name, in any order of declaration; without it those of the construction variable
        LIBS.
    linkage: "dynamic" links the stubs of its libraries, "static" their archives, each with all that those need. Without
        it "dynamic", or "static" where the profile has no dynamic programs.
    interp: PT_INTERP of a dynamic program: what links it in images with `linker = "interp"`. Without it the profile's;
        None: it has none, and is dynamic nevertheless.
    includes: folders of headers.
    defines: macros.
    flags: for the compiler: of every language, or by language.
    link_flags: for the linker.
    exports: symbols that libraries find in it, when it uses or opens them (`DualLibrary(undefined=...)`). A static
        program opens none, and exports nothing.
    variant: of its libraries, for a static program: those that have it are linked in this variant.
    """
    refuse_none(sources, call.location, f"service {name!r}")
    profile = call.context.toolset.profile
    programs = profile.programs
    linkage = linkage or ("dynamic" if programs.dynamic != "none" else "static")
    if getattr(programs, linkage) == "none":
        raise UserError(
            f"{call.location}: service {name!r} is {linkage}, and profile {profile.name} has no {linkage} programs; "
            f"choose another linkage=, or set programs.{linkage}"
        )
    if variant is not None and linkage == "dynamic":
        raise UserError(
            f"{call.location}: service {name!r} has variant={variant!r} and is dynamic; variants are archives: give it "
            'linkage="static", or leave out variant='
        )
    program = Program(
        name,
        call.location,
        call.variables,
        LIBS,
        includes,
        defines=defines,
        flags=Flags(call.context.toolset.target.user_flags) + flags,
        link_flags=link_flags,
        variant=variant or "",
        linkage=linkage,
        exported=exports if linkage == "dynamic" else (),
        interpreter=_interpreter(call, interp) if linkage == "dynamic" else None,
    )
    call.context.add_program(program)
    compile_all(call.env, program, sources, "pie", PIE + Flags(call.context.toolset.hosted_flags("programs")))
    sets = [*start_sets(call, linkage), *program.object_sets]
    program.node, program.debug = KINDS[linkage].make(call, program, [each.node for each in sets])
    return program


def _interpreter(call: Call, given: str | None) -> str | None:
    target, programs = call.context.toolset.target, call.context.toolset.profile.programs
    if given != THE_PROFILES:
        return given
    return programs.interpreter.replace("{arch}", target.musl or target.name) or None

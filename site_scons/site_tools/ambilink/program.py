"""Programs: services, static or dynamic, and the kernel.

    ProgramStart(sources, LIBS=[...])   the code at _start, linked into every service; declared once
    Service(name, sources, LIBS=[...], linkage="dynamic", includes=[...], flags=[...], link_flags=[...])
                                        services/<name>; LIBS in the form that the linkage asks for
    Kernel(name, sources, script, includes=[...], flags=[...], system_includes=[...])
                                        <name> in the build folder, linked by a linker script

A service that runs before the dynamic linker is static; all others are dynamic. Nothing else in a
SConscript changes between the two.
"""

from ambilink_scons.compiling import compile_all, dirs
from ambilink_scons.context import Program, Unit, find_site
from ambilink_scons.linking import linker
from SCons.Errors import UserError

from ambilink.elf.check import Linked

# Not -fPIE: gcc would then reach into libraries' data by copy relocations, which freeze its size. Hosted, unlike
# libraries and kernel: main may end without a return.
PIE = ["-fPIC", "-fhosted"]
LINKAGE = {"dynamic": Linked.DYNAMIC_PROGRAM, "static": Linked.STATIC_PROGRAM}


def _program_start(env, sources, LIBS=(), includes=(), flags=()):
    context, site = env["AMBILINK"], find_site(env)
    if context.start is not None:
        raise UserError(f"{site}: the program start was declared at {context.start.site} already")
    user_flags = [*context.toolset.target.user_flags, *flags]
    unit = Unit("start", "start", site, list(LIBS), includes=dirs(env, includes), flags=user_flags)
    compile_all(env, unit, env.Flatten([sources]), "pic", ["-fPIC"])
    context.start = unit
    return unit


def _service(env, name, sources, LIBS=(), linkage="dynamic", includes=(), flags=(), link_flags=()):
    context, site = env["AMBILINK"], find_site(env)
    if linkage not in LINKAGE:
        raise UserError(f"{site}: service {name!r}: linkage={linkage!r}; choose 'dynamic' or 'static'")
    program = Program(
        name,
        "service",
        site,
        list(LIBS),
        includes=dirs(env, includes),
        flags=[*context.toolset.target.user_flags, *flags],
        linkage=linkage,
    )
    context.add_program(program)
    compile_all(env, program, env.Flatten([sources]), "pie", PIE)
    sets = [*(context.start.object_sets if context.start else []), *program.object_sets]
    program.node, program.debug = env.AmbilinkProgramLink(
        context.file(env, "services", name),
        [each.node for each in sets],
        AMBILINK_UNIT=program,
        AMBILINK_KIND=LINKAGE[linkage],
        AMBILINK_LINK_FLAGS=list(link_flags),
    )
    find = context.archives if linkage == "static" else context.shared_objects
    context.depends_late(program.node, lambda: find(program))
    return program


def _kernel(env, name, sources, script, includes=(), system_includes=(), flags=()):
    context, site = env["AMBILINK"], find_site(env)
    program = Program(
        name,
        "kernel",
        site,
        includes=dirs(env, includes),
        system_includes=[str(folder) for folder in system_includes],
        flags=[*context.toolset.target.kernel_flags, *flags],
    )
    context.add_program(program)
    compile_all(env, program, env.Flatten([sources]), "kernel", ["-fno-pic"])
    script = env.File(script)
    program.node, program.debug = env.AmbilinkProgramLink(
        context.file(env, name),
        [each.node for each in program.object_sets],
        AMBILINK_UNIT=program,
        AMBILINK_KIND=Linked.KERNEL,
        AMBILINK_LINK_FLAGS=["-T", script.srcnode().path],
    )
    env.Depends(program.node, script)
    return program


def add_builders(env):
    env["BUILDERS"]["AmbilinkProgramLink"] = linker()
    env.AddMethod(_program_start, "ProgramStart")
    env.AddMethod(_service, "Service")
    env.AddMethod(_kernel, "Kernel")

# mypy: ignore-errors
"""Programs: services, static or dynamic, and their interpreters.

    ProgramStart(sources, LIBS=[...])   the code at _start, linked into every service; declared once
    Service(name, sources, LIBS=[...], linkage="dynamic", interp="/lib/ld.so", includes=[...], flags=[...],
            link_flags=[...])           services/<name>; LIBS in the form that the linkage asks for; a dynamic one names
                                        its interpreter (PT_INTERP), which images with `linker = "interp"` start
    Interpreter(name, sources, entry, LIBS=[...], freestanding=[...], combined_with=None, flags=[...])
                                        lib/<name>: such an interpreter, with nothing else in it; `freestanding`: sources for
                                        what a C library would bring. combined_with="c": lib/interp/libc.so too, which is
                                        the library and the interpreter in one file

A service that runs before the dynamic linker is static; all others are dynamic. Nothing else in a
SConscript changes between the two.
"""

from ambilink.scons.compiling import compile_all, dirs
from ambilink.scons.context import Interpreter, Program, Unit, find_location
from ambilink.scons.linking import linker
from SCons.Errors import UserError

from ambilink.elf.check import OutputKind

# Not -fPIE: gcc would then reach into libraries' data by copy relocations, which freeze its size. Hosted, unlike
# libraries and kernel: main may end without a return.
PIE = ["-fPIC", "-fhosted"]
LINKAGE = {"dynamic": OutputKind.DYNAMIC_PROGRAM, "static": OutputKind.STATIC_PROGRAM}


def _program_start(env, sources, LIBS=(), includes=(), flags=()):
    context, location = env["AMBILINK"], find_location(env)
    if context.start is not None:
        raise UserError(f"{location}: the program start was declared at {context.start.location} already")
    user_flags = [*context.toolset.target.user_flags, *flags]
    unit = Unit("start", "start", location, list(LIBS), includes=dirs(env, includes), flags=user_flags)
    compile_all(env, unit, env.Flatten([sources]), "pic", ["-fPIC"])
    context.start = unit
    return unit


def _service(env, name, sources, LIBS=(), linkage="dynamic", interp="/lib/ld.so", includes=(), flags=(), link_flags=()):
    context, location = env["AMBILINK"], find_location(env)
    if linkage not in LINKAGE:
        raise UserError(f"{location}: service {name!r}: linkage={linkage!r}; choose 'dynamic' or 'static'")
    program = Program(
        name,
        "service",
        location,
        list(LIBS),
        includes=dirs(env, includes),
        flags=[*context.toolset.target.user_flags, *flags],
        linkage=linkage,
        interpreter=interp if linkage == "dynamic" else None,
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


def _link_interpreter(env, form, path, sets, link_flags):
    context = env["AMBILINK"]
    form.node, form.debug = env.AmbilinkProgramLink(
        context.file(env, "lib", path),
        [each.node for each in sets],
        AMBILINK_UNIT=form,
        AMBILINK_KIND=OutputKind.INTERPRETER,
        AMBILINK_LINK_FLAGS=link_flags,
    )
    context.interpreters[path] = form
    library = form.library
    context.depends_late(
        form.node, lambda: [*form.archives(context), *(context.shared_objects(library) if library else [])]
    )


def _interpreter(env, name, sources, entry, LIBS=(), freestanding=(), combined_with=None, includes=(), private_includes=(), flags=()):
    context, location = env["AMBILINK"], find_location(env)
    if combined_with is not None and combined_with not in context.libraries:
        raise UserError(f"{location}: interpreter {name!r}: combined_with={combined_with!r} is no library that was declared before")
    settings = dict(
        includes=dirs(env, includes),
        private_includes=dirs(env, private_includes),
        flags=[*context.toolset.target.user_flags, "-fvisibility=hidden", *flags],
        entry=entry,
    )
    separate = Interpreter(name, "interpreter", location, list(LIBS), soname=name, **settings)
    compile_all(env, separate, env.Flatten([sources]), "pic", ["-fPIC"])
    common = list(separate.object_sets)
    compile_all(env, separate, env.Flatten([freestanding]), "freestanding", ["-fPIC", "-fno-builtin"])
    _link_interpreter(env, separate, name, separate.object_sets, [])
    if combined_with is None:
        return separate
    library = context.libraries[combined_with]
    combined = Interpreter(name, "interpreter", location, list(LIBS), soname=library.soname, library=library, **settings)
    sets = [each for each in library.object_sets if each.form != "static"]
    _link_interpreter(env, combined, f"interp/{library.soname}", [*common, *sets], library.link_flags)
    return separate


def add_builders(env):
    env["BUILDERS"]["AmbilinkProgramLink"] = linker()
    env.AddMethod(_program_start, "ProgramStart")
    env.AddMethod(_service, "Service")
    env.AddMethod(_interpreter, "Interpreter")

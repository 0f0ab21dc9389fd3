# mypy: ignore-errors
"""Linking: the linker itself is called, its output is checked and stripped, and only then gets its final names."""

import os
from pathlib import Path

from ambilink.scons.steps import CommandStep, watched
from SCons.Builder import Builder

from ambilink.elf.check import OutputKind, check
from ambilink.elf.strip import strip
from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically

PART = ".part"
DEBUG = ".debug"
READER_CODE = ("elf/dynamic.py", "elf/file.py", "elf/layout.py", "elf/psabi.py")


def link_inputs(env, unit, kind):
    """The libraries' nodes that a unit links, by its own kind."""
    context = env["AMBILINK"]
    if kind in (OutputKind.SHARED_LIBRARY, OutputKind.DYNAMIC_PROGRAM):
        return context.shared_objects(unit)
    if kind is OutputKind.INTERPRETER:
        return context.shared_objects(unit.library) if unit.library else []
    if kind is OutputKind.MODULE:
        return [node for _, node in unit.inputs(context)]
    return context.archives(unit) if kind is OutputKind.STATIC_PROGRAM else []


def _flags(env, unit, kind):
    toolset = env["AMBILINK"].toolset
    if kind is OutputKind.SHARED_LIBRARY:
        return [*toolset.shared_library_flags, "-soname", unit.soname, "-z", "defs"]
    if kind is OutputKind.DYNAMIC_PROGRAM:
        interpreter = ["--dynamic-linker", unit.interpreter] if unit.interpreter else ["--no-dynamic-linker"]
        return [*toolset.dynamic_program_flags, *interpreter, "--no-undefined", "--allow-shlib-undefined"]
    if kind is OutputKind.INTERPRETER:
        # What archives bring stays inside.
        entry = ["-e", unit.entry, "--exclude-libs", "ALL", "-Bsymbolic-functions"]
        return [*toolset.shared_library_flags, "-soname", unit.soname, "-z", "defs", *entry]
    if kind is OutputKind.MODULE:
        return [*toolset.shared_library_flags, "-soname", unit.soname, "-z", "defs"]
    if kind is OutputKind.STATIC_PROGRAM:
        return list(toolset.static_program_flags)
    return list(toolset.kernel_link_flags)


def _link_words(source, target, env):
    context, unit, kind = env["AMBILINK"], env["AMBILINK_UNIT"], env["AMBILINK_KIND"]
    libraries = [str(node) for node in link_inputs(env, unit, kind)]
    if kind is OutputKind.INTERPRETER:
        archives = [str(node) for node in unit.archives(context)]
        libraries = ["--start-group", *archives, "--end-group", *libraries]
    if kind is OutputKind.STATIC_PROGRAM:
        libraries = ["--start-group", *libraries, "--end-group"]
    flags = [*_flags(env, unit, kind), *env["AMBILINK_LINK_FLAGS"]]
    return [*context.toolset.ld, *flags, "-o", f"{target[0]}{PART}", *context.expand(source), *libraries]


def _finish(target, source, env):
    """Check what the linker wrote; strip and rename it, or remove it and say why."""
    context, unit, kind = env["AMBILINK"], env["AMBILINK_UNIT"], env["AMBILINK_KIND"]
    part, final, debug = Path(f"{target[0]}{PART}"), Path(str(target[0])), Path(str(target[1]))
    libraries = {}
    needer = unit.library if kind is OutputKind.INTERPRETER and unit.library else unit
    for node, library in zip(link_inputs(env, unit, kind), context.closure(needer), strict=False):
        libraries[library.soname] = Path(str(node))
    if kind is OutputKind.MODULE:
        libraries = {soname: Path(str(node)) for soname, node in unit.inputs(context)}
    if kind in (OutputKind.SHARED_LIBRARY, OutputKind.INTERPRETER):
        libraries[unit.soname] = part  # libraries that need each other
    soname = unit.soname if kind in (OutputKind.SHARED_LIBRARY, OutputKind.INTERPRETER, OutputKind.MODULE) else None
    interpreter = unit.interpreter if kind is OutputKind.DYNAMIC_PROGRAM else None
    try:
        check(part, kind, libraries, [Path(path) for path in context.expand(source)], soname, interpreter)
        shipped, symbols = strip(part.read_bytes(), part, debug.name, keep_symbols=kind is OutputKind.KERNEL)
        write_atomically(debug, symbols)
        write_atomically(final, shipped)
        os.chmod(final, 0o755)
    except AmbilinkError as error:
        where = error.where.replace(str(part), str(final))
        raise AmbilinkError(where, error.rule, f"{error.remedy} [{unit.location}]".lstrip()) from error
    finally:
        part.unlink(missing_ok=True)


def _libraries(node, env):
    unit, kind = env["AMBILINK_UNIT"], env["AMBILINK_KIND"]
    archives = unit.archives(env["AMBILINK"]) if kind is OutputKind.INTERPRETER else []
    return [*link_inputs(env, unit, kind), *archives]


def _with_debug(target, source, env):
    return [target[0], env.File(f"{target[0]}{DEBUG}")], source


def linker():
    """A builder for final links: the shipped file, and its debug file."""
    code = (*READER_CODE, "elf/check.py", "elf/inspect.py", "elf/strip.py")
    step = CommandStep(_link_words, "LD", _finish, code=code)
    return Builder(action=step.action(), emitter=_with_debug, target_scanner=watched(_libraries))

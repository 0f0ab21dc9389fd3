"""Linking: the linker itself is called, its output is checked, and only then gets its final name."""

import os
import sys
from pathlib import Path

from ambilink_scons.compiling import command_action
from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Scanner import Base

from ambilink.elf.check import Linked, check
from ambilink.errors import AmbilinkError

PART = ".part"


def link_inputs(env, unit, kind):
    """The libraries' nodes that a unit links, by its own kind."""
    context = env["AMBILINK"]
    if kind in (Linked.SHARED_LIBRARY, Linked.DYNAMIC_PROGRAM):
        return context.shared_objects(unit)
    return context.archives(unit) if kind is Linked.STATIC_PROGRAM else []


def _flags(env, unit, kind):
    toolset = env["AMBILINK"].toolset
    if kind is Linked.SHARED_LIBRARY:
        return [*toolset.shared_library_flags, "-soname", unit.soname, "-z", "defs"]
    if kind is Linked.DYNAMIC_PROGRAM:
        return [*toolset.dynamic_program_flags, "--no-undefined", "--allow-shlib-undefined"]
    if kind is Linked.STATIC_PROGRAM:
        return list(toolset.static_program_flags)
    return list(toolset.kernel_link_flags)


def _link_words(source, target, env):
    unit, kind = env["AMBILINK_UNIT"], env["AMBILINK_KIND"]
    libraries = [str(node) for node in link_inputs(env, unit, kind)]
    if kind is Linked.STATIC_PROGRAM:
        libraries = ["--start-group", *libraries, "--end-group"]
    flags = [*_flags(env, unit, kind), *env["AMBILINK_LINK_FLAGS"]]
    return [*env["AMBILINK"].toolset.ld, *flags, "-o", f"{target[0]}{PART}", *map(str, source), *libraries]


def _finish(target, source, env):
    """Check what the linker wrote; rename it, or remove it and say why."""
    unit, kind = env["AMBILINK_UNIT"], env["AMBILINK_KIND"]
    part, final = Path(f"{target[0]}{PART}"), Path(str(target[0]))
    libraries = {}
    for node, library in zip(link_inputs(env, unit, kind), env["AMBILINK"].closure(unit), strict=False):
        libraries[library.soname] = Path(str(node))
    if kind is Linked.SHARED_LIBRARY:
        libraries[unit.soname] = part  # libraries that need each other
    soname = unit.soname if kind is Linked.SHARED_LIBRARY else None
    try:
        check(part, kind, libraries, [Path(str(node)) for node in source], soname)
    except AmbilinkError as error:
        part.unlink(missing_ok=True)
        print(f"ambilink: {str(error).replace(str(part), str(final))} [{unit.site}]", file=sys.stderr)
        return 1
    os.replace(part, final)
    return 0


def _scan_libraries(node, env, path):
    return list(link_inputs(env, env["AMBILINK_UNIT"], env["AMBILINK_KIND"]))


def linker():
    """A builder for final links."""
    link = command_action(_link_words, "LD")
    finish = Action(_finish, cmdstr=None)
    return Builder(action=[link, finish], target_scanner=Base(_scan_libraries, name="AmbilinkLibraries"))

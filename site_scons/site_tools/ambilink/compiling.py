"""Compiling: one builder for C and assembly, whose command line and header search are found at build time."""

import os
import subprocess
import sys
from pathlib import Path

from SCons.Action import CommandAction
from SCons.Builder import Builder
from SCons.Scanner import ClassicCPP

INCLUDE = r'^[ \t]*#[ \t]*include[ \t]*(<|")([^>"]+)(>|")'
SOURCE_SUFFIXES = (".c", ".h", ".S", ".s")


def _spawn(shell, escape, command, arguments, environment):
    """Start a program without a shell: one process less, and no shell is needed on the PATH."""
    try:
        return subprocess.call(arguments, env=environment)
    except OSError as error:
        print(f"ambilink: {command}: cannot be started ({error.strerror})", file=sys.stderr)
        return 127


# For builders whose actions are plain lists of words.
DIRECT = {"SPAWN": _spawn, "ESCAPE": lambda word: word}


def message(env, word):
    """Settings of an action that is announced by one short line, or, with AMBILINK_VERBOSE, in full."""
    return {} if env["AMBILINK_VERBOSE"] else {"strfunction": lambda target, source, env: f"  {word:<5} {target[0]}"}


def late_command(env, variable, function, **settings):
    """An action whose words `function(source, target, env, for_signature)` finds when they are needed.

    A generator action would be asked while SConscripts are read, before every library is known.
    """

    def words(target, source, env, for_signature):
        return function(source, target, env, for_signature)

    env[variable] = words
    return CommandAction(f"${variable}", **settings)


def command_line(env, unit, source, target, form_flags):
    context = env["AMBILINK"]
    toolset = context.toolset
    includes = []
    if not str(source).endswith(".s"):
        includes += [f"-I{folder}" for folder in context.include_dirs(unit)]
        # Before the compiler's own headers: libc's limits.h and stddef.h must win.
        for folder in context.system_includes(unit):
            includes += ["-isystem", folder]
    line = [*toolset.cc, "-c", "-o", str(target), *includes, *toolset.compile_flags, *form_flags]
    line += [*env["AMBILINK_FLAGS"], *unit.flags]
    return [*line, str(source)]


def _generate_compile(source, target, env, for_signature):
    return command_line(env, env["AMBILINK_UNIT"], source[0], target[0], env["AMBILINK_FORM_FLAGS"])


def _include_path(env, dir=None, target=None, source=None, argument=None):
    context = env["AMBILINK"]
    return tuple(context.include_dirs(env["AMBILINK_UNIT"]))


def add_object_builder(env):
    scanner = ClassicCPP("AmbilinkIncludes", list(SOURCE_SUFFIXES), "CPPPATH", INCLUDE)
    scanner.path_function = _include_path
    action = late_command(env, "AMBILINK_COMPILE_LINE", _generate_compile, **message(env, "CC"))
    env["BUILDERS"]["AmbilinkObject"] = Builder(action=action, source_scanner=scanner, single_source=True, **DIRECT)


def _object_names(env, sources):
    """For each source the path of its object without suffix: relative to the SConscript, or, for sources of
    elsewhere, to the folder that they have in common."""
    here = Path(env.Dir(".").srcnode().abspath)
    paths = [Path(source.srcnode().abspath) for source in sources]
    outside = [path for path in paths if not path.is_relative_to(here)]
    common = Path(os.path.commonpath([path.parent for path in outside])) if outside else here
    return [str(path.relative_to(here if path.is_relative_to(here) else common)) for path in paths]


def compile_all(env, unit, sources, form, form_flags):
    """Object nodes for all sources under obj/<unit>/<form>/."""
    context = env["AMBILINK"]
    nodes = env.arg2nodes(sources, env.fs.File)
    objects = []
    for source, name in zip(nodes, _object_names(env, nodes), strict=True):
        target = context.file(env, "obj", unit.name, form, f"{name}.o")
        objects += env.AmbilinkObject(target, source, AMBILINK_UNIT=unit, AMBILINK_FORM_FLAGS=form_flags)
        context.compilations.append((env, unit, source, target, form_flags))
    return objects


def dirs(env, folders):
    return [env.Dir(folder) for folder in folders]

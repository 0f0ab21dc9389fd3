"""Compiling: one builder for C and assembly, whose command line and header search are found at build time."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Scanner import ClassicCPP

INCLUDE = r'^[ \t]*#[ \t]*include[ \t]*(<|")([^>"]+)(>|")'
SOURCE_SUFFIXES = (".c", ".h", ".S", ".s")


class Command:
    """An action that starts one program, without a shell, by words that `function(source, target, env)` finds.

    The words are asked for when they are needed, not while SConscripts are read, when not every library is
    known; and they are not expanded, which is most of what SCons does where there are many commands.
    """

    def __init__(self, function):
        self._function = function

    def words(self, target, source, env):
        return [str(word) for word in self._function(source, target, env)]

    def __call__(self, target, source, env):
        words = self.words(target, source, env)
        try:
            return subprocess.call(words, env=env["ENV"])
        except OSError as error:
            print(f"ambilink: {words[0]}: cannot be started ({error.strerror})", file=sys.stderr)
            return 127

    def contents(self, target, source, env):
        """What SCons compares to see whether the command changed."""
        return " ".join(self.words(target, source, env)).encode()


def command_action(function, word):
    """Announced by one short line, or, with AMBILINK_VERBOSE, in full."""
    command = Command(function)

    def announce(target, source, env):
        return shlex.join(command.words(target, source, env)) if env["AMBILINK_VERBOSE"] else f"  {word:<5} {target[0]}"

    action = Action(command, strfunction=announce)
    # SCons would look at the code of Command, which is the same for all commands, and never at the words.
    action.gc = command.contents
    return action


def function_action(function, word):
    return Action(function, strfunction=lambda target, source, env: f"  {word:<5} {target[0]}")


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


def _compile_words(source, target, env):
    return command_line(env, env["AMBILINK_UNIT"], source[0], target[0], env["AMBILINK_FORM_FLAGS"])


def _include_path(env, dir=None, target=None, source=None, argument=None):
    context = env["AMBILINK"]
    return tuple(context.include_dirs(env["AMBILINK_UNIT"]))


def add_object_builder(env):
    scanner = ClassicCPP("AmbilinkIncludes", list(SOURCE_SUFFIXES), "CPPPATH", INCLUDE)
    scanner.path_function = _include_path
    action = command_action(_compile_words, "CC")
    env["BUILDERS"]["AmbilinkObject"] = Builder(action=action, source_scanner=scanner, single_source=True)


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

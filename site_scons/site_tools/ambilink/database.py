"""CompileCommands: compile_commands.json for editors and checkers.

CompileCommands(target="#compile_commands.json")   called last, when everything was declared
"""

import json
from pathlib import Path

from ambilink_scons.compiling import command_line, function_action
from SCons.Builder import Builder
from SCons.Util import hash_signature

from ambilink.files import write_atomically


def _text(env):
    top = env.Dir("#").abspath
    entries = [
        {
            "directory": top,
            "file": str(source),
            "output": str(target),
            "arguments": command_line(unit_env, unit, source, target, flags),
        }
        for unit_env, unit, source, target, flags in env["AMBILINK"].compilations
    ]
    return json.dumps(entries, indent=1)


def _write(target, source, env):
    write_atomically(Path(str(target[0])), _text(env).encode())


def _compile_commands(env, target="#compile_commands.json"):
    return env.AmbilinkDatabase(env.File(target), env.Value(hash_signature(_text(env))))


def add_builders(env):
    env["BUILDERS"]["AmbilinkDatabase"] = Builder(action=function_action(_write, "JSON"))
    env.AddMethod(_compile_commands, "CompileCommands")

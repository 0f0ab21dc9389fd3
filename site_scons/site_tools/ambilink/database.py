"""CompileCommands: compile_commands.json for editors and checkers.

    CompileCommands(target="#compile_commands.json")
"""

import json
from pathlib import Path

from ambilink.files import write_atomically
from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Node.Python import Value

from ambilink_scons.compiling import command_line, message


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


class _Database(Value):
    """All command lines as one value, put together when somebody asks: after every SConscript was read."""

    def __init__(self, env):
        super().__init__("compile commands", name="compile commands")
        self._env = env

    def get_text_contents(self):
        return _text(self._env)

    def get_contents(self):
        return self.get_text_contents().encode()

    def get_csig(self, calc=None):
        from SCons.Util import hash_signature

        return hash_signature(self.get_text_contents())


def _write(target, source, env):
    write_atomically(Path(str(target[0])), _text(env).encode())


def _compile_commands(env, target="#compile_commands.json"):
    return env.AmbilinkDatabase(env.File(target), _Database(env))


def add_builders(env):
    env["BUILDERS"]["AmbilinkDatabase"] = Builder(
        action=Action(_write, **message(env, "JSON"))
    )
    env.AddMethod(_compile_commands, "CompileCommands")

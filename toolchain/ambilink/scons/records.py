# mypy: ignore-errors
"""Records of a build.

CompileCommands(target="#compile_commands.json")
                         for editors and checkers; called last, when everything was declared
Profile(name, targets, file)
                         an alias that builds targets and writes when each step ran, for trace viewers
"""

import json
from pathlib import Path

import SCons.Script
from ambilink.scons.steps import FunctionStep
from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Util import hash_signature

from ambilink.files import write_atomically


def _entries(env):
    top = env.Dir("#").abspath
    for each in env["AMBILINK"].sets.values():
        words = [word for word in each.recipe.words if word not in env["AMBILINK"].launcher]
        for job in each.jobs:
            arguments = [*words, "-o", job.target, job.source]
            yield {"directory": top, "file": job.source, "output": job.target, "arguments": arguments}


def _write(target, source, env):
    write_atomically(Path(str(target[0])), json.dumps(list(_entries(env)), indent=1).encode())


def _compile_commands(env, target="#compile_commands.json"):
    sets = env["AMBILINK"].sets.values()
    recipes = [(each.recipe.key, [(job.target, job.source) for job in each.jobs]) for each in sets]
    return env.AmbilinkDatabase(env.File(target), env.Value(hash_signature(repr(recipes))))


def _profile(env, name, targets, file):
    def ask(target, source, env):
        return 0

    if name in map(str, SCons.Script.COMMAND_LINE_TARGETS):
        env["AMBILINK"].profile = env.File(file).path
    return env.AlwaysBuild(env.Alias(name, targets, Action(ask, cmdstr=None)))


def add_builders(env):
    env["BUILDERS"]["AmbilinkDatabase"] = Builder(action=FunctionStep(_write, "JSON").action())
    env.AddMethod(_compile_commands, "CompileCommands")
    env.AddMethod(_profile, "Profile")

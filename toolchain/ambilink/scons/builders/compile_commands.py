"""CompileCommands."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ambilink.files import write_atomically
from ambilink.scons.api import Builder, Environment, Node, Nodes, signature_of_text
from ambilink.scons.arguments import OptionalFile
from ambilink.scons.builder import Call, builder
from ambilink.scons.context import context_of
from ambilink.scons.steps import FunctionStep


@builder("CompileCommands")
def compile_commands(call: Call, target: OptionalFile = None) -> list[Node]:
    """The compile commands of everything that was declared, as JSON for editors and checkers. Call it last.

    Returns a list of one node.

    target: the file; without it `compile_commands.json` at the top.
    """
    sets = call.context.sets.values()
    recipes = [(each.recipe_of(job).key, job.target, job.source) for each in sets for job in each.jobs]
    value = call.env.Value(signature_of_text(repr([call.context.top, recipes])))
    nodes: list[Node] = _builder()(call.env, target or call.env.File("#compile_commands.json"), value)
    return nodes


def _entries(env: Environment) -> Iterator[dict[str, object]]:
    context = context_of(env)
    for each in context.sets.values():
        for job in each.jobs:
            arguments = replace(each.recipe_of(job), launcher=()).command(job.source, job.target)
            yield {"directory": context.top, "file": job.source, "output": job.target, "arguments": arguments}


def _write(target: Nodes, source: Nodes, env: Environment) -> None:
    write_atomically(Path(str(target[0])), json.dumps(list(_entries(env)), indent=1).encode())


@cache
def _builder() -> Any:
    return Builder(action=FunctionStep(_write, "JSON").action())

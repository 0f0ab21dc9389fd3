"""What a kind of outputs is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from ambilink.scons.api import Builder, Environment, Node, Nodes
from ambilink.scons.builder import Call
from ambilink.scons.context import Context, context_of
from ambilink.scons.steps import BuildStep, watched
from ambilink.scons.units import Unit

U = TypeVar("U", bound=Unit)
ELF_CODE = ("elf",)  # the code that reads and writes ELF files: a step of it is another one if that changes


def none(context: Context, unit: Any) -> list[Node]:
    return []


@dataclass(eq=False)
class Kind(Generic[U]):
    path: Callable[[Context, U], str]  # where it goes, from the build folder
    step: BuildStep  # what makes it
    inputs: Callable[[Context, U], Sequence[Node]] = none  # beside the sources, known when all is declared
    debug: bool = False  # it has a debug file beside it

    @cached_property
    def _builder(self) -> Any:
        def scan(node: Node, env: Environment) -> Sequence[Node]:
            return self.inputs(context_of(env), unit_of(env))

        def with_debug(target: Nodes, source: Nodes, env: Environment) -> tuple[list[Node], Nodes]:
            debug = context_of(env).debug_path(target[0].path)
            return [target[0], env.File(debug, env.Dir("#"))], source

        more = {"emitter": with_debug} if self.debug else {}
        return Builder(action=self.step.action(), target_scanner=watched(scan), **more)

    def make(self, call: Call, unit: U, sources: Sequence[Node]) -> list[Node]:
        """Declare the output of a unit; its node, and that of its debug file."""
        target = call.context.file(self.path(call.context, unit), call.location)
        nodes = cast("list[Node]", self._builder(call.env, target, list(sources), AMBILINK_UNIT=unit))
        if call.env.fs.Top.getRepositories():  # those of a repository that are right are copied: commands name ours
            call.env.Local(nodes)
        call.context.depends_late(nodes[0], lambda: self.inputs(call.context, unit))
        return nodes


def unit_of(env: Environment) -> Any:
    """The unit that a step works for."""
    return env["AMBILINK_UNIT"]

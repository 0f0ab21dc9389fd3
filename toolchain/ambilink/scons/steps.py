"""Steps: the actions of this tool's builders. Each is announced, timed, and recorded with its reason.

A command is started without a shell by words that are found when they are needed, not while SConscripts are read,
when not every library is known; they are not expanded, which is most of what SCons does where there are many.
"""

import shlex
import time
from collections.abc import Callable, Sequence
from typing import Any

from ambilink.errors import AmbilinkError
from ambilink.incremental.journal import Step
from ambilink.incremental.reading import READING
from ambilink.incremental.slots import Stopped
from ambilink.scons.api import Environment, Node, Nodes, Scanner, make_action
from ambilink.scons.context import Context, context_of, refuse_aside
from ambilink.scons.reasons import why
from ambilink.scons.tasks import StoppedError, stops_at_failures


class BuildStep:
    """What SCons calls to make a target; `word` is how it is announced."""

    failure = "the step that makes it failed the last time"
    shows_itself = False  # what it returns was printed while it ran

    def __init__(self, word: str, code: Sequence[str] = ()) -> None:
        self.word = word
        self._code = code  # files of the package `ambilink` whose change makes it another step

    def make(self, target: Nodes, source: Nodes, env: Environment, context: Context) -> tuple[int, str]:
        """Do it; return exit status and what is to be printed."""
        raise NotImplementedError

    def wording(self, target: Nodes, source: Nodes, env: Environment) -> str:
        """What the step is, beside its code: another wording is another step."""
        raise NotImplementedError

    def contents(self, target: Nodes, source: Nodes, env: Environment) -> bytes:
        """What SCons compares to see whether the step itself changed."""
        return " ".join([self.wording(target, source, env), *map(context_of(env).code_digest, self._code)]).encode()

    def __call__(self, target: Nodes, source: Nodes, env: Environment) -> int:
        context = context_of(env)
        name = str(target[0])
        refuse_aside(env, name)
        reasons, causes = why(target[0])
        slot = context.journal.take_slot()
        context.progress.started(self.word, name, self.announcement(target, source, env))
        start, clock = time.time(), time.perf_counter()
        try:
            status, output = self.make(target, source, env, context)
        except AmbilinkError as error:
            status, output = 1, f"ambilink: {error}"
        except Stopped:
            context.journal.release_slot(slot)
            context.progress.dropped(name)
            raise StoppedError(target[0]) from None
        step = Step(self.word, name, start, time.perf_counter() - clock, slot, status, False, reasons, causes)
        context.journal.add(step)
        if status == 0:
            for node in target:
                context.journal.wrote(node.path)
        else:
            for node in target:
                context.journal.failed(node.path, self.failure)
        context.progress.finished(name, output, failed=status != 0, shown=self.shows_itself)
        if status and stops_at_failures(env):
            context.slots.stop()
        return status

    def announcement(self, target: Nodes, source: Nodes, env: Environment) -> str | None:
        return None

    def dry_run(self, target: Nodes, source: Nodes, env: Environment) -> str | None:
        """Printed where nothing is executed: SCons announces nothing by itself."""
        if not env.GetOption("no_exec"):
            return None
        context_of(env).dry_steps += 1
        return self.announcement(target, source, env) or f"  {self.word:<5} {target[0]}"

    def action(self) -> Any:
        return make_action(self, self.dry_run, self.contents)


class CommandStep(BuildStep):
    """Starts one program; `function(target, source, env)` finds its words, `prepare` comes before it and `finish`
    after it, with what the program printed; both may raise AmbilinkError. `explain` adds to what a program that
    failed printed, `clear` comes last, whatever happened. `version(env)` is what they depend on beside the words."""

    def __init__(
        self,
        function: Callable[[Nodes, Nodes, Environment], Sequence[str]],
        word: str,
        *,
        prepare: Callable[[Nodes, Nodes, Environment], None] | None = None,
        finish: Callable[[Nodes, Nodes, Environment, str], None] | None = None,
        version: Callable[[Environment], str] | None = None,
        explain: Callable[[Environment, str], str] | None = None,
        clear: Callable[[Nodes, Nodes, Environment], None] | None = None,
        code: Sequence[str] = (),
    ) -> None:
        super().__init__(word, code)
        self._function, self._prepare, self._finish = function, prepare, finish
        self._explain, self._clear = explain, clear
        self._version = version

    def announcement(self, target: Nodes, source: Nodes, env: Environment) -> str | None:
        if env["AMBILINK_VERBOSE"]:
            return shlex.join(self._function(target, source, env))
        return None

    def make(self, target: Nodes, source: Nodes, env: Environment, context: Context) -> tuple[int, str]:
        try:
            return self._make(target, source, env, context)
        finally:
            if self._clear is not None:
                self._clear(target, source, env)

    def _make(self, target: Nodes, source: Nodes, env: Environment, context: Context) -> tuple[int, str]:
        if self._prepare is not None:
            self._prepare(target, source, env)
        done = context.slots.run(self._function(target, source, env), env["ENV"])
        if done.status == 0 and self._finish is not None:
            try:
                self._finish(target, source, env, done.output)
            except AmbilinkError as error:
                return 1, f"{done.output}ambilink: {error}"
        if done.status and self._explain is not None:
            return done.status, self._explain(env, done.output)
        return done.status, done.output

    def wording(self, target: Nodes, source: Nodes, env: Environment) -> str:
        words = [*self._function(target, source, env), self._version(env) if self._version else ""]
        return context_of(env).general(" ".join(words))


class FunctionStep(BuildStep):
    """Calls `function(target, source, env)`, which may raise AmbilinkError. `version(env)` is what it depends on beside
    its sources."""

    def __init__(
        self,
        function: Callable[[Nodes, Nodes, Environment], None],
        word: str,
        *,
        version: Callable[[Environment], str] | None = None,
        code: Sequence[str] = (),
    ) -> None:
        super().__init__(word, code)
        self._function, self._version = function, version

    def make(self, target: Nodes, source: Nodes, env: Environment, context: Context) -> tuple[int, str]:
        self._function(target, source, env)
        return 0, ""

    def wording(self, target: Nodes, source: Nodes, env: Environment) -> str:
        return f"{self._function.__qualname__} {self._version(env) if self._version else ''}"


def watched(function: Callable[[Node, Environment], Sequence[Node]] | None = None) -> Any:
    """A target scanner that also notices outputs that were altered since they were made: they are built again.

    `function(node, env)` finds more dependencies."""

    def scan(node: Node, env: Environment, path: object) -> list[Node]:
        if READING.active:
            READING.end()  # scripts are read to their end
        context_of(env).verify_files()
        context_of(env).rebuild_if_altered(node)
        return list(function(node, env)) if function else []

    return Scanner(scan, name="AmbilinkWatched")

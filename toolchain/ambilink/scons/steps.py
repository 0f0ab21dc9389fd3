# mypy: ignore-errors
"""Steps: the actions of this tool's builders. Each is announced, timed, and remembered with its reason.

A command is started without a shell by words that are found when they are needed, not while SConscripts are read,
when not every library is known; they are not expanded, which is most of what SCons does where there are many.
"""

import os
import shlex
import time

import SCons.Util
from SCons.Action import Action
from SCons.Scanner import Base

from ambilink.errors import AmbilinkError
from ambilink.incremental.journal import Step


class BuildStep:
    """What SCons calls to make a target; `word` is how it is announced."""

    def __init__(self, word, code=()):
        self.word = word
        self._code = code  # files of the package `ambilink` whose change makes it another step

    def make(self, target, source, env, context):
        """Do it; return exit status and what is to be printed."""
        raise NotImplementedError

    def contents(self, target, source, env):
        """What SCons compares to see whether the step itself changed."""
        return " ".join([self.wording(target, source, env), *map(env["AMBILINK"].code_digest, self._code)]).encode()

    def wording(self, target, source, env):
        raise NotImplementedError

    def __call__(self, target, source, env):
        context = env["AMBILINK"]
        name = str(target[0])
        reasons, causes = why(target[0])
        slot = context.journal.take_slot()
        context.progress.started(self.word, name, self.announcement(target, source, env))
        start, clock = time.time(), time.perf_counter()
        status, output = self.make(target, source, env, context)
        step = Step(self.word, name, start, time.perf_counter() - clock, slot, status, False, reasons, causes)
        context.journal.add(step)
        if status == 0:
            for node in target:
                context.journal.wrote(node.path)
        context.progress.finished(name, output)
        return status

    def announcement(self, target, source, env):
        return None

    def dry_run(self, target, source, env):
        """Printed where nothing is executed: SCons announces nothing by itself."""
        if not env.GetOption("no_exec"):
            return None
        return self.announcement(target, source, env) or f"  {self.word:<5} {target[0]}"

    def action(self):
        action = Action(self, strfunction=self.dry_run)
        # SCons would look at the code of this class, which is the same for all steps.
        action.gc = self.contents
        return action


class CommandStep(BuildStep):
    """Starts one program; `function(source, target, env)` finds its words, `finish(target, source, env)` comes
    after it and may raise AmbilinkError."""

    def __init__(self, function, word, finish=None, captured=True, code=()):
        super().__init__(word, code)
        self._function = function
        self._finish = finish
        self._captured = captured

    def words(self, target, source, env):
        return [str(word) for word in self._function(source, target, env)]

    def announcement(self, target, source, env):
        if env["AMBILINK_VERBOSE"]:
            return shlex.join(self.words(target, source, env))
        return None if self._captured else f"  {self.word:<5} {target[0]}"

    def make(self, target, source, env, context):
        done = context.slots.run(self.words(target, source, env), env["ENV"], capture=self._captured)
        if done.status == 0 and self._finish is not None:
            try:
                self._finish(target, source, env)
            except AmbilinkError as error:
                return 1, f"{done.output}ambilink: {error}"
        return done.status, done.output

    def wording(self, target, source, env):
        return env["AMBILINK"].general(" ".join(self.words(target, source, env)))


class FunctionStep(BuildStep):
    """Calls `function(target, source, env)`, which may raise AmbilinkError. `version(target, source, env)` is what
    it depends on beside its sources."""

    def __init__(self, function, word, version=None, code=()):
        super().__init__(word, code)
        self._function = function
        self._version = version

    def make(self, target, source, env, context):
        try:
            self._function(target, source, env)
        except AmbilinkError as error:
            return 1, f"ambilink: {error}"
        return 0, ""

    def wording(self, target, source, env):
        extra = self._version(target, source, env) if self._version else ""
        return f"{self._function.__qualname__} {extra}"


def why(node):
    """Reasons in words, and the files that changed, by what SCons remembers of the last time."""
    stored = node.get_stored_info()
    if stored is None or not hasattr(stored.binfo, "bactsig"):
        return ["it was never built"], []
    old = stored.binfo
    try:
        old.prepare_dependencies()
        before = dict(
            zip(
                old.bsources + old.bdepends + old.bimplicit,
                old.bsourcesigs + old.bdependsigs + old.bimplicitsigs,
                strict=False,
            )
        )
    except AttributeError:
        return ["it was never built"], []
    before = {_name(child, node): info for child, info in before.items()}
    reasons, causes = [], []
    children = {str(child): child for child in node.children()}
    for name, child in children.items():
        if name not in before:
            reasons.append(f"{name} is needed now")
            causes.append(name)
        elif child.get_csig() != getattr(before[name], "csig", None):
            reasons.append(f"{name} changed")
            causes.append(name)
    reasons += [f"{name} is not needed any more" for name in before if name not in children]
    if not reasons and node.always_build:
        reasons.append(getattr(node.attributes, "ambilink_reason", "it is always built"))
    if not reasons and old.bactsig != node.get_binfo().bactsig:
        reasons.append("its command changed")
    return reasons or ["it was removed"], causes


def _name(child, node):
    """The stored form of a dependency as a path from the top."""
    return str(node.dir.Entry(child)) if hasattr(child, "dir") else str(child)


def watched(function=None):
    """A target scanner that also notices outputs which somebody else altered: they are built again.

    `function(node, env)` finds more dependencies."""

    def scan(node, env, path):
        _rebuild_if_altered(node, env)
        return function(node, env) if function else []

    return Base(scan, name="AmbilinkWatched")


def _rebuild_if_altered(node, env):
    journal = env["AMBILINK"].journal
    stored = node.get_stored_info()
    csig = getattr(getattr(stored, "ninfo", None), "csig", None)
    if csig is None or not os.path.exists(node.abspath) or journal.unaltered(node.path):
        return
    if SCons.Util.hash_file_signature(node.abspath) == csig:
        journal.wrote(node.path)  # touched
        return
    env["AMBILINK"].build_again(node)
    node.attributes.ambilink_reason = "it was altered by somebody else"

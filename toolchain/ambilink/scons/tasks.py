"""What SCons' tasks do differently where this tool is loaded: reasons are the true ones, a dry run follows what would
change, and what was stopped is no failure of its own.

SCons has no hooks for these, so functions and methods of it are wrapped, once; nodes that this tool did not make, and
what does not depend on such a node, are handled as ever.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import SCons.Errors
import SCons.Node
import SCons.Node.FS
import SCons.SConsign
import SCons.Script.Main
import SCons.Taskmaster
import SCons.Taskmaster.Job

from ambilink.scons.api import Environment, Node, is_file

CLIMBING = (1, 3)  # -u, -U
ENDING_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
INTERRUPTED = getattr(SCons.Taskmaster.Job, "interrupt_msg", "Build interrupted.")
_OURS = "ambilink_made"  # attribute of nodes that this tool makes
_REASON = "ambilink_reason"
_BY_ENVIRONMENT = (SCons.Node.decide_source, SCons.Node.decide_target)
_began: list[bool] = []
_would_change: set[Node] = set()  # in a dry run
_cleaned: list[Node] = []
_on_failure: list[Callable[[], None]] = []


class StoppedError(SCons.Errors.BuildError):  # type: ignore[misc]
    """A target was not made because the build stops for another reason, which was reported."""

    def __init__(self, node: Node) -> None:
        super().__init__(node, errstr="stopped")


def mark(node: Node) -> None:
    """This tool makes it."""
    setattr(node.attributes, _OURS, True)


def is_ours(node: Node) -> bool:
    return bool(getattr(node.attributes, _OURS, False))


def build_anyway(node: Node, reason: str) -> None:
    """Whatever SCons thinks of it."""
    node.set_always_build(True)
    setattr(node.attributes, _REASON, reason)


def reason_of(node: Node) -> str | None:
    """Of a node that is built anyway."""
    return getattr(node.attributes, _REASON, None)


def stops_at_failures(env: Environment) -> bool:
    return not (env.GetOption("keep_going") or env.GetOption("ignore_errors"))


def would_change(node: Node) -> bool:
    """Whether a dry run found that it would be made."""
    return node in _would_change


def database() -> str:
    """The file in which SCons remembers what it made."""
    name = SCons.SConsign.DB_Name or SCons.SConsign.current_sconsign_filename()
    return f"{str(name).removesuffix('.dblite')}.dblite"


def forget_signatures() -> None:
    """What SCons read of its own database before another build ended."""
    SCons.SConsign.DataBase.clear()
    SCons.SConsign.DB_sync_list.clear()


def was_cleaned() -> bool:
    """Whether `scons -c` removed anything."""
    return bool(_cleaned)


def on_failure(function: Callable[[], None]) -> None:
    """Call it when a target fails and the build will not go on."""
    _on_failure.append(function)


@cache
def install(*, dry: bool, keeps: bool) -> None:
    """`keeps`: SCons writes down what it found."""
    main = SCons.Script.Main
    deciders = SCons.Node._decider_map
    deciders.update({key: _of_target(value) for key, value in deciders.items() if value in _BY_ENVIRONMENT})
    _wrap(SCons.Node.Node, "explain", _explain)
    _wrap(SCons.Node.FS.File, "get_stored_implicit", _stored_dependencies)
    _wrap(main.BuildTask, "failed", _failed)
    _wrap(main.BuildTask, "do_failed", _do_failed)
    _wrap(main.CleanTask, "remove", _remove)
    _wrap(SCons.SConsign, "write", _write_signatures if keeps else lambda original: None)
    _wrap(SCons.Taskmaster.Taskmaster, "cleanup", _cleanup)
    _wrap(SCons.Taskmaster.Job.Jobs, "_setup_sig_handler", _handle_signals)
    if dry:
        _wrap(main.BuildTask, "make_ready", _make_ready)
        if not os.path.exists(database()):  # SCons would make an empty one
            SCons.SConsign.File(None)


def before_building(function: Callable[[list[str], str, bool], list[Node] | None]) -> None:
    """Call it when all SConscripts were read, with the command line's targets, the folder that their paths are from,
    and whether all of that folder is asked for (-u, -U without a target); it returns what to build then. It may raise
    UserError: then nothing is built."""

    def build(original: Callable[..., Any], files: Any, options: Any, targets: Any, folder: str | None) -> Any:
        script = SCons.Script
        named = [each for each in script.BUILD_TARGETS if isinstance(each, str)] if targets else []
        unnamed = not targets and script._build_plus_default == script.BUILD_TARGETS
        chosen = function(named, folder or "", unnamed and options.climb_up in CLIMBING)
        if chosen is not None:
            script.BUILD_TARGETS = chosen
        _began.append(True)
        return original(files, options, targets, folder)

    _wrap(SCons.Script.Main, "_build_targets", build)


def came_to_building() -> bool:
    """All SConscripts were read, and say nothing wrong."""
    return bool(_began)


def before_help(text: Callable[[], str]) -> None:
    """What `scons -h` prints where SConscripts say nothing; SCons would print its own options, which are many."""

    def parse(original: Callable[..., Any], parser: Any, words: Any = None, options: Any = None) -> Any:
        # It is called once more when all SConscripts were read.
        if getattr(options, "help", False) and SCons.Script.help_text is None:
            SCons.Script.HelpFunction(text())
        return original(parser, words, options)

    _wrap(SCons.Script.SConsOptions.SConsOptionParser, "parse_args", parse)


def _wrap(kind: Any, name: str, function: Callable[..., Any]) -> None:
    original = getattr(kind, name)

    @wraps(original)
    def wrapper(*arguments: Any) -> Any:
        return function(original, *arguments)

    setattr(kind, name, wrapper)


def _of_target(decide: Callable[..., bool]) -> Callable[..., bool]:
    """Deciders by time compare with what is stored of a target. SCons names none when it explains, and all that the
    target depends on would seem changed."""

    def decider(child: Any, target: Any, before: Any, stored: Any = None) -> bool:
        return decide(child, target, before, target if stored is None else stored)

    return decider


def has_changed(child: Any, target: Any, before: Any) -> bool:
    """Since the target was made, by the decider that says whether it is made again."""
    return bool(SCons.Node._decider_map[child.changed_since_last_build](child, target, before, target))


def _cleanup(original: Callable[[Any], None], master: Any) -> None:
    """With -k SCons takes what still waits for a target that failed for a part of a cycle."""
    find = SCons.Taskmaster.find_cycle
    failed = bool(SCons.Script.Main.GetBuildFailures())
    if failed and not any(find([node], set()) for node in master.pending_children):
        return
    original(master)


def _handle_signals(original: Callable[[Any], None], jobs: Any) -> None:
    """SCons would also end at a signal that it was started to ignore, as nohup does with SIGHUP."""
    ignored = [number for number in ENDING_SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    original(jobs)
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


def _write_signatures(original: Callable[[], None]) -> None:
    try:
        original()
    except OSError as error:
        rule = f"{database()}: cannot be written ({error.strerror})"
        print(f"scons: {rule}; the next build makes more again", file=sys.stderr)
        SCons.Script.Main.exit_status = 2
        for each in SCons.SConsign.DB_sync_list:
            each._needs_sync = False  # or it tries once more when Python ends
            with contextlib.suppress(OSError):
                os.unlink(each._tmp_name)


def _explain(original: Callable[[Any], str | None], node: Any) -> str | None:
    reason = reason_of(node)
    if reason is not None and node.always_build and node.exists():
        return f"rebuilding `{node}' because {reason}\n"
    return original(node)


def _stored_dependencies(original: Callable[[Any], list[Any] | None], node: Any) -> list[Any] | None:
    """With --implicit-cache SCons would not scan what it has dependencies of; our scanners find what is out of date."""
    return None if is_ours(node) else original(node)


def _make_ready(original: Callable[[Any], None], task: Any) -> None:
    """In a dry run nothing changes, so what depends on a change would seem up to date."""
    for node in task.targets:
        children = node.children() if node.has_builder() else []
        cause = next((child for child in children if child in _would_change), None)
        if cause is not None and not node.always_build:
            build_anyway(node, f"`{cause}' would be made again")
    original(task)
    for node in task.out_of_date:
        if getattr(node.attributes, _OURS, False) or any(child in _would_change for child in node.children()):
            _would_change.update(task.targets)


def _remove(original: Callable[[Any], None], task: Any) -> None:
    _cleaned.extend(node for node in task.targets if is_file(node) and node.has_builder() and node.exists())
    original(task)


def _failed(original: Callable[[Any], None], task: Any) -> None:
    error = next(iter(task.exc_info()[1:2]), None)
    if isinstance(error, StoppedError) or getattr(error, "errstr", None) == INTERRUPTED:
        task.fail_stop()
        task.exc_clear()
    else:
        original(task)


def _do_failed(original: Callable[..., None], task: Any, *arguments: Any) -> None:
    if not (task.options.keep_going or task.options.ignore_errors):
        for function in _on_failure:
            function()
    sys.stdout.flush()
    original(task, *arguments)

"""The end of a build: what was made and how long it took, verdicts that still stand, and what the next build needs."""

import atexit
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ambilink.files import write_atomically
from ambilink.incremental.journal import trace
from ambilink.incremental.watching import INPUTS
from ambilink.report.build import made_lines
from ambilink.scons.api import aliases, build_went_well, is_done, is_unchanged
from ambilink.scons.context import Context, writes
from ambilink.scons.tasks import came_to_building, database, was_cleaned
from ambilink.scons.up_to_date import leave_inputs, leave_record

_contexts: list[Context] = []  # of this SConstruct
_finished: list[Context] = []


def finish_at_exit(context: Context) -> None:
    _contexts.append(context)
    atexit.register(finish, context)


def finish(context: Context) -> None:
    """Called when SCons ends, whether all went well or not."""
    context.running.finishing()
    context.progress.clear()
    try:
        _finish(context)
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        print(f"scons: {path}cannot be written ({error.strerror}); the next build makes more again", file=sys.stderr)


def _finish(context: Context) -> None:
    if not writes(context.env):
        for line in _nothing_made(context):
            print(line)
        return
    context.journal.save()
    context.store.save()
    context.links.save()
    if context.profile is not None:
        print(_write_profile(context, context.profile))
    for line in made_lines(context.journal.steps, Path(context.build.path), context.debug_path, _archives(context)):
        print(line)
    for line in _standing_verdicts(context):
        print(line)
    _finished.append(context)
    if len(_finished) == len(_contexts):
        nodes = [node for each in _contexts for node in each.boot_tests if is_done(node)]
        leave_record(_contexts, [_verdict(Path(node.abspath)) for node in nodes])
        if os.environ.get(INPUTS):
            leave_inputs(_contexts, Path(os.environ[INPUTS]))
    if context.cache is not None:
        context.cache.close()  # last: what is still to be sent to a server may take long


def _nothing_made(context: Context) -> Iterator[str]:
    """What a dry run and `-c` say at their end."""
    option = context.env.GetOption
    if option("silent") or option("help") or not (came_to_building() and build_went_well()):
        return
    steps = context.dry_steps
    if option("no_exec") and not option("clean"):
        cut = ", those that follow others only if what these make differs" if steps > 1 else ""
        yield f"scons: {steps:,} step{'s' * (steps != 1)} would be done{cut}; nothing was written"
    elif was_cleaned():
        kept = [path for path in (context.from_top(str(context.state.parent)), database()) if os.path.exists(path)]
        cache = "the cache and " if context.env.get("AMBILINK_CACHE") else ""
        yield f"scons: kept {cache}what builds remember: {', '.join(kept)}" if kept else "scons: nothing was kept"


def _archives(context: Context) -> dict[str, str]:
    libraries = context.libraries.values()
    return {each.shared.path: each.static.path for each in libraries if each.shared and each.static}


def _write_profile(context: Context, path: str) -> str:
    steps = context.journal.steps
    if not steps:
        return "nothing was built, so there is nothing to trace; `scons -c` first to trace a whole build"
    write_atomically(Path(path), trace(steps).encode())
    return f"{path}: {len(steps):,} steps; open it in chrome://tracing or ui.perfetto.dev"


def _standing_verdicts(context: Context) -> Iterator[str]:
    for node in context.boot_tests:
        path = Path(node.abspath)
        if is_unchanged(node) and path.is_file():
            yield _verdict(path)


def _verdict(path: Path) -> str:
    """The last line of a boot's log, with its time."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(path.stat().st_mtime))
    verdict = path.read_text().rstrip().splitlines()[-1]
    again = ", `scons boot` boots again" if any(node.name == "boot" for node in aliases()) else ""
    return f"{verdict} ({when}; nothing changed since{again})"

# mypy: ignore-errors
"""The end of a build: what was made and how long it took, verdicts that still stand, and what the next build needs."""

import time
from pathlib import Path

import SCons.Node
from ambilink.scons.up_to_date import KNOWN_DONE, leave_record

from ambilink.files import write_atomically
from ambilink.incremental.journal import trace
from ambilink.report.build import made_lines


def finish(context):
    """Called when SCons ends, whether all went well or not."""
    context.progress.clear()
    context.journal.save()
    context.store.save()
    if context.cache is not None and context.cache.stored:
        context.cache.prune()
    if context.profile is not None:
        print(_write_profile(context))
    for line in made_lines(context.journal.steps, Path(context.build.path)):
        print(line)
    for line in standing_verdicts(context):
        print(line)
    verdicts = [verdict_line(Path(node.abspath)) for node in context.boot_tests if node.get_state() in KNOWN_DONE]
    leave_record(context, verdicts)


def _write_profile(context):
    steps = context.journal.steps
    if not steps:
        return "nothing was built, so there is nothing to trace; `scons -c` first to trace a whole build"
    write_atomically(Path(context.profile), trace(steps).encode())
    return f"{context.profile}: {len(steps):,} steps; open it in chrome://tracing or ui.perfetto.dev"


def standing_verdicts(context):
    for node in context.boot_tests:
        path = Path(node.abspath)
        if node.get_state() == SCons.Node.up_to_date and path.is_file():
            yield verdict_line(path)


def verdict_line(path):
    """The last line of a boot's log, with its time."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(path.stat().st_mtime))
    verdict = path.read_text().rstrip().splitlines()[-1]
    return f"{verdict} ({when}; nothing changed since, `scons boot` boots again)"

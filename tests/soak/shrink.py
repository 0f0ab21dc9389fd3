"""The shortest story of a failure: the last steps from a clean build, without those that do not matter."""

import time
from collections.abc import Sequence
from pathlib import Path

from .operations import Step
from .trial import Outcome, Snapshot, Trial

ATTEMPTS = 2  # builds that are killed end differently each time


def fails(folder: Path, start: Snapshot, steps: Sequence[Step]) -> Outcome | None:
    """The first wrong outcome, if there is one."""
    for _ in range(ATTEMPTS):
        trial = Trial(folder)
        trial.restore(start)
        for step in [Step("it is built", [], steps[0].variables), *steps]:
            outcome = trial.take(step)
            if outcome.wrong:
                return outcome
    return None


def shrink(
    folder: Path, snapshots: Sequence[Snapshot], steps: Sequence[Step], seconds: float
) -> tuple[Snapshot, list[Step], Outcome] | None:
    """Of snapshots before each of the steps; the last of these failed. None: they do not fail again."""
    end = time.monotonic() + seconds
    length = 1
    while True:
        outcome = fails(folder, snapshots[-length], steps[-length:])
        if outcome is not None:
            break
        if length == len(steps) or time.monotonic() > end:
            return None
        length = min(2 * length, len(steps))
    start, story = snapshots[-length], list(steps[-length:])
    for step in story[:-1]:
        fewer = [each for each in story if each is not step]
        if time.monotonic() < end and (found := fails(folder, start, fewer)) is not None:
            story, outcome = fewer, found
    for operation in list(story[-1].operations):
        last = story[-1]
        kept = [each for each in last.operations if each is not operation]
        shorter = [*story[:-1], Step(last.title, kept, last.variables, last.jobs, last.fails)]
        if time.monotonic() < end and (found := fails(folder, start, shorter)) is not None:
            story, outcome = shorter, found
    return start, story, outcome

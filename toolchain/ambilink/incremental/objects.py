"""Which objects are out of date and why, found by what the compiler read the last time.

An object is up to date while its command is the same, its bytes are as they were written, the source and all that
the compiler read have the contents that it read, what it asked for in vain is still absent, and no header appeared
where the compiler would find it first.
"""

import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ambilink.incremental.files import MISSING, changed_at, changed_before, digest_of, stat_of
from ambilink.incremental.inputs import Inputs
from ambilink.incremental.recipe import Job, Recipe, Stale
from ambilink.incremental.records import Record, Records
from ambilink.incremental.search import Shadows


@dataclass(frozen=True)
class Beginning:
    """When a compilation began, by our clock and by that of the file system that it writes to."""

    clock: float  # time.monotonic
    seconds: int  # ns since the epoch
    device: int = -1
    changed: int = 0  # time of a file that was written there


def beginning(output: str) -> Beginning:
    """Now; `output` is written, empty."""
    clock, now = time.monotonic(), time.time_ns()
    with open(output, "wb") as stream:
        status = os.fstat(stream.fileno())
    return Beginning(clock, now, status.st_dev, changed_at(status))


class ObjectStore:
    """All objects of one build folder. It may be called by several threads: it alone owns the records and the table
    of files, and every method that is not private holds its lock."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.RLock()
        self._records = Records(folder)
        self._files = self._records.files
        self._shadows: dict[tuple[str, ...], Shadows] = {}
        self.interrupted = self._records.interrupted

    def save(self) -> None:
        with self._lock:
            self._records.save()

    # Asking.

    def stale(self, recipe: Recipe, jobs: Sequence[Job]) -> list[Stale]:
        """Those that must be compiled, each with the reason."""
        with self._lock:
            used = self._records.rows_of(job.target for job in jobs)
            current = {row for row in used if self._files.current(self._files.path(row)) == row}
            reasons = ((job, self._why(job, recipe, current)) for job in jobs)
            return [Stale(job, *why, recipe) for job, why in reasons if why is not None]

    def _why(self, job: Job, recipe: Recipe, current: set[int]) -> tuple[str, str] | None:
        """The reason in words, and the file that changed, or ""."""
        record = self._records.get(job.target)
        if record is None:
            return "it was never built", ""
        if self._files.path(record.rows[0]) != job.source:
            return f"its source is {job.source} now", job.source
        status = stat_of(job.target)
        if status != record.stamp:
            if status == MISSING:
                return "it was removed", ""
            if digest_of(job.target) != record.digest:
                return "it was altered since it was made", ""
            self._records.refresh(job.target, replace(record, stamp=status))  # touched, or copied
        if not current.issuperset(record.rows):
            return self._what_changed(next(row for row in record.rows if row not in current))
        if record.key != recipe.key_of(job):
            return "its command changed", ""
        if record.doubt:
            return record.doubt, ""
        paths = [self._files.path(row) for row in record.rows]
        for path in (*recipe.files, *job.inputs):
            if path not in paths:
                return f"it depends on {path} now", path
        for path in self._hiding(recipe, paths, record.shadows):
            return f"{path} appeared where it is found first", path
        return None

    def _what_changed(self, row: int) -> tuple[str, str]:
        before = self._files.row(row)
        now = self._files.row(self._files.current(before.path))
        change = "was removed" if not now.digest else "changed" if before.digest else "appeared"
        return f"{before.path} {change}", before.path

    def _hiding(self, recipe: Recipe, paths: Sequence[str], known: Iterable[str] = ()) -> list[str]:
        shadows = self._shadows.get(recipe.search)
        if shadows is None:
            shadows = self._shadows[recipe.search] = Shadows(recipe.search)
        return sorted(path for path in shadows.of(paths).difference(known) if os.path.isfile(path))

    def hiding(self, recipe: Recipe, paths: Sequence[str]) -> list[str]:
        """Files that lie where a compiler would have found one of `paths`, source first, or another of that name."""
        with self._lock:
            return self._hiding(recipe, paths)

    def seconds(self, target: str) -> float | None:
        """How long it took the last time."""
        with self._lock:
            record = self._records.get(target)
            return record.seconds if record else None

    def digest(self, target: str) -> str:
        """Of an object that was made; empty if it is not there."""
        with self._lock:
            record = self._records.get(target)
            return record.digest if record else ""

    def digest_now(self, path: str) -> str:
        """Of a source or header; empty if there is none."""
        with self._lock:
            return self._files.row(self._files.current(path)).digest

    def mentions(self, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """What the texts of a source and its headers may read beside what they include; those that have something."""
        with self._lock:
            found = {path: self._files.row(self._files.current(path)).mentions for path in paths}
        return {path: mentioned for path, mentioned in found.items() if mentioned}

    def files_of(self, targets: Iterable[str]) -> set[str]:
        """The files that objects were made from, and those that were looked for in vain."""
        with self._lock:
            return {self._files.path(row) for row in self._records.rows_of(targets)}

    def doubtful(self, targets: Iterable[str]) -> list[str]:
        """Those that must be made again the next time, whatever changes."""
        with self._lock:
            return [each for each in targets if (record := self._records.get(each)) is None or record.doubt]

    # Recording.

    def begin(self) -> None:
        """Something is about to be compiled."""
        with self._lock:
            self._records.open_journal()
            self._shadows.clear()  # what others made meanwhile may hide something

    def built(self, recipe: Recipe, job: Job, inputs: Inputs, began: Beginning | None, seconds: float) -> bool:
        """An object was compiled, or came from a cache (`began` is None). Returns whether it is made of what the
        inputs are now, for sure; if not, it is compiled again the next time."""
        digest, stamp = digest_of(job.target), stat_of(job.target)
        paths = list(dict.fromkeys([job.source, *inputs.paths, *recipe.files, *job.inputs]))
        with self._lock:
            doubt = inputs.doubt
            rows = []
            for path in paths:
                look = self._files.look(path)
                rows.append(look.row)
                if began is not None and look.since >= began.clock and look.stamp != MISSING:
                    start = began.changed if look.device == began.device else began.seconds
                    if not changed_before(look.stamp[2], start):
                        doubt = doubt or f"{path} may have changed while it was compiled"
            shadows = tuple(self._hiding(recipe, paths))
            self._records.add(
                job.target,
                Record(recipe.key_of(job), stamp, digest, round(seconds, 4), tuple(rows), shadows, doubt),
            )
            return not doubt

    def failed(self, target: str) -> None:
        with self._lock:
            self._records.drop(target)

    def forget_looks(self) -> None:
        """Files may have been written by others since they were looked at."""
        with self._lock:
            self._files.forget_all()
            self._shadows.clear()

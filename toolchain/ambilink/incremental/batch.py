"""Compiling a set of objects, several at a time."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ambilink.incremental.blocking import Blocked, find_fifo
from ambilink.incremental.cache import Cache, CompileKey
from ambilink.incremental.inputs import PART, InputFinder, Inputs
from ambilink.incremental.objects import Beginning, ObjectStore, beginning
from ambilink.incremental.recipe import Stale
from ambilink.incremental.slots import Finished, JobSlots, Stopped

DEPENDENCIES = ".d"


class Observer:
    """What is called when something happens, from any thread."""

    def started(self, stale: Stale) -> None: ...

    def finished(self, stale: Stale, done: Finished, *, cached: bool) -> None: ...

    def stopped(self, stale: Stale) -> None:
        """It was not finished, if it was started at all."""


@dataclass
class Batch:
    """Objects that are compiled together."""

    store: ObjectStore
    slots: JobSlots
    environment: Mapping[str, str]
    observer: Observer
    keep_going: bool = False
    cache: Cache | None = None
    cache_key: Callable[[Stale], CompileKey] | None = None
    coloured: bool = False  # compilers print in colour
    _waiting: list[Stale] = field(default_factory=list)
    _failed: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _error: BaseException | None = None

    def run(self, stale: Sequence[Stale]) -> list[str]:
        """Compile what is stale, the longest first; return the targets that failed. Raises Stopped where the build
        stops for another reason."""
        folders = {os.path.dirname(each.job.target) for each in stale}
        for folder in folders:
            os.makedirs(folder, exist_ok=True)
        if self.store.interrupted:
            _remove_leftovers(folders)
        self.store.begin()
        if self.cache and self.cache_key:
            self.cache.expect(map(self.cache_key, stale))
        self._waiting = sorted(stale, key=self._expected_seconds)  # taken from the end
        workers = [threading.Thread(target=self._work) for _ in range(min(self.slots.count, len(stale)) - 1)]
        for worker in workers:
            worker.start()
        self._work()
        for worker in workers:
            worker.join()
        if self._error is not None and not (self._failed and isinstance(self._error, Stopped)):
            raise self._error
        return self._failed

    def _expected_seconds(self, stale: Stale) -> float:
        return self.store.seconds(stale.job.target) or 0.0

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._error or (self._failed and not self.keep_going):
                    return
                stale = self._waiting.pop()
            try:
                if self.slots.stopped:
                    raise Stopped
                self._compile(stale)
            except BaseException as error:
                with self._lock:
                    if self._error is None or isinstance(self._error, Stopped):
                        self._error = error

    def _compile(self, stale: Stale) -> None:
        job, recipe = stale.job, stale.recipe
        key = self.cache_key(stale) if self.cache and self.cache_key and not recipe.unfollowed else None
        if self.cache and key:
            start = time.time()
            paths = self.cache.fetch(key, job.target, lambda paths: self.store.hiding(recipe, [job.source, *paths]))
            if paths is not None:
                self.store.built(recipe, job, Inputs(paths), None, 0.0)
                self.observer.finished(stale, Finished(0, "", start, 0.0), cached=True)
                return
        part, depfile = f"{job.target}{PART}", f"{job.target}{DEPENDENCIES}"
        try:
            self._compile_here(stale, key, part, depfile)
        except Stopped:
            self.observer.stopped(stale)
            raise
        finally:
            for path in (part, depfile):
                Path(path).unlink(missing_ok=True)

    def _compile_here(self, stale: Stale, key: CompileKey | None, part: str, depfile: str) -> None:
        job, recipe = stale.job, stale.recipe
        began: Beginning | None = None

        def announce() -> None:
            nonlocal began
            began = beginning(part)
            self.observer.started(stale)

        blocked = partial(find_fifo, job.source, recipe.search)
        done = self._run(recipe.commands(job.source, part, depfile, coloured=self.coloured), blocked, announce)
        inputs = Inputs(())
        if done.status == 0:
            inputs = InputFinder(recipe, job, depfile, self.store.mentions, self._run_one).find()
            if inputs.by_assembler and recipe.is_late:  # a link would read the files, which no link depends on
                done = self._run(recipe.at_once.commands(job.source, part, depfile, coloured=self.coloured), blocked)
        if done.status == 0:
            os.replace(part, job.target)
            certain = self.store.built(recipe, job, inputs, began, done.seconds)
            if certain and self.cache and key:
                paths = [*inputs.paths, *recipe.files, *job.inputs]
                self.cache.store(key, job.target, paths, self.store.hiding(recipe, [job.source, *paths]))
            self.observer.finished(stale, done, cached=False)
            return
        Path(job.target).unlink(missing_ok=True)
        self.store.failed(job.target)
        with self._lock:
            self._failed.append(job.target)
        if not self.keep_going:
            self.slots.stop()
        self.observer.finished(stale, done, cached=False)

    def _run(
        self,
        commands: Sequence[Sequence[str]],
        blocked: Callable[[], Blocked | None],
        announce: Callable[[], None] | None = None,
    ) -> Finished:
        """One after the other, to the first that fails."""
        finished = self.slots.run(commands[0], self.environment, announce=announce, blocked=blocked)
        for command in commands[1:]:
            if finished.status == 0:
                done = self.slots.run(command, self.environment)
                seconds = finished.seconds + done.seconds
                finished = Finished(done.status, finished.output + done.output, finished.start, seconds)
        return finished

    def _run_one(self, command: Sequence[str]) -> Finished:
        return self.slots.run(command, self.environment)


def _remove_leftovers(folders: set[str]) -> None:
    """What compilers that were killed left under temporary names of ours or of theirs."""
    for folder in folders:
        for name in os.listdir(folder):
            if name.endswith((PART, f"{PART}.tmp", DEPENDENCIES)):
                Path(folder, name).unlink(missing_ok=True)

"""Compiling many files: which objects are out of date and why, found by what the compiler read the last time.

An object is up to date while its command is the same, it is as it was written, the source and every header are as
the compiler read them, and no header appeared where the compiler would find it first. The store remembers all
this in `objects.json`, and in a journal until that is written, so nothing is lost when a build is killed.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TextIO

from ambilink.files import write_atomically
from ambilink.incremental.files import MISSING, FileTable, stat_of
from ambilink.incremental.search import Shadows

VERSION = 1
FIRST_GUESS = 0.03  # seconds that a compilation takes, before any is known


@dataclass(frozen=True)
class Recipe:
    """How all objects of a set are compiled; the source is added at the end."""

    words: tuple[str, ...]
    search: tuple[str, ...]  # folders of headers, in the compiler's order
    compiler: str  # which program exactly, beyond its name
    launcher: tuple[str, ...] = ()  # starts the program
    versions: tuple[str, ...] = ()  # what a shared cache knows the program by, wherever it is installed
    depfile_flags: tuple[str, ...] = ("-MD", "-MT", "x", "-MF")  # followed by the depfile's name
    lists_apart: bool = False  # with these flags it writes the depfile and nothing else: it is started once more
    searches_beside: bool = True  # by itself it searches the source's folder, too
    moving: tuple[str, ...] = ()  # of the words: they name where the tree lies, and objects are the same wherever

    @cached_property
    def key(self) -> str:
        parts = [self.compiler, *self.launcher, *(word for word in self.words if word not in self.moving)]
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()

    def command(self, source: str, output: str) -> list[str]:
        beside = [] if self.searches_beside else [f"-I{os.path.dirname(source) or '.'}/"]
        return [*self.launcher, *self.words, *beside, "-o", output, source]

    def commands(self, source: str, output: str, depfile: str) -> list[list[str]]:
        """What makes an object and its depfile, one after the other."""
        words, listing = self.command(source, output), [*self.depfile_flags, depfile]
        if self.lists_apart:
            return [words, [*words[:-3], *listing, source]]
        return [[*words[:-3], *listing, *words[-3:]]]


@dataclass(frozen=True)
class Job:
    target: str
    source: str


@dataclass(frozen=True)
class Stale:
    """An object that must be compiled, and why."""

    job: Job
    reason: str  # in words: "libs/x.c changed"
    cause: str  # the file that changed, or ""
    recipe: Recipe


@dataclass(frozen=True)
class _Record:
    key: str
    modified: int
    size: int
    digest: str  # of the object
    seconds: float
    rows: tuple[int, ...]  # source first
    shadows: tuple[str, ...]  # headers that were passed over although they lie where one of the rows was looked for


class ObjectStore:
    """All objects of one build folder. Its methods may be called by several threads."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "objects.json"
        self._journal_path = folder / "objects.journal"
        self._lock = threading.Lock()
        self._journal: TextIO | None = None
        self.files = FileTable()
        self._records: dict[str, _Record] = {}
        self.interrupted = self._journal_path.exists()  # a build was killed while it compiled
        self._load()

    def _load(self) -> None:
        try:
            saved = json.loads(self._path.read_bytes())
            if saved["version"] != VERSION:
                return
            self.files = FileTable(saved["files"])
            self._records = {
                target: _Record(key, modified, size, digest, seconds, tuple(rows), tuple(shadows))
                for target, (key, modified, size, digest, seconds, rows, shadows) in saved["objects"].items()
            }
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError):
            self.files, self._records = FileTable(), {}  # damaged: everything is compiled again
        self._replay()

    def _replay(self) -> None:
        """What was compiled after the store was written for the last time; a torn last line is left out."""
        try:
            lines = self._journal_path.read_text().splitlines()
        except (OSError, ValueError):
            return
        for line in lines:
            try:
                target, key, modified, size, digest, seconds, files, shadows = json.loads(line)
                rows = tuple(self.files.add(*file) for file in files)
            except (ValueError, TypeError):
                continue
            self._records[target] = _Record(key, modified, size, digest, seconds, rows, tuple(shadows))

    def save(self) -> None:
        """Write everything, and begin a new journal; nothing, if nothing was compiled."""
        with self._lock:
            if self._journal is None:
                return
            used = sorted({row for record in self._records.values() for row in record.rows})
            number = {row: index for index, row in enumerate(used)}
            rows = self.files.rows()
            objects = {
                target: [r.key, r.modified, r.size, r.digest, r.seconds, [number[row] for row in r.rows], r.shadows]
                for target, r in self._records.items()
            }
            saved = {"version": VERSION, "files": [rows[row] for row in used], "objects": objects}
            write_atomically(self._path, json.dumps(saved, separators=(",", ":")).encode())
            self._journal.close()
            self._journal = None
            self._journal_path.unlink(missing_ok=True)

    # Asking.

    def stale(self, recipe: Recipe, jobs: Sequence[Job]) -> list[Stale]:
        """Those that must be compiled, each with the reason."""
        with self._lock:
            key, shadows = recipe.key, Shadows(recipe.search)
            used = {row for job in jobs if (record := self._records.get(job.target)) for row in record.rows}
            current = {row for row in used if self.files.current(self.files.path(row)) == row}
            reasons = ((job, self._why(job, key, current, shadows)) for job in jobs)
            return [Stale(job, *why, recipe) for job, why in reasons if why is not None]

    def _why(self, job: Job, key: str, current: set[int], shadows: Shadows) -> tuple[str, str] | None:
        """The reason in words, and the file that changed, or ""."""
        record = self._records.get(job.target)
        if record is None:
            return "it was never built", ""
        if self.files.path(record.rows[0]) != job.source:
            return f"its source is {job.source} now", job.source
        status = stat_of(job.target)
        if status != (record.modified, record.size):
            return "it was removed" if status == MISSING else "it was altered since it was made", ""
        if not current.issuperset(record.rows):
            path = next(self.files.path(row) for row in record.rows if row not in current)
            return f"{path} {'was removed' if stat_of(path) == MISSING else 'changed'}", path
        if record.key != key:
            return "its command changed", ""
        for path in shadows.of(self.files.path(row) for row in record.rows):
            if path not in record.shadows:
                return f"{path} appeared where it is found first", path
        return None

    def seconds(self, target: str) -> float | None:
        """How long it took the last time."""
        record = self._records.get(target)
        return record.seconds if record else None

    @property
    def usual_seconds(self) -> float:
        """Of a compilation, where nothing is known of it."""
        with self._lock:
            known = [record.seconds for record in self._records.values() if record.seconds]
        return sum(known) / len(known) if known else FIRST_GUESS

    def digest(self, target: str) -> str:
        """Of an object that is up to date."""
        return self._records[target].digest

    def digest_now(self, path: str) -> str:
        """Of a source or header; empty if there is none."""
        with self._lock:
            row = self.files.current(path)
            return "" if row is None else self.files.digest(row)

    def files_of(self, targets: Iterable[str]) -> set[str]:
        """The files that objects were made from."""
        rows = {row for target in targets if (record := self._records.get(target)) for row in record.rows}
        return {self.files.path(row) for row in rows}

    # Recording.

    def begin(self) -> None:
        """Something is about to be compiled."""
        with self._lock:
            self._open_journal()

    def _open_journal(self) -> TextIO:
        if self._journal is None:
            self._journal_path.parent.mkdir(parents=True, exist_ok=True)
            self._journal = self._journal_path.open("a")
        return self._journal

    def built(self, recipe: Recipe, job: Job, headers: Sequence[str], started: float, seconds: float) -> None:
        """An object was compiled, or came from a cache. `headers` are what the compiler read, source left out."""
        paths = [job.source, *headers]
        with self._lock:
            rows = [self.files.current(path) for path in paths]
            if any(row is None or self.files.modified(row) > started * 1e9 for row in rows):
                self._records.pop(job.target, None)  # changed while it was read: compile it again the next time
                return
            modified, size = stat_of(job.target)
            numbers = tuple(row for row in rows if row is not None)
            digest = self._digest(job.target)
            shadows = tuple(Shadows(recipe.search).of(paths))
            record = _Record(recipe.key, modified, size, digest, round(seconds, 4), numbers, shadows)
            self._records[job.target] = record
            self._note(job.target, record)

    @staticmethod
    def _digest(path: str) -> str:
        with open(path, "rb") as stream:
            return hashlib.blake2b(stream.read(), digest_size=16).hexdigest()

    def _note(self, target: str, record: _Record) -> None:
        files = [self.files.rows()[row] for row in record.rows]
        words = [target, record.key, record.modified, record.size, record.digest, record.seconds, files, record.shadows]
        journal = self._open_journal()
        journal.write(json.dumps(words, separators=(",", ":")) + "\n")
        journal.flush()

    def failed(self, target: str) -> None:
        with self._lock:
            self._records.pop(target, None)

    def forget_looks(self) -> None:
        """Files may have been written by others since they were looked at."""
        with self._lock:
            self.files.forget_all()

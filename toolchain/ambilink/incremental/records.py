"""What is remembered of objects, in memory and on disk: `objects.json`, and a journal until that is written, so nothing
is lost when a build is killed. Nothing here is for several threads at a time; the object store owns it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ambilink.files import write_atomically
from ambilink.incremental.files import FileTable, Stamp, read_stamp

VERSION = 4


@dataclass(frozen=True)
class Record:
    """Of an object."""

    key: str
    stamp: Stamp
    digest: str
    seconds: float
    rows: tuple[int, ...]  # source first; then all that the compiler read or asked for
    shadows: tuple[str, ...]  # headers that were passed over although they lie where one of the rows was looked for
    doubt: str  # why it must be made again the next time, or ""


class Records:
    """By path of the object; with the rows that they refer to."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "objects.json"
        self._journal_path = folder / "objects.journal"
        self._journal: TextIO | None = None
        self.files = FileTable()
        self._records: dict[str, Record] = {}
        self.changed = False
        self.interrupted = self._journal_path.exists()  # a build was killed while it compiled
        self._load()

    def _load(self) -> None:
        try:
            saved = json.loads(self._path.read_bytes())
            if saved["version"] == VERSION:
                self.files = FileTable(saved["files"])
                count, names = len(saved["files"]), saved["names"]
                for target, record in saved["objects"].items():
                    rows = tuple(record[5])
                    if min(rows) < 0 or max(rows) >= count:
                        raise ValueError(target)
                    self._records[target] = _read(record, rows, [names[name] for name in record[6]])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
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
                target, *record = json.loads(line)
                self._records[str(target)] = _read(record, tuple(map(self.files.add, record[5])), record[6])
            except (ValueError, TypeError, IndexError):
                continue

    def get(self, target: str) -> Record | None:
        return self._records.get(target)

    def __contains__(self, target: str) -> bool:
        return target in self._records

    def rows_of(self, targets: Iterable[str]) -> set[int]:
        return {row for target in targets if (record := self._records.get(target)) for row in record.rows}

    # Changing.

    def drop(self, target: str) -> None:
        self._records.pop(target, None)

    def refresh(self, target: str, record: Record) -> None:
        """The same object, looking otherwise."""
        self._records[target] = record
        self.changed = True

    def add(self, target: str, record: Record) -> None:
        """Of an object that was made: it is in the journal when this returns."""
        self._records[target] = record
        journal = self.open_journal()
        saved = self._saved(record, map(self.files.saved, record.rows), record.shadows)
        journal.write(json.dumps([target, *saved], separators=(",", ":")) + "\n")
        journal.flush()

    def open_journal(self) -> TextIO:
        if self._journal is None:
            self._journal_path.parent.mkdir(parents=True, exist_ok=True)
            self._journal = self._journal_path.open("a")
        return self._journal

    def save(self) -> None:
        """Write everything, and begin a new journal; nothing, if nothing was compiled or touched."""
        if self._journal is None and not self.changed and not self.files.refreshed:
            return
        used = sorted(self.rows_of(self._records))
        number = {row: index for index, row in enumerate(used)}
        names: dict[str, int] = {}
        objects = {
            target: self._saved(
                record,
                (number[row] for row in record.rows),
                (names.setdefault(name, len(names)) for name in record.shadows),
            )
            for target, record in self._records.items()
        }
        files = [self.files.saved(row) for row in used]
        saved = {"version": VERSION, "files": files, "names": list(names), "objects": objects}
        write_atomically(self._path, json.dumps(saved, separators=(",", ":")).encode())
        self.changed = self.files.refreshed = False
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._journal_path.unlink(missing_ok=True)

    @staticmethod
    def _saved(record: Record, rows: Iterable[object], shadows: Iterable[object]) -> list[object]:
        return [record.key, record.stamp, record.digest, record.seconds, record.doubt, list(rows), list(shadows)]


def _read(saved: list[Any], rows: tuple[int, ...], shadows: list[Any]) -> Record:
    key, stamp, digest, seconds, doubt, _, _ = saved
    texts = all(isinstance(text, str) for text in (key, digest, doubt, *shadows))
    if not texts or not isinstance(seconds, float | int):
        raise TypeError(saved)
    return Record(key, read_stamp(stamp), digest, seconds, rows, tuple(shadows), doubt)

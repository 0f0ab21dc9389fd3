"""Files as they were when something was made of them: a row for each content that a file had."""

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ambilink.incremental.mentions import mentions

# Time of modification in ns, size in bytes, time of the last change in ns, which nothing can set, and number.
Stamp = tuple[int, int, int, int]
MISSING: Stamp = (-1, -1, -1, -1)
ANY: Stamp = (0, 0, 0, 0)  # fits no file: what it is kept for is read again
TICK = 20_000_000  # ns by which a file's time may lie before the clock's
SECOND = 1_000_000_000


def stat_of(path: str) -> Stamp:
    """MISSING for what is no file: a folder is none."""
    try:
        status = os.stat(path)
    except OSError:
        return MISSING
    return MISSING if stat.S_ISDIR(status.st_mode) else stamp_of(status)


def stamp_of(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, changed_at(status), status.st_ino


def changed_at(status: os.stat_result) -> int:
    return status.st_mtime_ns if os.name == "nt" else status.st_ctime_ns  # there it is when it was created


def digest_of(path: str) -> str:
    """32 hex digits; empty if the file cannot be read."""
    data = _read(path)
    return "" if data is None else digest_of_bytes(data)


def digest_of_bytes(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _read(path: str) -> bytes | None:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None if os.path.isdir(path) else b""  # a device may have no end
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def changed_before(changed: int, start: int) -> bool:
    """Whether a file's last change lies before a time of the same clock; its times may be whole seconds."""
    return changed < (start - start % SECOND if changed % SECOND == 0 else start)


@dataclass(frozen=True)
class Row:
    path: str
    digest: str  # empty: there was no such file
    stamp: Stamp
    mentions: tuple[str, ...] = ()  # what the text may read beside what it includes


@dataclass(frozen=True)
class Look:
    """A file as it is in this build."""

    row: int
    stamp: Stamp
    device: int
    since: float  # it has been so, by time.monotonic


class FileTable:
    """A row is current while the file has that content, or is still absent. Its owner holds a lock.

    What was made from files keeps the numbers of their rows, and is up to date while all are current. A file
    that was touched, or went back to what it was, is read once, and its old row is current again.
    """

    def __init__(self, rows: Iterable[Sequence[Any]] = ()) -> None:
        self._rows: list[Row] = []
        self._of_path: dict[str, list[int]] = {}
        self._looks: dict[str, Look] = {}
        self._fresh: set[str] = set()  # paths whose look still holds
        self.refreshed = False  # a row has another stamp than when it was read from disk
        for row in rows:
            self._append(_read_row(row))

    def saved(self, row: int) -> list[object]:
        """A row as the constructor takes it."""
        it = self._rows[row]
        return [it.path, it.digest, *it.stamp, it.mentions]

    def _append(self, row: Row) -> int:
        self._rows.append(row)
        self._of_path.setdefault(row.path, []).append(len(self._rows) - 1)
        return len(self._rows) - 1

    def add(self, saved: Sequence[Any]) -> int:
        """The row of a content that is known from elsewhere."""
        row = _read_row(saved)
        for number in self._of_path.get(row.path, ()):
            if self._rows[number].digest == row.digest:
                return number
        return self._append(row)

    def row(self, number: int) -> Row:
        return self._rows[number]

    def path(self, row: int) -> str:
        return self._rows[row].path

    def forget_all(self) -> None:
        """The next time, look again."""
        self._fresh.clear()

    def current(self, path: str) -> int:
        """The row of the file's content now, a new one if it was never seen so; looked at once until `forget_all`."""
        return self._looks[path].row if path in self._fresh else self.look(path).row

    def look(self, path: str) -> Look:
        """At the disk, whatever is known."""
        try:
            status = os.stat(path)
            stamp, device = MISSING if stat.S_ISDIR(status.st_mode) else stamp_of(status), status.st_dev
        except OSError:
            stamp, device = MISSING, 0
        self._fresh.add(path)
        look = self._looks.get(path)
        if look is None or look.stamp != stamp:
            row = self._find(path, stamp)
            look = self._looks[path] = Look(row, stamp, device, time.monotonic())
        return look

    def _find(self, path: str, stamp: Stamp) -> int:
        known = self._of_path.get(path, ())
        for number in known:
            if self._rows[number].stamp == stamp:
                return number
        data = None if stamp == MISSING else _read(path)
        digest = "" if data is None else digest_of_bytes(data)
        if not _is_settled(stamp):
            stamp = ANY
        for number in known:
            row = self._rows[number]
            if row.digest == digest:
                self.refreshed = self.refreshed or row.stamp != stamp
                self._rows[number] = Row(path, digest, stamp, row.mentions)
                return number
        return self._append(Row(path, digest, stamp, mentions(data or b"")))


def _is_settled(stamp: Stamp) -> bool:
    """Whether another change of the file would show: not while its times would be the same."""
    return stamp == MISSING or changed_before(stamp[2], time.time_ns() - TICK)


def _read_row(saved: Sequence[Any]) -> Row:
    path, digest, *stamp, found = saved
    if not isinstance(path, str) or not isinstance(digest, str) or not isinstance(found, list | tuple):
        raise TypeError(saved)
    return Row(path, digest, read_stamp(stamp), tuple(found))


def read_stamp(saved: Any) -> Stamp:
    modified, size, changed, number = saved
    if not (type(modified) is type(size) is type(changed) is type(number) is int):
        raise TypeError(saved)
    return modified, size, changed, number

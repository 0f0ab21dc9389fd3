"""Files as they were when something was made of them: a row for each content that a file had."""

import hashlib
import os
from collections.abc import Iterable, Sequence

MISSING = (-1, -1)


def stat_of(path: str) -> tuple[int, int]:
    """Time of modification in ns and size in bytes; MISSING for what is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return MISSING
    return status.st_mtime_ns, status.st_size


def digest_of(path: str) -> str:
    """32 hex digits; empty if the file cannot be read."""
    try:
        with open(path, "rb") as stream:
            return hashlib.blake2b(stream.read(), digest_size=16).hexdigest()
    except OSError:
        return ""


class FileTable:
    """Rows of (path, digest, time, size). A row is current while the file has that content.

    What was made from files keeps the numbers of their rows, and is up to date while all are current. A file
    that was touched, or went back to what it was, is read once, and its old row is current again.
    """

    def __init__(self, rows: Iterable[Sequence[str | int]] = ()) -> None:
        self._rows: list[tuple[str, str, int, int]] = []
        self._of_path: dict[str, list[int]] = {}
        self._looked: dict[str, int | None] = {}  # path: its current row, as far as it was looked at
        for path, digest, modified, size in rows:
            self._append(str(path), str(digest), int(modified), int(size))

    def rows(self) -> list[tuple[str, str, int, int]]:
        return self._rows

    def _append(self, path: str, digest: str, modified: int, size: int) -> int:
        self._rows.append((path, digest, modified, size))
        self._of_path.setdefault(path, []).append(len(self._rows) - 1)
        return len(self._rows) - 1

    def add(self, path: str, digest: str, modified: int, size: int) -> int:
        """The row of a content that is known from elsewhere."""
        for row in self._of_path.get(path, ()):
            if self._rows[row][1] == digest:
                return row
        return self._append(path, digest, modified, size)

    def path(self, row: int) -> str:
        return self._rows[row][0]

    def digest(self, row: int) -> str:
        return self._rows[row][1]

    def modified(self, row: int) -> int:
        return self._rows[row][2]

    def forget_all(self) -> None:
        self._looked.clear()

    def current(self, path: str) -> int | None:
        """The row of the file's content now; a new one if it was never seen so. None: there is no such file."""
        if path in self._looked:
            return self._looked[path]
        found = self._look(path, stat_of(path))
        self._looked[path] = found
        return found

    def _look(self, path: str, status: tuple[int, int]) -> int | None:
        if status == MISSING:
            return None
        known = self._of_path.get(path, ())
        for row in known:
            if self._rows[row][2:] == status:
                return row
        digest = digest_of(path)
        if not digest:
            return None
        for row in known:
            if self._rows[row][1] == digest:
                self._rows[row] = (path, digest, *status)
                return row
        return self._append(path, digest, *status)

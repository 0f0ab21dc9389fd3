"""Entries of a cache, wherever they are stored: who may read and write, seals, and what is said when storage fails.

Whatever happens to the storage, a build goes on without it: an unsound entry is a miss, a storage that cannot be read
or written is left alone for the rest of the build, and each is said once.
"""

import threading
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Protocol

from ambilink.incremental.seal import DamagedError, Entry, Seal

UNKNOWN = "not looked up"
ENTRY_MAX = 512 << 20  # bytes; larger files are built everywhere


class Loss(Enum):
    READING, WRITING, BOTH = "reading", "writing", "both"


class StorageError(Exception):
    """Storage cannot be used any more, or not for this. `str()` says what is wrong, not where."""

    def __init__(self, message: str, loss: Loss) -> None:
        self.loss = loss
        super().__init__(message)


class Storage(Protocol):
    """Sealed entries by name. Methods may be called by several threads, and raise StorageError."""

    place: str  # for messages
    distant: bool  # each answer takes its time

    def get(self, name: str) -> bytes | None: ...

    def get_many(self, names: Iterable[str]) -> dict[str, bytes | None]:
        """Of as many as fit into memory; None: there is none."""
        ...

    def put(self, name: str, sealed: bytes) -> None: ...

    def set_aside(self, name: str) -> str:
        """What is stored there is damaged. Returns where it is now, or ""."""
        ...

    def path(self, name: str) -> str:
        """The file of an entry; empty if it is in none."""
        ...

    def close(self, *, written: bool) -> None:
        """The end of a build: write what is waiting, and keep to limits."""
        ...


class Entries:
    def __init__(
        self, storage: Storage, seal: Seal, warn: Callable[[str], None], *, reads: bool = True, writes: bool = True
    ) -> None:
        self.storage, self.reads, self.writes = storage, reads, writes
        self._seal, self._warn = seal, warn
        self._answers = True  # as far as is known
        self._lock = threading.Lock()
        self._ahead: dict[str, bytes | None] = {}  # by name: looked up before they are asked for
        self._written = False
        self._damaged = 0

    @property
    def distant(self) -> bool:
        return self.storage.distant

    def get(self, key: str) -> Entry | None:
        """Whatever the right to read says: the caller knows what it does with it."""
        if not self._answers:
            return None
        name = self._seal.name(key)
        try:
            found = self._ahead.pop(name, UNKNOWN)
            sealed = self.storage.get(name) if isinstance(found, str) else found
        except StorageError as error:
            self._fail(error)
            return None
        if sealed is None:
            return None
        try:
            return self._seal.open(key, sealed)
        except DamagedError:
            self._set_aside(name)
            return None

    def look_ahead(self, keys: Iterable[str]) -> None:
        if not self._answers:
            return
        try:
            found = self.storage.get_many(map(self._seal.name, keys))
        except StorageError as error:
            self._fail(error)
            return
        self._ahead.update(found)

    def put(self, key: str, entry: Entry) -> None:
        if not self.writes or len(entry.data) > ENTRY_MAX:
            return
        try:
            self.storage.put(self._seal.name(key), self._seal.close(key, entry))
            self._written = True
        except StorageError as error:
            self._fail(error)

    def close(self) -> None:
        """The end of a build; more may follow."""
        self._ahead.clear()
        if self._damaged > 1:
            self._warn(f"{self.storage.place}: {self._damaged:,} entries were damaged, and built again")
        written, self._written, self._damaged = self._written, False, 0
        try:
            self.storage.close(written=written)
        except StorageError as error:
            self._fail(error)

    def _set_aside(self, name: str) -> None:
        with self._lock:
            self._damaged += 1
            first = self._damaged == 1
        moved = self.storage.set_aside(name) if self.writes else ""
        if first:
            where = self.storage.path(name) or f"{self.storage.place}: an entry"
            what = f"moved to {moved}, and built again" if moved else "it is built again"
            self._warn(f"{where}: does not match its checksum; {what}")

    def _fail(self, error: StorageError) -> None:
        with self._lock:
            before = self.reads, self.writes
            if error.loss is not Loss.WRITING:
                self.reads = self._answers = False
            if error.loss is not Loss.READING:
                self.writes = False
        if before != (self.reads, self.writes):
            self._warn(f"cache {self.storage.place}: {error}; the build goes on without")

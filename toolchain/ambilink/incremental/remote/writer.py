"""Writing in a thread of its own, several entries together, while the build goes on."""

import threading
from collections.abc import Callable, Sequence

from ambilink.incremental.entries import StorageError

WAITING = 64 << 20  # bytes that wait before the build does
TOGETHER = 200  # entries
PATIENCE = 1.0  # seconds of waiting at the end before it is said what for

Entry = tuple[str, bytes]


class Writer:
    """`write` may raise StorageError; then nothing more is written."""

    def __init__(self, write: Callable[[Sequence[Entry]], None], say: Callable[[str], None]) -> None:
        self._write, self._say = write, say
        self._changed = threading.Condition()
        self._queue: list[Entry] = []
        self._size = 0
        self._thread: threading.Thread | None = None
        self._ends = False
        self._error: StorageError | None = None

    def put(self, name: str, data: bytes) -> None:
        with self._changed:
            while self._size > WAITING and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            self._queue.append((name, data))
            self._size += len(data)
            if self._thread is None:
                self._ends = False
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def finish(self) -> None:
        """Wait until all is written. An interrupt leaves the rest unwritten."""
        thread = self._thread
        if thread is None:
            return
        try:
            with self._changed:
                self._ends = True
                self._changed.notify_all()
            thread.join(PATIENCE)
            if thread.is_alive():
                self._say(f"writing the last of {len(self._queue):,} entries")
                thread.join()
        except KeyboardInterrupt:
            self._drop()
        self._thread = None
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._ends:
                    self._changed.wait()
                entries = self._queue[:TOGETHER]
            if not entries:
                return
            try:
                self._write(entries)
            except StorageError as error:
                self._error = error
                self._drop()
                return
            with self._changed:
                del self._queue[: len(entries)]
                self._size = sum(len(data) for _, data in self._queue)
                self._changed.notify_all()

    def _drop(self) -> None:
        with self._changed:
            self._queue.clear()
            self._size = 0
            self._changed.notify_all()

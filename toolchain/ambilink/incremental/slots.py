"""Running commands: no more at a time than there are slots, what they print kept in one piece."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

NOT_STARTED = 127
PATIENCE = 2.0  # seconds until a command is looked at that does not end; then twice as long each time
RELEASE = 0.1
Follow = Callable[[str], None]


class Blocker(Protocol):
    """What a command waits for that will not come."""

    def release(self) -> None:
        """Let the command go on, once more."""




class Stopped(Exception):
    """The build stops: the command was not started, or was ended."""


@dataclass(frozen=True)
class Finished:
    status: int  # 0 good; negative: ended by that signal; 127: could not be started
    output: str  # of both streams, in the order they were written
    start: float  # seconds since the epoch
    seconds: float


class JobSlots:
    """So many commands run at a time, whichever thread starts them, until they are stopped."""

    def __init__(self, count: int) -> None:
        self.count = max(1, count)
        self._free = threading.BoundedSemaphore(self.count)
        self._stopped = self._ended = False
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()  # of the set

    def stop(self) -> None:
        """No command is started any more; those that run come to their end."""
        self._stopped = True

    def end(self) -> None:
        """Those that run are ended, too."""
        self._stopped = self._ended = True
        with self._lock:
            running = list(self._running)
        for process in running:
            with contextlib.suppress(OSError):
                process.terminate()

    def kill(self) -> None:
        """Those that did not end by themselves."""
        with self._lock:
            running = list(self._running)
        for process in running:
            with contextlib.suppress(OSError):
                process.kill()

    def __enter__(self) -> None:
        self._free.acquire()

    def __exit__(self, *_: object) -> None:
        self._free.release()

    @property
    def stopped(self) -> bool:
        return self._stopped

    def run(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        *,
        follow: Follow | None = None,
        announce: Callable[[], None] | None = None,
        blocked: Callable[[], Blocker | None] = lambda: None,
    ) -> Finished:
        """Wait for a slot, call `announce`, run a command to its end. `follow` gets each line as it comes, and none is
        kept. `blocked` is asked now and then what the command waits for: one that does has failed. Raises Stopped."""
        with self:
            if self._stopped:
                raise Stopped
            if announce is not None:
                announce()
            start, clock = time.time(), time.perf_counter()
            status, output = self._run(words, environment, follow, blocked)
            if self._ended and status:
                raise Stopped
            return Finished(status, output, start, time.perf_counter() - clock)

    def _run(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        follow: Follow | None,
        blocked: Callable[[], Blocker | None],
    ) -> tuple[int, str]:
        try:
            process = subprocess.Popen(
                words,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # Python's own descriptors are not inherited anyway; and so a child costs no fork of this large process.
                close_fds=os.name == "nt",
            )
        except OSError as error:
            return NOT_STARTED, f"ambilink: {words[0]}: cannot be started ({error.strerror})\n"
        with self._lock:
            self._running.add(process)
        try:
            if self._ended:  # between the last look and now
                process.terminate()
            if follow is not None and process.stdout is not None:
                for line in process.stdout:
                    follow(line.decode("utf-8", "replace").rstrip("\n"))
            blocker, output = _to_its_end(process, blocked)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        if blocker is not None:
            return 1, f"ambilink: {blocker}\n"
        return process.returncode, (output or b"").decode("utf-8", "replace")


def _to_its_end(
    process: subprocess.Popen[bytes], blocked: Callable[[], Blocker | None]
) -> tuple[Blocker | None, bytes | None]:
    """What a command waited for, if anything, and what it printed."""
    blocker: Blocker | None = None
    patience = PATIENCE
    while True:
        try:
            return blocker, process.communicate(timeout=RELEASE if blocker is not None else patience)[0]
        except subprocess.TimeoutExpired:
            patience *= 2
            blocker = blocker or blocked()
            if blocker is not None:
                blocker.release()

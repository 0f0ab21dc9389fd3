"""Running commands: no more at a time than there are slots, what they print kept in one piece."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NOT_STARTED = 127


@dataclass(frozen=True)
class Finished:
    status: int  # 0 good; negative: ended by that signal; 127: could not be started
    output: str  # of both streams, in the order they were written
    start: float  # seconds since the epoch
    seconds: float

    @property
    def interrupted(self) -> bool:
        return self.status == -signal.SIGINT or self.status == 128 + signal.SIGINT


class JobSlots:
    """So many commands run at a time, whichever thread starts them."""

    def __init__(self, count: int) -> None:
        self.count = max(1, count)
        self._free = threading.BoundedSemaphore(self.count)

    def __enter__(self) -> None:
        self._free.acquire()

    def __exit__(self, *_: object) -> None:
        self._free.release()

    def run(self, words: Sequence[str], environment: Mapping[str, str], *, capture: bool = True) -> Finished:
        """Wait for a slot, run a command in it to its end. `capture=False`: it prints for itself."""
        with self:
            start, clock = time.time(), time.perf_counter()
            status, output = _run(words, environment, capture)
            return Finished(status, output, start, time.perf_counter() - clock)


def _run(words: Sequence[str], environment: Mapping[str, str], capture: bool) -> tuple[int, str]:
    try:
        process = subprocess.Popen(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.STDOUT if capture else None,
            # Python's own descriptors are not inherited anyway; and so a child costs no fork of this large process.
            close_fds=os.name == "nt",
        )
    except OSError as error:
        return NOT_STARTED, f"ambilink: {words[0]}: cannot be started ({error.strerror})\n"
    try:
        output, _ = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process.returncode, (output or b"").decode("utf-8", "replace")

"""One build at a time in a build folder. A second one waits, and says for whom.

The lock is one of the operating system, on the file `lock`: it ends with the process that holds it, however that ends.
Beside it `holder.json` says who holds it. What a build starts has the build's token in its environment: a build that is
started by another one (tests of a build tool, say) does not wait for it, and what a killed build left running is found.
"""

import json
import os
import shlex
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically
from ambilink.incremental.leftovers import RUNNING, Guard, end_all

POLL = 0.1  # seconds


@dataclass(frozen=True)
class Holder:
    token: str
    pid: int
    host: str
    command: str
    since: float

    def __str__(self) -> str:
        when = time.strftime("%H:%M:%S", time.localtime(self.since))
        where = f" on {self.host}" if self.host != socket.gethostname() else ""
        return f"process {self.pid}{where}, since {when}: {self.command}"


class BuildLock:
    """Held until the process ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.waited = False
        self._path, self._holder_path = folder / "lock", folder / "holder.json"
        self._lock = FileLock(str(self._path))
        self._guard: Guard | None = None

    def acquire(self, token: str, say: Callable[[str], None]) -> None:
        """Wait for other builds; return at once within one of them."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                if not self._wait(say):
                    return
            left = self._holder()
            if left is not None and left.host == socket.gethostname():  # it was killed, perhaps with its guard
                end_all(left.token)
            holder = Holder(token, os.getpid(), socket.gethostname(), _command(), time.time())
            write_atomically(self._holder_path, json.dumps(asdict(holder)).encode())
        except OSError as error:
            path = error.filename or self.folder
            remedy = "make room or make the folder writable, or build in another folder (AMBILINK_BUILD)"
            raise AmbilinkError(path, f"cannot be written ({error.strerror})", remedy) from error
        self._guard = Guard(token)

    def _wait(self, say: Callable[[str], None]) -> bool:
        """True once the lock is ours; False within the build that holds it."""
        known = None
        while True:
            holder = self._holder()
            if holder is not None and holder.token in os.environ.get(RUNNING, "").split():
                return False
            if holder != known or not self.waited:
                self.waited, known = True, holder
                whom = f"another build ({holder})" if holder is not None else "another build"
                remedy = "Ctrl-C gives up, another checkout builds beside it (git worktree add)"
                say(f"scons: waiting for {whom} to leave {self.folder.parent}; {remedy}")
            try:
                self._lock.acquire(timeout=POLL, poll_interval=POLL / 2)
                return True
            except Timeout:
                continue

    def _holder(self) -> Holder | None:
        try:
            return Holder(**json.loads(self._holder_path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def done(self) -> None:
        """The build ended by itself: nothing is left over."""
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None
            self._holder_path.unlink(missing_ok=True)


def _command() -> str:
    return shlex.join(["scons", *sys.argv[1:]])

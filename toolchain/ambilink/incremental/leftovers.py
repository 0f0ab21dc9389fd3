"""What a build started must not outlive it, even where the build is killed and can do nothing more.

Everything that a build starts has its token in the variable AMBILINK_RUNNING, after those of the builds around it. A
guard, which is this file run by itself, reads a pipe that only the build holds: once that breaks, it ends what has the
token. Where processes show no environment (/proc), only what the build itself ends is ended.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

RUNNING = "AMBILINK_RUNNING"
DISMISSED = b"."
GRACE = 2.0  # seconds between asking a process to end and ending it


def new_token() -> str:
    return f"{os.getpid()}-{secrets.token_hex(6)}"


def within(token: str) -> str:
    """The variable's value for what a build starts."""
    return " ".join([*os.environ.get(RUNNING, "").split(), token])


def started_by(token: str) -> Iterator[int]:
    """Processes of a build that are there now, this one left out."""
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return
    prefix, wanted = f"{RUNNING}=".encode(), token.encode()
    for name in names:
        try:
            with open(f"/proc/{name}/environ", "rb") as stream:
                variables = stream.read().split(b"\0")
        except OSError:
            continue
        mine = (each for each in variables if each.startswith(prefix))
        if int(name) != os.getpid() and any(wanted in each[len(prefix) :].split() for each in mine):
            yield int(name)


def end_all(token: str, first: signal.Signals = signal.SIGKILL) -> None:
    """Processes of a build are ended; what they started meanwhile, too."""
    deadline = time.monotonic() + GRACE
    how = first
    while found := list(started_by(token)):
        if time.monotonic() > deadline:
            if how is signal.SIGKILL:
                return  # not ours to end
            how, deadline = signal.SIGKILL, time.monotonic() + GRACE
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, how)
        time.sleep(0.02)


class Guard:
    def __init__(self, token: str) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if os.path.isdir("/proc/self"):
            with contextlib.suppress(OSError):
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", __file__, token],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={},
                    start_new_session=True,  # Ctrl-C and the end of a terminal are the build's
                )

    def dismiss(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(DISMISSED)
                self._process.stdin.close()
            self._process.wait()


if __name__ == "__main__" and sys.stdin.buffer.read() != DISMISSED:
    end_all(sys.argv[1])

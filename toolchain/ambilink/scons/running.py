"""This process as a build, whichever environments it has: what it prints to, what it runs, how it is stopped, and that
no other build is in its folders."""

import atexit
import contextlib
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ambilink.incremental.leftovers import RUNNING, end_all, new_token, within
from ambilink.incremental.lock import BuildLock
from ambilink.incremental.slots import JobSlots
from ambilink.report.progress import Progress
from ambilink.report.terminal import SharedStream, discard, is_terminal, wants_colour
from ambilink.scons.api import Environment, unwrapped
from ambilink.scons.tasks import ENDING_SIGNALS, forget_signatures, on_failure

CLOSED = 128 + 13  # exit status of a program that SIGPIPE ended


class Running:
    def __init__(self, jobs: int) -> None:
        self.token = new_token()
        os.environ[RUNNING] = within(self.token)  # of what is started without an environment of its own
        out, error = unwrapped(sys.stdout), unwrapped(sys.stderr)
        terminal = is_terminal(out, os.environ)
        self.progress = Progress(
            SharedStream(out, lambda: None, self._closed),
            terminal=terminal,
            colour=wants_colour(out, os.environ),
            jobs=jobs,
        )
        self.slots = JobSlots(jobs)
        self.stopped_by: signal.Signals | None = None
        self.closed = False  # nothing more can be printed
        self._status = CLOSED
        self._finishing = self._late = False
        self._locks: dict[Path, BuildLock] = {}
        before = self.progress.clear if is_terminal(error, os.environ) else lambda: None
        self._streams = SharedStream(out, self.progress.clear, self._closed), SharedStream(error, before, self._closed)
        self.attach()
        on_failure(self.slots.stop)
        self._listen()

    def attach(self) -> None:
        """All that is printed goes through here; SCons takes its own streams back when it ends."""
        sys.stdout, sys.stderr = self._streams

    def finishing(self) -> None:
        """What remains are records and reports: the first signal is too late, a second one ends the process."""
        self.attach()
        if not self._finishing:
            self._finishing = True
            for number in ENDING_SIGNALS if threading.current_thread() is threading.main_thread() else []:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves SIGHUP
                    signal.signal(number, self._signal_while_finishing)

    def _signal_while_finishing(self, number: int, frame: object) -> None:
        if self._late:
            os._exit(128 + number)
        self._late = True

    def lock(self, folder: Path) -> None:
        """Wait until no other build is in a folder, and keep others out."""
        if folder not in self._locks:
            lock = self._locks[folder] = BuildLock(folder)
            lock.acquire(self.token, partial(print, flush=True))
            if lock.waited:
                forget_signatures()

    def take_in(self, env: Environment) -> None:
        """What the environment's commands start belongs to this build. SCons lets them print by themselves."""
        env["ENV"][RUNNING] = os.environ[RUNNING]
        if self.progress.terminal:
            env["SPAWN"] = self._spawner(env["SPAWN"])

    def _spawner(self, spawn: Callable[..., int]) -> Callable[..., int]:
        def paused(*arguments: Any) -> int:
            with self.progress.paused():
                return spawn(*arguments)

        return paused

    def done(self) -> None:
        """At the very end, after all that the environments report."""
        self.finishing()
        self.progress.clear()
        if self.stopped_by is not None and not self.closed:
            print(f"scons: stopped by {self.stopped_by.name}; what was made is kept for the next build")
        self.progress.repeat_failures()
        for lock in self._locks.values():
            lock.done()
        if self.closed:
            os._exit(self._status)

    def _listen(self) -> None:
        """A thread sees signals as they come, while the main thread waits for commands."""
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        try:
            signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        except ValueError:  # SConscripts are read by another thread than the main one
            return
        self._sockets = reader, writer
        threading.Thread(target=self._end_at_signals, args=(reader,), daemon=True).start()

    def _end_at_signals(self, reader: socket.socket) -> None:
        while numbers := reader.recv(16):
            for number in numbers:
                if number in ENDING_SIGNALS and not self._finishing:
                    self.stopped_by = signal.Signals(number)
                    self.slots.end()
                    end_all(self.token, signal.SIGTERM)
                    self.slots.kill()

    def _closed(self, error: OSError) -> None:
        """A stream cannot be written: its reader or its terminal is gone."""
        if self.closed:
            return
        self.closed = True
        if error.errno not in (errno.EPIPE, errno.EIO):
            self._status = 2
            with contextlib.suppress(OSError, AttributeError):
                sys.__stderr__.write(f"scons: cannot write its output ({error.strerror})\n")  # type: ignore[union-attr]
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                discard(stream.fileno())
        if self._finishing or signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:  # nothing is built now
            os._exit(self._status)
        os.kill(os.getpid(), signal.SIGTERM)


_running: list[Running] = []


def running(jobs: int) -> Running:
    """The one of this process; `jobs` are the slots of its commands."""
    if not _running:
        _running.append(Running(jobs))
        atexit.register(_running[0].done)
    return _running[0]

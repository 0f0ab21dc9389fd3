"""What a build shows while it runs: one line that changes on a terminal, a line for each step elsewhere."""

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ambilink.report.terminal import RED, Writer, coloured, highlighted

CLEAR = "\r\x1b[K"
INTERVAL = 0.05  # seconds between two changes of the line
ENOUGH = 2.0  # recorded seconds of finished steps, from which on they show how fast this machine is today


@dataclass(frozen=True)
class Failure:
    word: str
    target: str
    output: str


class Progress:
    """Steps are counted; output of commands comes whole, above the line. Called by several threads."""

    def __init__(self, stream: Writer, *, terminal: bool, colour: bool = False, jobs: int = 1) -> None:
        self._stream = stream
        self.terminal = terminal
        self.colour = colour
        self._jobs = jobs
        self._lock = threading.RLock()
        self._running: dict[str, tuple[str, float]] = {}  # word and start
        self._expected: dict[str, float | None] = {}  # recorded seconds of steps that are known to come, if any are
        self._recorded = self._taken = 0.0  # seconds of finished steps: the last time, and now
        self._done = 0
        self._drawn = 0.0
        self._shown = False
        self._paused = 0
        self.estimates = True  # False: what is to come may be taken from a cache, in no time
        self.failures: list[Failure] = []

    def expect(self, target: str, seconds: float | None) -> None:
        """A step will come; None: it was never timed."""
        with self._lock:
            self._expected[target] = seconds

    def started(self, word: str, target: str, text: str | None = None) -> None:
        """`text`: what to print instead of word and target, elsewhere than on a terminal; empty: nothing yet."""
        with self._lock:
            self._expected.setdefault(target, 0.0)
            self._running[target] = word, time.monotonic()
            if self.terminal and not text:
                self._draw(f"{word} {target}")
            elif text != "":
                self._print(text if text is not None else f"  {word:<5} {target}")

    def finished(self, target: str, output: str = "", *, failed: bool = False, shown: bool = False) -> None:
        """`shown`: the output stands above already; it is only repeated at the end, where it is an error."""
        with self._lock:
            word, start = self._running.pop(target, ("", 0.0))
            recorded = self._expected.pop(target, None)
            if word:
                self._done += 1
            if word and recorded:
                self._recorded += recorded
                self._taken += time.monotonic() - start
            if self.colour:
                output = highlighted(output)
            if failed:
                self.failures.append(Failure(word, target, output))
                self._print(self._failure_line(self.failures[-1]))
            if output and not shown:
                self._print(output.rstrip("\n"))
            if self.terminal and self._running and time.monotonic() - self._drawn > INTERVAL:
                newest = next(reversed(self._running))
                self._draw(f"{self._running[newest][0]} {newest}")

    def dropped(self, target: str) -> None:
        """A step was not done, because the build stops."""
        with self._lock:
            self._running.pop(target, None)
            self._expected.pop(target, None)

    def say(self, text: str) -> None:
        """Whole lines, above the line that changes."""
        with self._lock:
            self._print(text)

    def clear(self) -> None:
        """Others are about to write."""
        with self._lock:
            if self._shown:
                self._shown = False
                self._stream.write(CLEAR)
                self._stream.flush()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The terminal is left to a command that prints by itself."""
        with self._lock:
            self.clear()
            self._paused += 1
        try:
            yield
        finally:
            with self._lock:
                self._paused -= 1

    def repeat_failures(self) -> None:
        """All errors again, at the end, where they are looked for."""
        count = len(self.failures)
        if not count:
            return
        self._print(f"\nscons: {count:,} step{'s' * (count != 1)} failed:")
        for failure in self.failures:
            self._print(f"\n{self._failure_line(failure)}")
            if failure.output:
                self._print(failure.output.rstrip("\n"))

    def _failure_line(self, failure: Failure) -> str:
        text = f"  {failure.word:<5} {failure.target}: failed"
        return coloured(text, RED) if self.colour else text

    def _print(self, text: str) -> None:
        self.clear()
        self._stream.write(text + "\n")
        self._stream.flush()

    def _draw(self, what: str) -> None:
        now = time.monotonic()
        if self._paused or (self._shown and now - self._drawn < INTERVAL):
            return
        self._drawn = now
        total = self._done + len(self._expected)
        head = f"[{self._done}/{total}]{self._rest(now)} "
        others = len(self._running) - 1
        if others > 0:
            what += f" (+{others})"
        room = shutil.get_terminal_size().columns - 1 - len(head)
        if len(what) > room:  # the end of a path says more than its beginning
            what = "…" + what[len(what) - max(0, room - 1) :]
        self._shown = True  # before it is: writing to a shared stream clears nothing then
        self._stream.write(CLEAR + head + what)
        self._stream.flush()

    def _rest(self, now: float) -> str:
        """Seconds of compiling to go, by what each of these steps took the last time; nothing where one was never
        timed. What follows is not known before, and not counted."""
        if not self.estimates or None in self._expected.values():
            return ""
        pace = self._taken / self._recorded if self._recorded >= ENOUGH else 1.0
        left = []
        for target, recorded in self._expected.items():
            _, start = self._running.get(target, ("", now))
            left.append(max(0.0, (recorded or 0.0) * pace - (now - start)))
        seconds = max(sum(left) / self._jobs, max(left, default=0.0))
        return f" {seconds:.0f} s of compiling left" if seconds >= 1 else ""

"""What a build says while it runs: one line that changes on a terminal, a line for each step elsewhere."""

import shutil
import threading
import time
from typing import TextIO

CLEAR = "\r\x1b[K"
INTERVAL = 0.05  # seconds between two changes of the line


class Progress:
    """Steps are counted; output of commands comes whole, above the line. Called by several threads."""

    def __init__(self, stream: TextIO, *, terminal: bool) -> None:
        self._stream = stream
        self._terminal = terminal
        self._lock = threading.RLock()
        self._running: dict[str, float] = {}
        self._expected: dict[str, float] = {}  # seconds, of steps that are known to come
        self._done = 0
        self._drawn = 0.0
        self._shown = False

    def expect(self, target: str, seconds: float) -> None:
        with self._lock:
            self._expected[target] = seconds

    def started(self, word: str, target: str, text: str | None = None) -> None:
        """`text`: what to print instead of word and target, elsewhere than on a terminal."""
        with self._lock:
            self._expected.setdefault(target, 0.0)
            self._running[target] = time.monotonic()
            if self._terminal and text is None:
                self._draw(f"{word} {target}")
            else:
                self._print(text if text is not None else f"  {word:<5} {target}")

    def finished(self, target: str, output: str = "") -> None:
        with self._lock:
            if output:
                self._print(output.rstrip("\n"))
            if self._running.pop(target, None) is not None:
                self._done += 1
            self._expected.pop(target, None)
            if self._terminal and self._running and time.monotonic() - self._drawn > INTERVAL:
                self._draw(next(reversed(self._running)))

    def say(self, text: str) -> None:
        """Whole lines, above the line that changes."""
        with self._lock:
            self._print(text)

    def clear(self) -> None:
        """Leave the terminal to a step that prints by itself."""
        with self._lock:
            if self._shown:
                self._stream.write(CLEAR)
                self._stream.flush()
                self._shown = False

    def _print(self, text: str) -> None:
        self.clear()
        self._stream.write(text + "\n")
        self._stream.flush()

    def _draw(self, what: str) -> None:
        now = time.monotonic()
        if self._shown and now - self._drawn < INTERVAL:
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
        self._stream.write(CLEAR + head + what)
        self._stream.flush()
        self._shown = True

    def _rest(self, now: float) -> str:
        """Seconds to go, by what the steps took the last time."""
        waiting = sum(seconds for target, seconds in self._expected.items() if target not in self._running)
        running = sum(max(0.0, self._expected[target] - (now - start)) for target, start in self._running.items())
        seconds = (waiting + running) / max(1, len(self._running))
        return f" {seconds:.0f} s to go" if seconds >= 1 else ""

"""Consoles of boots that run side by side: one is shown as it comes, the others are kept, and shown whole after it."""

import threading
from collections.abc import Callable


class Console:
    """Of one boot; `title` heads it."""

    def __init__(self, title: str) -> None:
        self.kept = [title]  # not shown yet
        self.last = ""  # line: the verdict
        self.ended = False


class Stage:
    """Shows consoles by `say`, which prints whole lines. Called by several threads."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._consoles: list[Console] = []  # the first is shown as it comes

    def put(self, console: Console, line: str) -> None:
        with self._lock:
            console.kept.append(line)
            console.last = line
            if console not in self._consoles:
                self._consoles.append(console)
            if console is self._consoles[0]:
                self._show(console)

    def end(self, console: Console) -> None:
        with self._lock:
            console.ended = True
            while self._consoles and self._consoles[0].ended:
                self._show(self._consoles.pop(0))
                # What has ended comes before what still runs.
                self._consoles.sort(key=lambda each: not each.ended)
            if self._consoles:
                self._show(self._consoles[0])

    def _show(self, console: Console) -> None:
        if console.kept:
            self._say("\n".join(console.kept))
            console.kept.clear()

"""isa-debug-exit: the byte written ends the machine."""

from collections.abc import Callable


class DebugExit:
    def __init__(self, port: int, stop: Callable[[], None]) -> None:
        self.ports = (port,)
        self.code: int | None = None
        self._stop = stop

    def read(self, port: int) -> int:
        return 0

    def write(self, port: int, value: int) -> None:
        self.code = value
        self._stop()

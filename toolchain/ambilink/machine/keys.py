"""Keys for a machine: what a person types at this terminal, or what a file holds."""

import contextlib
import os
import selectors
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import BinaryIO

ESCAPE = 0x1D  # Ctrl-], as in telnet
ENDED = "ended at the terminal by Ctrl-]"
PART = 4096
PENDING_MAX = 65536  # bytes that wait for the machine; then no more are read
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Keys:
    source: int | None = None  # a descriptor to read from while the machine runs
    data: bytes = b""  # before that
    has_escape: bool = False  # Ctrl-] ends the machine: a person types
    show: Callable[[bytes], None] | None = None  # gets the console's bytes as they come


class Typist:
    """Hands keys on as fast as the machine takes them, from its first output on: then its serial line is set up."""

    def __init__(self, keys: Keys, machine: BinaryIO, selector: selectors.BaseSelector) -> None:
        self._keys, self._machine, self._selector = keys, machine, selector
        self._pending = bytearray(keys.data)
        self._source = keys.source
        self._writes = False
        os.set_blocking(machine.fileno(), False)
        if self._source is not None:
            selector.register(self._source, selectors.EVENT_READ)

    def console_came(self, data: bytes) -> None:
        if not self._writes:
            self._writes = True
            self._arrange()
        if self._keys.show:
            self._keys.show(data)

    def serve(self, what: object) -> bool:
        """A descriptor is ready; False: the person ends the machine."""
        if what is self._machine:
            self._write()
        elif what == self._source and not self._read():
            return False
        self._arrange()
        return True

    def _read(self) -> bool:
        assert self._source is not None
        data = os.read(self._source, PART)
        if not data:
            self._forget(self._source)
            self._source = None
        escape = data.find(ESCAPE) if self._keys.has_escape else -1
        self._pending += data if escape < 0 else data[:escape]
        return escape < 0

    def _write(self) -> None:
        try:
            del self._pending[: os.write(self._machine.fileno(), self._pending)]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # the machine ends
            self._pending.clear()
            self._writes = False

    def _arrange(self) -> None:
        """Listen for what can go on."""
        if self._source is not None and len(self._pending) >= PENDING_MAX:
            self._forget(self._source)
        elif self._source is not None:
            self._listen(self._source, selectors.EVENT_READ)
        if self._writes and self._pending:
            self._listen(self._machine, selectors.EVENT_WRITE)
        else:
            self._forget(self._machine)

    def _listen(self, what: BinaryIO | int, event: int) -> None:
        if what not in self._selector.get_map():
            self._selector.register(what, event)

    def _forget(self, what: BinaryIO | int) -> None:
        if what in self._selector.get_map():
            self._selector.unregister(what)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def typed_keys() -> Iterator[Keys]:
    """Standard input, byte by byte, without echo; as it was again at every end but SIGKILL."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()

    def show(data: bytes) -> None:
        while data:
            data = data[os.write(sys.stdout.fileno(), data) :]

    sys.stdout.flush()
    if not os.isatty(descriptor):
        yield Keys(descriptor, show=show)
        return
    before = termios.tcgetattr(descriptor)
    handlers = {number: signal.signal(number, _end) for number in ENDING_SIGNALS}
    try:
        tty.setraw(descriptor)
        yield Keys(descriptor, has_escape=True, show=show)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        print(flush=True)

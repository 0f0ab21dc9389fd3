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
ENDED = "at the terminal, by Ctrl-] or a signal"
PART = 4096
PENDING_MAX = 65536  # bytes that wait for the machine; then no more are read
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def before_escape(data: bytes, has_escape: bool) -> tuple[bytes, bool]:
    """What was typed before Ctrl-], and whether that was typed."""
    at = data.find(ESCAPE) if has_escape else -1
    return (data, False) if at < 0 else (data[:at], True)


@dataclass(frozen=True)
class Keys:
    source: int | None = None  # a descriptor to read from while the machine runs
    data: bytes = b""  # before that
    has_escape: bool = False  # Ctrl-] ends the machine: a person types
    show: Callable[[bytes], None] | None = None  # gets the console's bytes as they come
    end: int | None = None  # a descriptor that becomes readable when a signal ends the machine


class Typist:
    """Hands keys on as fast as the machine takes them, from its first output on: then its serial line is set up."""

    def __init__(self, keys: Keys, machine: BinaryIO, selector: selectors.BaseSelector) -> None:
        self._keys, self._machine, self._selector = keys, machine, selector
        self._pending = bytearray(keys.data)
        self._source = keys.source
        self._writes = False
        os.set_blocking(machine.fileno(), False)
        for descriptor in (self._source, keys.end):
            if descriptor is not None:
                selector.register(descriptor, selectors.EVENT_READ)

    def console_came(self, data: bytes) -> None:
        if not self._writes:
            self._writes = True
            self._arrange()
        if self._keys.show:
            self._keys.show(data)

    def serve(self, what: object) -> bool:
        """A descriptor is ready; False: the person ends the machine."""
        if what == self._keys.end:
            return False
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
        typed, is_end = before_escape(data, self._keys.has_escape)
        self._pending += typed
        return not is_end

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


@contextlib.contextmanager
def _caught_signals() -> Iterator[int]:
    """A descriptor that becomes readable at a signal that would end us, which then happens here: an exception would be
    lost where the emulator calls back."""
    came: list[int] = []
    read, write = os.pipe()

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)
        os.write(write, b"!")

    # A signal that we were started to ignore stays so, as nohup has it with SIGHUP.
    heeded = [number for number in ENDING_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    handlers = {number: signal.signal(number, note) for number in heeded}
    try:
        yield read
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(read)
        os.close(write)
    if came:
        raise SystemExit(128 + came[0])


def _show(data: bytes) -> None:
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


@contextlib.contextmanager
def typed_keys() -> Iterator[Keys]:
    """Standard input, byte by byte, without echo; as it was again at every end but SIGKILL."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    sys.stdout.flush()
    with _caught_signals() as end:
        if not os.isatty(descriptor):
            yield Keys(descriptor, show=_show, end=end)
            return
        before = termios.tcgetattr(descriptor)
        try:
            tty.setraw(descriptor)
            yield Keys(descriptor, has_escape=True, show=_show, end=end)
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
            print(flush=True)

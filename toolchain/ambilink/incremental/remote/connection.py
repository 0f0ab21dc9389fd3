"""Asking a server: with a limit of time for each answer, and one exception for all that can go wrong."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from ambilink.incremental.entries import Loss, StorageError

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it prints what is said here in fewer words
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # commands are started without a copy of this process
import grpc

logging.getLogger("grpc").setLevel(logging.CRITICAL + 1)

ANSWER = 5.0  # seconds that an answer may take
RATE = 200_000  # bytes per second, at least
WINDOW = 32  # questions at a time; fewer, where a server does not take as many
SERVED = 8  # of them a server answers side by side
PAUSES = (0.01, 0.03, 0.1, 0.3, 1.0, 1.0)  # seconds before a busy server is asked again
SLOW, SLOW_COUNT = 0.5, 16  # so many answers that take so many seconds each cost more than they save
SHOWN = 120  # characters of what a server says
_REFUSED = (  # to read, or to write: the other may be allowed
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.FAILED_PRECONDITION,
)
_T = TypeVar("_T")


class _BusyError(Exception):
    """The server turned a question away."""


class Connection:
    """With one server. Once it failed, it is not asked again. Called by several threads."""

    def __init__(self, address: str, *, secure: bool, ca: bytes | None, message: int) -> None:
        options = [("grpc.max_receive_message_length", message), ("grpc.enable_retries", 0)]
        if secure:
            self.channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(ca), options)
        else:
            self.channel = grpc.insecure_channel(address, options)
        self._lock = threading.Lock()
        self._window = WINDOW
        self._last: list[float] = []  # seconds of answers
        self._failure: StorageError | None = None

    def call(self, method: Any, request: Any, *, size: int = 0, writes: bool = False) -> Any:
        """One answer, to or from which so many bytes go; None: it is not found."""
        (answer,) = self._ask(method, [request], ANSWER + size / RATE, writes, small=not size)
        return answer

    def call_many(self, method: Any, requests: Iterable[Any], *, writes: bool = False) -> Iterator[Any]:
        """An answer to each small request, several at a time; None: it is not found."""
        waiting = iter(requests)
        while part := list(islice(waiting, self._window)):
            yield from self._ask(method, part, ANSWER, writes, small=True)

    def stream(self, run: Callable[[float], _T], *, size: int, writes: bool = False) -> _T | None:
        """Call `run` with the seconds that a stream of so many bytes may take; None: it is not found."""
        try:
            return self._guard(lambda: run(ANSWER + size / RATE), writes)
        except _BusyError as error:
            raise self.give_up(f"is too busy ({error})") from None

    def give_up(self, message: str) -> StorageError:
        """For the rest of the build."""
        error = StorageError(message, Loss.BOTH)
        with self._lock:
            self._failure = self._failure or error
            return self._failure

    def _ask(self, method: Any, requests: Sequence[Any], seconds: float, writes: bool, *, small: bool) -> list[Any]:
        """As many at a time as the server takes; what it turns away, again."""
        self._check()
        answers: list[Any] = [None] * len(requests)
        left, pauses = list(range(len(requests))), iter(PAUSES)
        while left:
            part, start = left[: self._window], time.monotonic()
            asked = {number: method.future(requests[number], timeout=seconds) for number in part}
            busy: list[int] = []
            for number, future in asked.items():
                try:
                    answers[number] = self._guard(future.result, writes)
                except _BusyError as error:
                    busy.append(number)
                    said = str(error)
            if small:
                self._took((time.monotonic() - start) / max(1.0, len(part) / SERVED))
            left = [*busy, *left[len(part) :]]
            if busy:
                self._window = max(1, self._window // 2)
                pause = next(pauses, None)
                if pause is None:
                    raise self.give_up(f"is too busy ({said})")
                time.sleep(pause)
        return answers

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _took(self, seconds: float) -> None:
        with self._lock:
            self._last = [*self._last[1 - SLOW_COUNT :], seconds]
            usual = sum(self._last) / SLOW_COUNT
        if usual > SLOW:
            raise self.give_up(f"takes {seconds:.1f} s for an answer")

    def _guard(self, ask: Callable[[], _T], writes: bool) -> _T | None:
        self._check()
        try:
            return ask()
        except grpc.RpcError as error:
            code = error.code() if isinstance(error, grpc.Call) else None
            if code == grpc.StatusCode.NOT_FOUND:
                return None
            if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise _BusyError(_said(error)) from None
            if code in _REFUSED:
                words, loss = ("takes no entries", Loss.WRITING) if writes else ("gives no entries", Loss.READING)
                raise StorageError(f"{words} ({_said(error)})", loss) from None
            raise self.give_up(_reason(error, code)) from None
        except (ValueError, TypeError) as error:  # an answer that is none, or a channel that was closed
            raise self.give_up(f"gives answers that are none ({_printable(str(error))})") from None


def _reason(error: grpc.RpcError, code: Any) -> str:
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return "does not answer in time"
    if code == grpc.StatusCode.UNAVAILABLE:
        return f"cannot be reached ({_said(error)})"
    if code == grpc.StatusCode.INVALID_ARGUMENT:
        return f"refuses ({_said(error)})"
    return f"gives answers that are none ({code.name if code else 'no status'}: {_said(error)})"


def _said(error: grpc.RpcError) -> str:
    return _printable(str(error.details() or "") if isinstance(error, grpc.Call) else str(error)) or "without a reason"


def _printable(text: str) -> str:
    """On one line, without what would steer a terminal."""
    line = "".join(each if each.isascii() and each.isprintable() else " " for each in text[: 4 * SHOWN])
    line = " ".join(line.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."

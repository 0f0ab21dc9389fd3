"""The cache on a server, against servers that are slow, wrong, busy or gone. A real one is in tests/build."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from buildgrid.common.protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as api

from ambilink.incremental.entries import ENTRY_MAX
from ambilink.incremental.remote import blobs as blobs_module
from ambilink.incremental.remote import connection as connection_module
from ambilink.incremental.remote import writer as writer_module
from ambilink.incremental.remote.blobs import digest_of
from ambilink.incremental.seal import HEADER, Entry, Seal

from .cache_host import Box, host

__all__ = ["host"]  # a fixture


def some(count: int, size: int = 1000) -> dict[str, bytes]:
    return {f"{number:032x}": bytes([number % 251]) * (size + number) for number in range(count)}


@pytest.mark.parametrize("inlines", [False, True])
@pytest.mark.parametrize("instance", ["", "team/a"])
def test_entries_come_back(host, instance, inlines):
    host.inlines = inlines
    contents = some(300, 800) | {"large": bytes(9 << 20), "empty": b""}
    box = Box(host.port, instance, b"s" * 32)
    box.put(contents)
    assert "stream-write" in host.calls
    host.calls.clear()
    other = Box(host.port, instance, b"s" * 32)
    assert other.get([*contents, "other"]) == contents | {"other": None}
    assert other.entries.get("other") is None and not other.said
    assert not [line for line in box.said if "writing the last of" not in line]  # which a busy machine makes it say
    assert host.calls.count("read") <= 1 and host.calls.count("get") == len(contents) + 2


def test_what_is_there_is_not_sent_again(host):
    Box(host.port).put(some(20))
    host.calls.clear()
    Box(host.port).put(some(20))
    assert "write" not in host.calls and "missing" in host.calls


def test_batches_are_as_large_as_the_server_takes(host):
    host.batch = 5000
    contents = some(60) | {"large": bytes(6000), "exact": bytes(5000 - HEADER)}
    Box(host.port).put(contents)
    assert Box(host.port).get(contents) == contents
    assert host.calls.count("write") > 10 and "stream" in host.calls


def test_what_is_around_blobs_fits_into_a_message_with_them(host):
    host.batch = 20_000
    host.answer = lambda name, message: sizes.append(message.ByteSize()) or message if name == "read" else message
    sizes: list[int] = []
    contents = some(500, 10)
    Box(host.port).put(contents)
    assert Box(host.port).get(contents) == contents
    assert len(sizes) > 10 and max(sizes) <= host.batch


# Answers that are wrong.


def changed(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1]) if data else b"x"


def wrong_bytes(name, message):
    if name == "read":
        for each in message.responses:
            each.data = changed(each.data)
    return changed(message) if name == "stream" else message


def shuffled(name, message):
    if name == "read":
        data = [each.data for each in message.responses]
        for each, other in zip(message.responses, [*data[1:], data[0]], strict=True):
            each.data = other
    return message


def nothing(name, message):
    return type(message)() if name in ("read", "stream") else message


def longer(name, message):
    return message * 3 if name == "stream" else message


def other_output(name, message):
    if name == "get":
        message.output_files[0].path = "elsewhere"
    return message


def no_output(name, message):
    return api.ActionResult(exit_code=1) if name == "get" else message


def sized(size: int):
    def answer(name, message):
        if name == "get":
            message.output_files[0].digest.size_bytes = size
        return message

    return answer


def named(text: str):
    def answer(name, message):
        if name == "get":
            message.output_files[0].digest.hash = text
        return message

    return answer


def inlined(name, message):
    if name == "get":
        message.output_files[0].contents = b"other"
    return message


WRONG = {
    "wrong bytes": wrong_bytes,
    "shuffled": shuffled,
    "nothing": nothing,
    "other output": other_output,
    "no output": no_output,
    "size 0": sized(0),
    "size < 0": sized(-5),
    "huge": sized(1 << 50),
    "largest": sized(ENTRY_MAX + HEADER + 1),
    "no digest": named(""),
    "a path": named("../" * 20 + "abcd"),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_answers_that_are_wrong_are_misses(host, answer):
    contents = some(20)
    Box(host.port).put(contents)
    host.answer = answer
    assert set(Box(host.port).get(contents).values()) == {None}


@pytest.mark.parametrize("answer", [wrong_bytes, nothing, longer])
def test_streams_that_are_wrong_are_misses(host, answer):
    Box(host.port).put({"large": bytes(5 << 20)})
    host.answer = answer
    assert Box(host.port).get(["large"]) == {"large": None}


def test_bytes_that_come_with_a_wrong_digest_are_asked_for_again(host):
    contents = some(3)
    Box(host.port).put(contents)
    host.answer = inlined
    assert Box(host.port).get(contents) == contents


def test_who_writes_to_the_server_without_the_secret_is_not_believed(host):
    ours = Box(host.port, secret=b"s" * 32)
    ours.put(some(3))
    forged = Seal().close("x", Entry(b"evil"))
    host.blobs[digest_of(forged)] = forged
    for result in host.results.values():
        result.output_files[0].digest.hash, result.output_files[0].digest.size_bytes = digest_of(forged)
    box = Box(host.port, secret=b"s" * 32)
    assert set(box.get(some(3)).values()) == {None}
    box.put(some(3))
    assert Box(host.port, secret=b"s" * 32).get(some(3)) == some(3), "and is overwritten"


# Servers that fail.


def failing(code: grpc.StatusCode, *names: str, details: str = "no"):
    def before(name, context):
        if name in names or not names:
            context.abort(code, details)

    return before


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.name not in ("OK", "RESOURCE_EXHAUSTED")])
@pytest.mark.parametrize("name", ["capabilities", "get", "read", "stream"])
def test_a_failure_is_one_message(host, name, code):
    contents = some(3) | {"large": bytes(5 << 20)}
    Box(host.port).put(contents)
    host.before = failing(code, name)
    box = Box(host.port)
    found = box.get(contents)
    box.put(some(3))
    assert all(found[key] in (None, data) for key, data in contents.items())
    assert len(box.said) <= 1 and all("; the build goes on without" in line for line in box.said)
    refused = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED)
    silent = name == "capabilities" and code in (*refused, grpc.StatusCode.FAILED_PRECONDITION)
    assert box.said or silent or code == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("name", ["missing", "write", "update", "stream-write"])
@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED])
def test_a_server_that_takes_nothing_is_read(host, name, code):
    Box(host.port).put(some(3))
    host.before = failing(code, name)
    box = Box(host.port)
    box.put({"new": b"new", "large": bytes(5 << 20)})
    box.put({"newer": b"newer"})
    assert len(box.said) == 1 and "takes no entries (no)" in box.said[0]
    assert box.get(some(3)) == some(3)


@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED])
def test_a_server_may_keep_to_itself_what_it_can_do(host, code):
    host.before = failing(code, "capabilities")
    Box(host.port).put(some(3))
    assert Box(host.port).get(some(3)) == some(3)


@pytest.mark.parametrize("name", ["get", "read"])
@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED])
def test_a_server_that_gives_nothing_is_written_to(host, name, code):
    """As where CI may write and nothing else."""
    Box(host.port).put(some(3))
    host.before = failing(code, name)
    box = Box(host.port)
    assert set(box.get(some(3)).values()) == {None}
    assert len(box.said) == 1 and "gives no entries (no)" in box.said[0] and box.entries.writes
    box.put({"new": b"new"})
    assert len(box.said) == 1
    host.before = lambda name, context: None
    assert Box(host.port).get(["new"]) == {"new": b"new"}


def test_a_full_server_ends_writing(host):
    def full(name, message):
        for each in message.responses if name == "write" else ():
            each.status.code = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
        return message

    host.answer = full
    box = Box(host.port)
    box.put(some(3))
    assert box.said == [f"cache grpc://127.0.0.1:{host.port}: takes no more entries; the build goes on without"]
    assert box.entries.reads and not host.results


def test_a_busy_server_is_asked_again_with_fewer_questions(host):
    contents = some(100)
    Box(host.port).put(contents)
    running, lock = [0], threading.Lock()

    def before(name, context):
        with lock:
            running[0] += 1
            many = running[0] > 3
        try:
            time.sleep(0.002)
            if many:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
        finally:
            with lock:
                running[0] -= 1

    host.before = before
    box = Box(host.port)
    assert box.get(contents) == contents and not box.said


def test_a_server_that_is_always_busy_is_given_up(host, monkeypatch):
    monkeypatch.setattr(connection_module, "PAUSES", (0.01, 0.01))
    host.before = failing(grpc.StatusCode.RESOURCE_EXHAUSTED, "get")
    box = Box(host.port)
    assert set(box.get(some(50)).values()) == {None}
    assert len(box.said) == 1 and "is too busy (no)" in box.said[0]


def test_what_a_server_says_does_not_steer_the_terminal(host):
    host.before = failing(grpc.StatusCode.INTERNAL, details="\x1b]0;evil\x07\x1b[31m\nscons: done\r" + "x" * 500)
    box = Box(host.port)
    assert box.get(["a"]) == {"a": None}
    (line,) = box.said
    assert line.isprintable() and "]0;evil" in line and len(line) < 300


def test_a_server_that_does_not_answer_is_given_up(host, monkeypatch):
    monkeypatch.setattr(connection_module, "ANSWER", 0.3)
    stop = threading.Event()
    host.before = lambda name, context: stop.wait(10) and None if name == "get" else None
    box = Box(host.port)
    assert set(box.get(some(50)).values()) == {None}
    box.put(some(5))
    stop.set()
    assert len(box.said) == 1 and "does not answer in time" in box.said[0]
    assert host.calls.count("get") <= 40, "the others are not asked for"


def test_a_slow_server_is_given_up(host, monkeypatch):
    monkeypatch.setattr(connection_module, "SLOW", 0.02)
    host.before = lambda name, context: time.sleep(0.05)
    box = Box(host.port)
    for number in range(40):
        box.entries.get(str(number))
    assert len(box.said) == 1 and "s for an answer; the build goes on without" in box.said[0]
    assert host.calls.count("get") < 25


def test_a_server_that_goes_away_is_given_up(host):
    contents = some(10)
    box = Box(host.port)
    box.put(contents)
    host.server.stop(None)
    assert set(box.get(contents).values()) == {None}
    box.put(contents)
    assert len(box.said) == 1 and "; the build goes on without" in box.said[0]


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_a_server_that_goes_away_while_it_is_written_to(host, monkeypatch, limit):
    """Those who wait for room to write are not forgotten."""
    monkeypatch.setattr(writer_module, "WAITING", limit)
    host.before = lambda name, context: host.server.stop(None) and None if name == "write" else None
    box = Box(host.port)
    box.put(some(200))
    assert len(box.said) == 1 and not box.entries.writes


# What is no server of this kind.


def talking(answer: bytes | None) -> Iterator[int]:
    """Something that listens, and answers everything so, or nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    done = threading.Event()
    kept = []

    def run() -> None:
        while not done.is_set():
            try:
                made, _ = listener.accept()
            except OSError:
                continue
            kept.append(made)
            if answer is not None:
                try:
                    made.sendall(answer)
                except OSError:
                    continue

    thread = threading.Thread(target=run)
    thread.start()
    yield listener.getsockname()[1]
    done.set()
    thread.join()
    for each in (*kept, listener):
        each.close()


@pytest.fixture(params=[None, b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"\0" * 100_000, b"\xff" * 10])
def stranger(request) -> Iterator[int]:
    yield from talking(request.param)


def test_a_stranger_is_no_server(stranger, monkeypatch, capfd):
    monkeypatch.setattr(connection_module, "ANSWER", 0.5)
    box = Box(stranger)
    assert box.get(["a", "b"]) == {"a": None, "b": None}
    box.put({"a": b"a"})
    assert len(box.said) == 1 and "; the build goes on without" in box.said[0]
    assert capfd.readouterr() == ("", "")


class Garbage(grpc.GenericRpcHandler):
    """Answers each call with bytes that are no message."""

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"\xff\xff\xff\x07")


def test_answers_that_are_no_messages(monkeypatch, capfd):
    server = grpc.server(ThreadPoolExecutor(2), handlers=[Garbage()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    box = Box(port)
    assert box.get(["a", "b"]) == {"a": None, "b": None}
    server.stop(None)
    assert len(box.said) == 1 and "gives answers that are none" in box.said[0]
    assert "Traceback" not in "".join(capfd.readouterr())


def test_blobs_are_grouped_by_what_fits():
    blobs = blobs_module.Blobs.__new__(blobs_module.Blobs)
    blobs.batch = 1000
    sizes = [10, 872, 873, 400, 400, 1000, 0]
    small, large = blobs._sorted((f"{size:064}{number}", size) for number, size in enumerate(sizes))
    assert sorted(size for _, size in large) == [873, 1000]
    groups = list(blobs._groups(small))
    assert sorted(size for group in groups for _, size in group) == [0, 10, 400, 400, 872]
    assert all(sum(size + blobs_module.AROUND for _, size in group) <= 1000 for group in groups)

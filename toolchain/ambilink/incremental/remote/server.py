"""A cache on a server: entries lie in its content-addressed storage, and its action cache says which.

An entry is the result of an action: a command that is never run, whose arguments are the entry's name, with the sealed
entry as its only output. What a server answers is checked: blobs by their digests, entries by their seals.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from buildgrid.common.protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as api
from buildgrid.common.protos.build.bazel.remote.execution.v2 import remote_execution_pb2_grpc as services

from ambilink.incremental.entries import ENTRY_MAX, Loss, StorageError
from ambilink.incremental.remote.blobs import BATCH, Blobs, Digest, digest_of, from_message, to_message
from ambilink.incremental.remote.connection import Connection
from ambilink.incremental.remote.writer import Writer
from ambilink.incremental.seal import HEADER

AHEAD = 128 << 20  # bytes that are kept before they are asked for
OUTPUT = "entry"
MARGIN = 1 << 20  # bytes of a message beside its blobs


class Server:
    distant = True

    def __init__(
        self, place: str, address: str, instance: str, say: Callable[[str], None], *, secure: bool, ca: bytes | None
    ) -> None:
        self.place, self._instance = place, instance
        self._connection = Connection(address, secure=secure, ca=ca, message=BATCH + MARGIN)
        self._actions = services.ActionCacheStub(self._connection.channel)
        self._blobs = Blobs(self._connection, instance)
        self._writer = Writer(self._write, lambda text: say(f"cache {place}: {text}"))
        self._asked = False

    def path(self, name: str) -> str:
        return ""

    def set_aside(self, name: str) -> str:
        return ""  # the next that is written takes its place

    def get(self, name: str) -> bytes | None:
        return self.get_many([name]).get(name)

    def get_many(self, names: Iterable[str]) -> dict[str, bytes | None]:
        self._agree()
        wanted = list(dict.fromkeys(names))
        requests = (
            api.GetActionResultRequest(
                instance_name=self._instance, action_digest=to_message(_action(name)[0]), inline_output_files=[OUTPUT]
            )
            for name in wanted
        )
        found: dict[str, bytes | None] = {}
        elsewhere: dict[str, Digest] = {}
        size = 0
        answers = self._connection.call_many(self._actions.GetActionResult, requests)
        for name, result in zip(wanted, answers, strict=True):
            if result is None:
                found[name] = None
                continue
            digest, inlined = _output(result)
            if digest is None or inlined is not None:
                found[name] = inlined or b""
            elif not elsewhere or size + digest[1] <= AHEAD:
                elsewhere[name] = digest
                size += digest[1]
        blobs = self._blobs.read(elsewhere.values())
        return found | {name: blobs.get(digest) for name, digest in elsewhere.items()}

    def put(self, name: str, sealed: bytes) -> None:
        self._writer.put(name, sealed)

    def close(self, *, written: bool) -> None:
        self._writer.finish()

    def _write(self, entries: Sequence[tuple[str, bytes]]) -> None:
        self._agree()
        actions = {name: _action(name) for name, _ in entries}
        blobs = {digest_of(blob): blob for _, needed in actions.values() for blob in needed}
        refused = self._blobs.write(blobs | {digest_of(sealed): sealed for _, sealed in entries})
        requests = (
            api.UpdateActionResultRequest(
                instance_name=self._instance,
                action_digest=to_message(actions[name][0]),
                action_result=api.ActionResult(
                    output_files=[api.OutputFile(path=OUTPUT, digest=to_message(digest_of(sealed)))]
                ),
            )
            for name, sealed in dict(entries).items()
            if digest_of(sealed) not in refused
        )
        for _ in self._connection.call_many(self._actions.UpdateActionResult, requests, writes=True):
            pass
        if refused:
            raise StorageError("takes no more entries", Loss.WRITING)

    def _agree(self) -> None:
        """The first time, ask what the server can do."""
        if self._asked:
            return
        method = services.CapabilitiesStub(self._connection.channel).GetCapabilities
        try:
            answer = self._connection.call(method, api.GetCapabilitiesRequest(instance_name=self._instance))
        except StorageError as error:
            if error.loss is Loss.BOTH:
                raise
            self._asked = True  # it keeps that to itself
            return
        if answer is None:
            raise self._connection.give_up(f"has no instance named {self._instance!r}")
        cache = answer.cache_capabilities
        # Its name was another in older versions of the API.
        functions = getattr(cache, "digest_functions", None) or getattr(cache, "digest_function", None)
        if functions and api.DigestFunction.SHA256 not in functions:
            raise self._connection.give_up("does not know SHA-256")
        if 0 < cache.max_batch_total_size_bytes < BATCH:
            self._blobs.batch = cache.max_batch_total_size_bytes
        self._asked = True


@lru_cache(maxsize=1024)
def _action(name: str) -> tuple[Digest, tuple[bytes, ...]]:
    """What an entry is the result of: its digest, and the blobs that servers want to have of it."""
    root = api.Directory().SerializeToString(deterministic=True)
    command = api.Command(arguments=["ambilink-cache", name], output_paths=[OUTPUT])
    words = command.SerializeToString(deterministic=True)
    action = api.Action(command_digest=to_message(digest_of(words)), input_root_digest=to_message(digest_of(root)))
    data = action.SerializeToString(deterministic=True)
    return digest_of(data), (root, words, data)


def _output(result: Any) -> tuple[Digest | None, bytes | None]:
    """Where the entry lies, and its bytes if they came with the answer; no place, if this is no result of ours."""
    files = [each for each in result.output_files if each.path == OUTPUT]
    if len(files) != 1:
        return None, None
    digest = from_message(files[0].digest)
    if not HEADER <= digest[1] <= ENTRY_MAX + HEADER or len(digest[0]) != 64:
        return None, None
    contents = files[0].contents
    return digest, contents if contents and digest_of(contents) == digest else None

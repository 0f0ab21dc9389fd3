"""A server of the Remote Execution API in this process, whose answers tests change, and a cache on it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from buildgrid.common.protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as api
from buildgrid.common.protos.build.bazel.remote.execution.v2 import remote_execution_pb2_grpc as services
from buildgrid.common.protos.google.bytestream import bytestream_pb2, bytestream_pb2_grpc

from ambilink.incremental.entries import Entries
from ambilink.incremental.remote.blobs import digest_of, from_message
from ambilink.incremental.remote.server import Server
from ambilink.incremental.seal import Entry, Seal

LIMIT = 4 << 20  # of gRPC's messages


class Host(
    services.ActionCacheServicer,
    services.ContentAddressableStorageServicer,
    services.CapabilitiesServicer,
    bytestream_pb2_grpc.ByteStreamServicer,
):
    """A server whose answers a test may change. It keeps what the API demands."""

    def __init__(self) -> None:
        self.blobs: dict[tuple[str, int], bytes] = {}
        self.results: dict[tuple[str, int], api.ActionResult] = {}
        self.calls: list[str] = []
        self.batch = 0
        self.before = lambda name, context: None  # called first; may abort or wait
        self.answer = lambda name, message: message  # what is sent instead of an answer
        self.inlines = False

    def _begin(self, name: str, context: grpc.ServicerContext, instance: str = "") -> None:
        self.calls.append(name)
        self.before(name, context)
        if instance not in ("", "team/a"):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such instance")

    def GetCapabilities(self, request, context):
        self._begin("capabilities", context, request.instance_name)
        cache = api.CacheCapabilities(max_batch_total_size_bytes=self.batch)
        return self.answer("capabilities", api.ServerCapabilities(cache_capabilities=cache))

    def GetActionResult(self, request, context):
        self._begin("get", context, request.instance_name)
        result = self.results.get(from_message(request.action_digest))
        if result is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "no result")
        answer = api.ActionResult()
        answer.CopyFrom(result)
        for file in answer.output_files:
            data = self.blobs.get(from_message(file.digest), b"")
            if self.inlines and file.path in request.inline_output_files and len(data) < 1000:
                file.contents = data
        return self.answer("get", answer)

    def UpdateActionResult(self, request, context):
        self._begin("update", context, request.instance_name)
        action = self._message(api.Action, from_message(request.action_digest))
        self._message(api.Command, from_message(action.command_digest))
        self._message(api.Directory, from_message(action.input_root_digest))
        for file in request.action_result.output_files:
            assert from_message(file.digest) in self.blobs, "a result is complete before it is stored"
        self.results[from_message(request.action_digest)] = request.action_result
        return request.action_result

    def _message(self, kind, digest):
        return kind.FromString(self.blobs[digest])

    def FindMissingBlobs(self, request, context):
        self._begin("missing", context, request.instance_name)
        missing = [each for each in request.blob_digests if from_message(each) not in self.blobs]
        return api.FindMissingBlobsResponse(missing_blob_digests=missing)

    def BatchReadBlobs(self, request, context):
        self._begin("read", context, request.instance_name)
        assert sum(each.size_bytes for each in request.digests) <= (self.batch or LIMIT)
        found = [
            api.BatchReadBlobsResponse.Response(digest=each, data=self.blobs.get(from_message(each), b""))
            for each in request.digests
        ]
        answer = self.answer("read", api.BatchReadBlobsResponse(responses=found))
        assert answer.ByteSize() <= LIMIT
        return answer

    def BatchUpdateBlobs(self, request, context):
        self._begin("write", context, request.instance_name)
        assert sum(len(each.data) for each in request.requests) <= (self.batch or LIMIT)
        for each in request.requests:
            assert digest_of(each.data) == from_message(each.digest)
            self.blobs[from_message(each.digest)] = each.data
        found = [api.BatchUpdateBlobsResponse.Response(digest=each.digest) for each in request.requests]
        return self.answer("write", api.BatchUpdateBlobsResponse(responses=found))

    def Read(self, request, context):
        self._begin("stream", context)
        *_, kind, name, size = request.resource_name.split("/")
        assert kind == "blobs"
        data = self.answer("stream", self.blobs[name, int(size)])
        for start in range(0, len(data), 1 << 20):
            yield bytestream_pb2.ReadResponse(data=data[start : start + (1 << 20)])

    def Write(self, requests, context):
        self._begin("stream-write", context)
        data = bytearray()
        for request in requests:
            assert request.write_offset == len(data)
            data += request.data
        assert request.finish_write and digest_of(bytes(data))[0] in request.resource_name
        self.blobs[digest_of(bytes(data))] = bytes(data)
        return bytestream_pb2.WriteResponse(committed_size=len(data))


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    server = grpc.server(ThreadPoolExecutor(16))
    services.add_ActionCacheServicer_to_server(made, server)
    services.add_ContentAddressableStorageServicer_to_server(made, server)
    services.add_CapabilitiesServicer_to_server(made, server)
    bytestream_pb2_grpc.add_ByteStreamServicer_to_server(made, server)
    made.port, made.server = server.add_insecure_port("127.0.0.1:0"), server
    server.start()
    yield made
    server.stop(None)


class Box:
    def __init__(self, port: int, instance: str = "", secret: bytes = b"") -> None:
        self.said: list[str] = []
        place = f"grpc://127.0.0.1:{port}"
        storage = Server(place, f"127.0.0.1:{port}", instance, self.said.append, secure=False, ca=None)
        self.seal = Seal(secret)
        self.entries = Entries(storage, self.seal, self.said.append)

    def put(self, contents: dict[str, bytes]) -> None:
        for key, data in contents.items():
            self.entries.put(key, Entry(data))
        self.entries.close()

    def get(self, keys) -> dict[str, bytes | None]:
        """Together, as a build asks for the objects of a library."""
        self.entries.look_ahead(keys)
        found = {key: self.entries.get(key) for key in keys}
        return {key: None if entry is None else entry.data for key, entry in found.items()}

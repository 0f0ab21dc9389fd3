"""Content-addressed storage of a server: blobs by the SHA-256 of their bytes; small ones several to a message, large
ones as streams."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from buildgrid.common.protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as api
from buildgrid.common.protos.build.bazel.remote.execution.v2 import remote_execution_pb2_grpc as services
from buildgrid.common.protos.google.bytestream import bytestream_pb2, bytestream_pb2_grpc

from ambilink.incremental.remote.connection import Connection

BATCH = 4_193_280  # bytes of blobs in a message: gRPC's usual limit of 4 MiB, less what is around them
AROUND = 128  # bytes around each
CHUNK = 1 << 20  # bytes in each message of a stream
Digest = tuple[str, int]  # hexadecimal digits, and size


def digest_of(data: bytes) -> Digest:
    return hashlib.sha256(data).hexdigest(), len(data)


def to_message(digest: Digest) -> Any:
    return api.Digest(hash=digest[0], size_bytes=digest[1])


def from_message(message: Any) -> Digest:
    return message.hash, message.size_bytes


class Blobs:
    def __init__(self, connection: Connection, instance: str) -> None:
        self.batch = BATCH  # a server may want less
        self._connection, self._instance = connection, instance
        self._storage = services.ContentAddressableStorageStub(connection.channel)
        self._stream = bytestream_pb2_grpc.ByteStreamStub(connection.channel)

    def read(self, digests: Iterable[Digest]) -> dict[Digest, bytes]:
        """Those that are there, and whole."""
        small, large = self._sorted(set(digests))
        found = {digest: self._read_stream(digest) for digest in large}
        for group in self._groups(small):
            found |= self._read_batch(group)
        return {digest: data for digest, data in found.items() if data is not None and digest_of(data) == digest}

    def write(self, blobs: Mapping[Digest, bytes]) -> set[Digest]:
        """Return those that the server did not take."""
        small, large = self._sorted(self._missing(list(blobs)))
        refused = {digest for digest in large if not self._write_stream(digest, blobs[digest])}
        for group in self._groups(small):
            refused |= self._write_batch({digest: blobs[digest] for digest in group})
        return refused

    def _sorted(self, digests: Iterable[Digest]) -> tuple[list[Digest], list[Digest]]:
        """Those that fit into a message, and those that do not."""
        small: list[Digest] = []
        large: list[Digest] = []
        for digest in sorted(digests):
            (small if digest[1] + AROUND <= self.batch else large).append(digest)
        return small, large

    def _groups(self, digests: Iterable[Digest]) -> Iterator[list[Digest]]:
        """As many as fit into a message."""
        group: list[Digest] = []
        size = 0
        for digest in digests:
            size += digest[1] + AROUND
            if group and size > self.batch:
                yield group
                group, size = [], digest[1] + AROUND
            group.append(digest)
        if group:
            yield group

    def _missing(self, digests: Sequence[Digest]) -> set[Digest]:
        request = api.FindMissingBlobsRequest(instance_name=self._instance, blob_digests=map(to_message, digests))
        answer = self._connection.call(self._storage.FindMissingBlobs, request, writes=True)
        return set(digests).intersection(map(from_message, answer.missing_blob_digests)) if answer else set(digests)

    def _read_batch(self, group: Sequence[Digest]) -> dict[Digest, bytes | None]:
        request = api.BatchReadBlobsRequest(instance_name=self._instance, digests=map(to_message, group))
        size = sum(size for _, size in group)
        answer = self._connection.call(self._storage.BatchReadBlobs, request, size=size)
        return {from_message(each.digest): each.data for each in answer.responses} if answer else {}

    def _write_batch(self, blobs: Mapping[Digest, bytes]) -> set[Digest]:
        message = api.BatchUpdateBlobsRequest
        requests = [message.Request(digest=to_message(digest), data=data) for digest, data in blobs.items()]
        request = message(instance_name=self._instance, requests=requests)
        size = sum(map(len, blobs.values()))
        answer = self._connection.call(self._storage.BatchUpdateBlobs, request, size=size, writes=True)
        taken = {from_message(each.digest) for each in answer.responses if not each.status.code} if answer else set()
        return set(blobs) - taken

    def _name(self, digest: Digest, *before: str) -> str:
        return "/".join([*([self._instance] if self._instance else []), *before, "blobs", digest[0], str(digest[1])])

    def _read_stream(self, digest: Digest) -> bytes | None:
        request = bytestream_pb2.ReadRequest(resource_name=self._name(digest))

        def run(seconds: float) -> bytes:
            data = bytearray()
            answers = self._stream.Read(request, timeout=seconds)
            for answer in answers:
                data += answer.data
                if len(data) > digest[1]:
                    answers.cancel()
                    break
            return bytes(data)

        return self._connection.stream(run, size=digest[1])

    def _write_stream(self, digest: Digest, data: bytes) -> bool:
        name = self._name(digest, "uploads", str(uuid.uuid4()))

        def requests() -> Iterator[Any]:
            for start in range(0, len(data), CHUNK):
                part = data[start : start + CHUNK]
                last = start + len(part) == len(data)
                yield bytestream_pb2.WriteRequest(resource_name=name, write_offset=start, data=part, finish_write=last)

        answer = self._connection.stream(
            lambda seconds: self._stream.Write(requests(), timeout=seconds), size=len(data), writes=True
        )
        return answer is not None and answer.committed_size == len(data)

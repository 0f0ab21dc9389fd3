"""The archive's binary form: boot/include/ambilink/image.h in Python."""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

import google_crc32c

from ambilink.errors import AmbilinkError

PAGE_SIZE = 4096
MAGIC = int.from_bytes(b"AMBIMG01", "little")
VERSION = 3
DIGEST_SIZE = 32
ARGUMENTS_MAX = 8
NAME_MAX = 95
SERVICE_NAME_MAX = 31
NO_FILE = 0xFFFFFFFF

HEADER = struct.Struct("<QIIQQ8III")
FILE = struct.Struct("<IIQQII32s")
SERVICE = struct.Struct("<6I8II8I3I")
# image.h: a struct of 32-bit fields only, so no padding.
assert HEADER.size == 72 and FILE.size == 64 and SERVICE.size == 104


class FileKind(IntEnum):
    DATA = 0
    PROGRAM = 1
    LIBRARY = 2
    PAGES = 3
    PACKED = 4
    MODULE = 5

    @property
    def is_elf(self) -> bool:
        return self in (FileKind.PROGRAM, FileKind.LIBRARY)


class Role(IntEnum):
    DAEMON = 0
    PROGRAM = 1
    ON_DEMAND = 2


class Linker(IntEnum):
    """Who links a service."""

    LOADER = 0
    KERNEL = 1
    INTERP = 2
    PACK = 3


class Calls(IntEnum):
    """Whose system calls a program makes."""

    AMBILINK = 0
    LINUX = 1


class Grant(IntFlag):
    LOG = 1
    IMAGE = 2
    INPUT = 4
    CONTROL = 8


NO_GRANT = Grant(0)


@dataclass(frozen=True)
class ArchiveFile:
    name: str
    kind: FileKind
    offset: int
    size: int
    checksum: int
    digest: bytes


@dataclass(frozen=True)
class ArchiveService:
    name: str
    file: str
    role: Role = Role.DAEMON
    grants: Grant = NO_GRANT
    stack_size: int = 16 * PAGE_SIZE
    arguments: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    packed: str | None = None  # the file that says how to start it without linking
    linker: Linker = Linker.LOADER
    calls: Calls = Calls.AMBILINK


@dataclass(frozen=True)
class Archive:
    files: list[ArchiveFile]
    services: list[ArchiveService]
    loader: str
    loader_linker: Linker
    data: bytes = field(repr=False)

    def contents(self, file: ArchiveFile) -> bytes:
        return self.data[file.offset : file.offset + file.size]

    def file(self, name: str) -> ArchiveFile | None:
        return next((file for file in self.files if file.name == name), None)


def digest_of(data: bytes | bytearray) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_SIZE).digest()


def checksum_of(data: bytes | bytearray) -> int:
    value: int = google_crc32c.value(bytes(data))
    return value


def round_up(value: int, unit: int = PAGE_SIZE) -> int:
    return -(-value // unit) * unit


class _Strings:
    def __init__(self) -> None:
        self.data = bytearray(b"\0")
        self._known: dict[str, int] = {"": 0}

    def add(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = len(self.data)
            self.data += text.encode() + b"\0"
        return self._known[text]


def build(
    contents: Mapping[str, tuple[FileKind, bytes]],
    services: list[ArchiveService],
    loader: str,
    loader_linker: Linker = Linker.LOADER,
) -> bytes:
    """The whole archive. File order is the mapping's; every service's file and the loader must be in it."""
    strings = _Strings()
    names = list(contents)
    file_offset = round_up(HEADER.size, 8)
    service_offset = round_up(file_offset + FILE.size * len(names), 8)
    string_offset = service_offset + SERVICE.size * len(services)
    service_records = bytearray()
    for service in services:
        arguments = [strings.add(text) for text in service.arguments]
        environment = [strings.add(text) for text in service.environment]
        service_records += SERVICE.pack(
            strings.add(service.name),
            names.index(service.file),
            service.role,
            service.grants,
            service.stack_size,
            len(arguments),
            *(arguments + [0] * (ARGUMENTS_MAX - len(arguments))),
            len(environment),
            *(environment + [0] * (ARGUMENTS_MAX - len(environment))),
            NO_FILE if service.packed is None else names.index(service.packed),
            service.linker,
            service.calls,
        )
    name_offsets = [strings.add(name) for name in names]
    directory_size = round_up(string_offset + len(strings.data))
    file_records, body = bytearray(), bytearray()
    places: dict[bytes, int] = {}  # equal contents lie in the image once
    for name, name_offset in zip(names, name_offsets, strict=True):
        kind, data = contents[name]
        digest = digest_of(data)
        if digest not in places:
            places[digest] = directory_size + len(body)
            body += data + bytes(-len(data) % PAGE_SIZE)
        file_records += FILE.pack(name_offset, kind, places[digest], len(data), checksum_of(data), 0, digest)
    fields = (
        MAGIC,
        VERSION,
        HEADER.size,
        directory_size + len(body),
        directory_size,
        len(names),
        file_offset,
        len(services),
        service_offset,
        string_offset,
        len(strings.data),
        names.index(loader),
        loader_linker,
    )
    directory = bytearray(directory_size)
    directory[file_offset : file_offset + len(file_records)] = file_records
    directory[service_offset : service_offset + len(service_records)] = service_records
    directory[string_offset : string_offset + len(strings.data)] = strings.data
    directory[: HEADER.size] = HEADER.pack(*fields, 0, 0)
    directory[: HEADER.size] = HEADER.pack(*fields, checksum_of(directory), 0)
    return bytes(directory + body)


class _Reader:
    """Reads a directory that may be damaged; every problem is an AmbilinkError that names `where`."""

    def __init__(self, data: bytes, where: object) -> None:
        self.data, self.where = data, where

    def refuse(self, rule: str) -> AmbilinkError:
        return AmbilinkError(self.where, rule, "pack the image again")

    def table(self, offset: int, count: int, record: struct.Struct, limit: int) -> list[tuple[int | bytes, ...]]:
        if offset < HEADER.size or offset > limit or count > (limit - offset) // record.size:
            raise self.refuse("a table lies outside the archive's directory")
        return list(record.iter_unpack(self.data[offset : offset + count * record.size]))

    def text(self, strings: bytes, offset: int) -> str:
        end = strings.find(b"\0", offset)
        if offset >= len(strings) or end < 0:
            raise self.refuse("a name lies outside the archive's strings")
        try:
            return strings[offset:end].decode()
        except UnicodeDecodeError as error:
            raise self.refuse("a name is not UTF-8") from error


def parse(data: bytes, where: object) -> Archive:
    """Read and check an archive's directory. Contents are not compared with their digests: see `damaged`."""
    reader = _Reader(data, where)
    if len(data) < HEADER.size:
        raise reader.refuse("the archive is shorter than its header: the image is truncated")
    header = HEADER.unpack_from(data)
    magic, version, header_size, total, directory_size = header[:5]
    file_count, file_offset, service_count, service_offset = header[5:9]
    string_offset, string_size, loader_index, loader_linker, checksum, _ = header[9:]
    if magic != MAGIC:
        raise reader.refuse("the archive has no magic number")
    if version != VERSION or header_size != HEADER.size:
        raise reader.refuse(f"the archive has version {version}, this program reads version {VERSION}")
    if total != len(data) or total % PAGE_SIZE:
        raise reader.refuse(f"the archive should have {total} bytes and has {len(data)}: the image is truncated")
    if not HEADER.size <= directory_size <= total or directory_size % PAGE_SIZE:
        raise reader.refuse("the archive's directory size is out of range")
    if checksum_of(HEADER.pack(*header[:-2], 0, header[-1]) + data[HEADER.size : directory_size]) != checksum:
        raise reader.refuse("the archive's directory does not match its checksum: the image was altered")
    if string_offset > directory_size or string_size > directory_size - string_offset:
        raise reader.refuse("the archive's strings lie outside its directory")
    strings = data[string_offset : string_offset + string_size]
    files = []
    for name, kind, offset, size, file_checksum, _, file_digest in reader.table(
        file_offset, file_count, FILE, directory_size
    ):
        assert isinstance(name, int) and isinstance(offset, int) and isinstance(size, int)
        if offset % PAGE_SIZE or offset < directory_size or size > total - min(offset, total):
            raise reader.refuse("a file lies outside the archive")
        if kind not in FileKind.__members__.values():
            raise reader.refuse(f"a file has the unknown kind {kind!r}")
        assert isinstance(file_digest, bytes) and isinstance(kind, int) and isinstance(file_checksum, int)
        files.append(ArchiveFile(reader.text(strings, name), FileKind(kind), offset, size, file_checksum, file_digest))
    services = []
    for record in reader.table(service_offset, service_count, SERVICE, directory_size):
        values = [value for value in record if isinstance(value, int)]
        name, file_index, role, grants, stack_size, argument_count = values[:6]
        environment_count, packed, linker, calls = values[14], *values[23:]
        if (
            (packed >= len(files) and packed != NO_FILE)
            or file_index >= len(files)
            or role > Role.ON_DEMAND
            or linker > Linker.PACK
            or calls > Calls.LINUX
            or max(argument_count, environment_count) > ARGUMENTS_MAX
        ):
            raise reader.refuse("a service entry is out of range")
        services.append(
            ArchiveService(
                reader.text(strings, name),
                files[file_index].name,
                Role(role),
                Grant(grants),
                stack_size,
                tuple(reader.text(strings, value) for value in values[6 : 6 + argument_count]),
                tuple(reader.text(strings, value) for value in values[15 : 15 + environment_count]),
                None if packed == NO_FILE else files[packed].name,
                Linker(linker),
                Calls(calls),
            )
        )
    if loader_index >= len(files) or loader_linker > Linker.INTERP:
        raise reader.refuse("the archive names no loader")
    return Archive(files, services, files[loader_index].name, Linker(loader_linker), data)


def damaged(archive: Archive) -> list[str]:
    """Names of files whose contents do not match their digests."""
    return [file.name for file in archive.files if digest_of(archive.contents(file)) != file.digest]

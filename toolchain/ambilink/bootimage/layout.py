"""The archive's binary form: boot/include/ambilink/image.h in Python."""

import struct
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from enum import IntEnum, IntFlag
from itertools import chain
from typing import Self

from ambilink.bootimage import tree
from ambilink.bootimage.names import check_names
from ambilink.bootimage.tree import (
    DIGEST_SIZE,
    DigestKind,
    build_tree,
    checksum_of,
    damaged_pages,
    digest_of,
    tree_pages,
)
from ambilink.bootimage.unread import NONE_UNREAD, Run, unread_runs
from ambilink.errors import AmbilinkError

PAGE_SIZE = tree.PAGE_SIZE
MAGIC = int.from_bytes(b"AMBIMG01", "little")
VERSION = 7
SIGNATURE_SIZE = 64
ARGUMENTS_MAX = 8
PRIORITY_MAX = 31
REGISTERS_MAX = 32
NAME_MAX = 95
SERVICE_NAME_MAX = 31
PRELOADS_MAX = 8
NO_FILE = 0xFFFFFFFF

HEADER = struct.Struct("<QIIQQ8IQQ4IQ32s32s32s64sII")
FILE = struct.Struct("<IIQQ4I32s")
SERVICE = struct.Struct("<6I8II8I3IQQ4I8I2I")
# image.h: each field is aligned to its size, so there is no padding.
assert HEADER.size == 272 and FILE.size == 72 and SERVICE.size == 176
SIGNED_SIZE = HEADER.size - SIGNATURE_SIZE - 8  # the fields before the signature


class FileKind(IntEnum):
    DATA = 0
    PROGRAM = 1
    LIBRARY = 2
    PAGES = 3
    PACKED = 4
    MODULE = 5
    INTERPRETER = 6

    @property
    def is_elf(self) -> bool:
        return self in (FileKind.PROGRAM, FileKind.LIBRARY, FileKind.INTERPRETER)

    @property
    def is_library(self) -> bool:
        return self in (FileKind.LIBRARY, FileKind.INTERPRETER)


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


class BindTime(IntEnum):
    """When functions are bound, of objects that leave it open."""

    NOW = 0
    LAZY = 1


class Calls(IntEnum):
    """Whose system calls a program makes."""

    AMBILINK = 0
    LINUX = 1


class Grant(IntFlag):
    LOG = 1
    IMAGE = 2
    INPUT = 4
    CONTROL = 8
    INSPECT = 16
    PARTS = 32


NO_GRANT = Grant(0)


@dataclass(frozen=True)
class ArchiveFile:
    name: str
    kind: FileKind
    offset: int
    size: int
    unread: tuple[Run, ...]  # pages that who links it does not read
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
    memory: int = 0  # bytes of page frames that it may have; 0: a share
    kernel_memory: int = 0  # of the kernel's own; 0: a share
    priority: int = 0  # the highest that its threads may have
    registers: tuple[str, ...] = ()  # names that it may register
    starts: tuple[str, ...] = ()  # services that it may start
    opens: tuple[str, ...] = ()  # files that it may open
    preload: tuple[str, ...] = ()  # libraries that are searched right after the program
    binding: BindTime = BindTime.NOW

    def may_start(self, name: str) -> bool:
        return is_listed(self.starts, name)


@dataclass(frozen=True)
class Header:
    """struct image_header, without magic, version, its own size and its checksum."""

    total_size: int
    directory_size: int
    file_count: int
    file_offset: int
    service_count: int
    service_offset: int
    string_offset: int
    string_size: int
    loader_file: int
    loader_linker: int
    tree_offset: int
    image_size: int = 0  # these five are known when the image is complete: container.seal
    digest_kind: DigestKind = DigestKind.CRC32C
    digest_size: int = DigestKind.CRC32C.size
    kernel_checksum: int = 0
    signing_checksum: int = 0
    release: int = 0
    root: bytes = bytes(DIGEST_SIZE)
    container_digest: bytes = bytes(DIGEST_SIZE)
    signer: bytes = bytes(32)
    signature: bytes = bytes(SIGNATURE_SIZE)

    def pack(self) -> bytes:
        """The header's page."""
        fields = (MAGIC, VERSION, HEADER.size, *astuple(self))
        page = bytearray(HEADER.pack(*fields, 0, 0).ljust(PAGE_SIZE, b"\0"))
        page[: HEADER.size] = HEADER.pack(*fields, checksum_of(page), 0)
        return bytes(page)

    @classmethod
    def parse(cls, reader: "_Reader") -> Self:
        data = reader.data
        if len(data) < HEADER.size:
            raise reader.refuse("the archive is shorter than its header: the image is truncated")
        magic, version, header_size, *fields, checksum, end = HEADER.unpack_from(data)
        if magic != MAGIC:
            raise reader.refuse("the archive has no magic number")
        if version != VERSION or header_size != HEADER.size:
            raise reader.refuse(f"the archive has version {version}, this program reads version {VERSION}")
        header = cls(*fields)
        if (
            checksum_of(HEADER.pack(magic, version, header_size, *fields, 0, end) + data[HEADER.size : PAGE_SIZE])
            != checksum
        ):
            raise reader.refuse("the archive's header does not match its checksum: the image was altered")
        if any(data[HEADER.size : PAGE_SIZE]) or end:
            raise reader.refuse("the archive's header is followed by bytes that are not zero")
        header.check(reader)
        return replace(header, digest_kind=DigestKind(header.digest_kind))

    def check(self, reader: "_Reader") -> None:
        total, length = self.total_size, len(reader.data)
        if total != length or total % PAGE_SIZE:
            raise reader.refuse(f"the archive should have {total} bytes and has {length}: the image is truncated")
        if self.digest_kind not in DigestKind.__members__.values():
            raise reader.refuse(f"the archive has digests of the unknown kind {self.digest_kind}")
        kind = DigestKind(self.digest_kind)
        pages, rest = divmod(self.tree_offset, PAGE_SIZE)
        if self.digest_size != kind.size or rest or (pages + tree_pages(kind, pages)) * PAGE_SIZE != total or not pages:
            raise reader.refuse("the archive's tree of digests does not fit")
        if not PAGE_SIZE <= self.directory_size <= self.tree_offset or self.directory_size % PAGE_SIZE:
            raise reader.refuse("the archive's directory size is out of range")


@dataclass(frozen=True)
class Archive:
    files: list[ArchiveFile]
    services: list[ArchiveService]
    loader: str
    loader_linker: Linker
    header: Header
    data: bytes = field(repr=False)

    def contents(self, file: ArchiveFile) -> bytes:
        return self.data[file.offset : file.offset + file.size]

    def file(self, name: str) -> ArchiveFile | None:
        return next((file for file in self.files if file.name == name), None)


def is_listed(items: tuple[str, ...], name: str) -> bool:
    """As archive_list_find of libs/bootimage."""
    return any(
        name.startswith(item[:-1]) and name != item[:-1] if item == "*" or item.endswith("/*") else name == item
        for item in items
    )


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
    digest_kind: DigestKind = DigestKind.CRC32C,
) -> bytes:
    """The whole archive, for an image to be made of it (container.build completes its header). File order is the
    mapping's; every service's file and the loader must be in it."""
    check_names(contents, "the image", "rename it in the manifest")
    strings = _Strings()
    names = list(contents)
    file_offset = PAGE_SIZE
    service_offset = round_up(file_offset + FILE.size * len(names), 8)
    string_offset = service_offset + SERVICE.size * len(services)
    service_records = bytearray()
    for service in services:
        arguments = [strings.add(text) for text in service.arguments]
        preload = [strings.add(text) for text in service.preload]
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
            service.memory,
            service.kernel_memory,
            *(strings.add("\n".join(items)) for items in (service.registers, service.starts, service.opens)),
            len(preload),
            *(preload + [0] * (PRELOADS_MAX - len(preload))),
            service.priority,
            service.binding,
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
        unread = unread_runs(data) if kind.is_elf else NONE_UNREAD
        file_records += FILE.pack(name_offset, kind, places[digest], len(data), *chain(*unread), digest)
    directory = bytearray(directory_size)
    directory[file_offset : file_offset + len(file_records)] = file_records
    directory[service_offset : service_offset + len(service_records)] = service_records
    directory[string_offset : string_offset + len(strings.data)] = strings.data
    header = Header(
        total_size=0,
        directory_size=directory_size,
        file_count=len(names),
        file_offset=file_offset,
        service_count=len(services),
        service_offset=service_offset,
        string_offset=string_offset,
        string_size=len(strings.data),
        loader_file=names.index(loader),
        loader_linker=loader_linker,
        tree_offset=directory_size + len(body),
    )
    return with_tree(header, bytes(directory + body), digest_kind)


def with_tree(header: Header, data: bytes, kind: DigestKind) -> bytes:
    """An archive of the pages before `tree_offset`, with a tree of that kind. It is not signed."""
    pages = data[: header.tree_offset]
    nodes, root = build_tree(kind, pages)
    header = replace(
        header,
        total_size=len(pages) + len(nodes),
        digest_kind=kind,
        digest_size=kind.size,
        root=root.ljust(DIGEST_SIZE, b"\0"),
        signer=bytes(32),
        signature=bytes(SIGNATURE_SIZE),
    )
    return header.pack() + pages[PAGE_SIZE:] + nodes


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


def header_of(data: bytes, where: object) -> Header:
    return Header.parse(_Reader(data, where))


def parse(data: bytes, where: object) -> Archive:
    """Read and check an archive's header and directory. Other pages are not compared with the tree: see `damaged`."""
    reader = _Reader(data, where)
    header = Header.parse(reader)
    header.digest_kind.require(where)
    if min(damaged_pages(header.digest_kind, data, header.tree_offset, header.root), default=len(data)) * PAGE_SIZE < (
        header.directory_size
    ):
        raise reader.refuse("the archive's directory does not match its digests: the image was altered")
    directory_size, total = header.directory_size, header.tree_offset
    string_offset, string_size = header.string_offset, header.string_size
    if string_offset > directory_size or string_size > directory_size - string_offset:
        raise reader.refuse("the archive's strings lie outside its directory")
    strings = data[string_offset : string_offset + string_size]
    files = []
    for *numbers, digest in reader.table(header.file_offset, header.file_count, FILE, directory_size):
        name, kind, offset, size, *places = [number for number in numbers if isinstance(number, int)]
        if offset % PAGE_SIZE or offset < directory_size or size > total - min(offset, total):
            raise reader.refuse("a file lies outside the archive")
        unread = tuple(zip(places[::2], places[1::2], strict=True))
        ends = [0, *(first + count for first, count in unread)]
        if ends[-1] > round_up(size) // PAGE_SIZE or any(run[0] < end for run, end in zip(unread, ends, strict=False)):
            raise reader.refuse("a file's unread pages lie outside the file")
        if kind not in FileKind.__members__.values():
            raise reader.refuse(f"a file has the unknown kind {kind!r}")
        assert isinstance(digest, bytes)
        files.append(ArchiveFile(reader.text(strings, name), FileKind(kind), offset, size, unread, digest))
    services = []
    for record in reader.table(header.service_offset, header.service_count, SERVICE, directory_size):
        values = [value for value in record if isinstance(value, int)]
        name, file_index, role, grants, stack_size, argument_count = values[:6]
        environment_count, packed, linker, calls, memory, kernel_memory, *lists = values[14], *values[23:]
        if (
            (packed >= len(files) and packed != NO_FILE)
            or file_index >= len(files)
            or role > Role.ON_DEMAND
            or linker > Linker.PACK
            or calls > Calls.LINUX
            or lists[4 + PRELOADS_MAX] > PRIORITY_MAX
            or lists[5 + PRELOADS_MAX] > BindTime.LAZY
            or max(argument_count, environment_count) > ARGUMENTS_MAX
            or lists[3] > PRELOADS_MAX
        ):
            raise reader.refuse("a service entry is out of range")
        authority = [tuple(filter(None, reader.text(strings, value).split("\n"))) for value in lists[:3]]
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
                memory,
                kernel_memory,
                priority=lists[4 + PRELOADS_MAX],
                registers=authority[0],
                starts=authority[1],
                opens=authority[2],
                preload=tuple(reader.text(strings, value) for value in lists[4 : 4 + lists[3]]),
                binding=BindTime(lists[5 + PRELOADS_MAX]),
            )
        )
    if header.loader_file >= len(files) or header.loader_linker > Linker.INTERP:
        raise reader.refuse("the archive names no loader")
    return Archive(files, services, files[header.loader_file].name, Linker(header.loader_linker), header, data)


@dataclass(frozen=True)
class Damage:
    """A page of an archive that is not what was packed."""

    page: int
    files: tuple[str, ...]  # whose contents, or padding, it holds
    what: str  # in words


def damaged(archive: Archive) -> list[Damage]:
    """What does not match: pages by the tree, files by their digests."""
    header = archive.header
    found = []
    for page in sorted(damaged_pages(header.digest_kind, archive.data, header.tree_offset, header.root)):
        at = page * PAGE_SIZE
        files = tuple(file.name for file in archive.files if file.offset <= at < file.offset + round_up(file.size))
        if files:
            first = next(file for file in archive.files if file.name == files[0])
            what = f"{first.name}: page {(at - first.offset) // PAGE_SIZE} does not match its digest"
        else:
            where = (
                "directory"
                if at < header.directory_size
                else "tree of digests"
                if at >= header.tree_offset
                else "space"
            )
            what = f"page {page} of the archive, of its {where}, does not match its digest"
        found.append(Damage(page, files, what))
    bad = {name for each in found for name in each.files}
    for file in archive.files:
        if file.name not in bad and digest_of(archive.contents(file)) != file.digest:
            found.append(Damage(file.offset // PAGE_SIZE, (file.name,), f"{file.name} does not match its digest"))
    return found

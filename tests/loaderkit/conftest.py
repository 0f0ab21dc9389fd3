"""A system whose port to the loader kit is Python: address spaces are dictionaries of pages. Each call can be made to
fail."""

import ctypes
import mmap
import platform
import struct
import sys
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, c_bool, c_char_p, c_uint, c_uint64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.hostlink.conftest import files as hostlink_files  # noqa: F401 (a fixture)
from tests.rtld.conftest import make  # noqa: F401 (a fixture)

PAGE = 4096
MEMORY = 48 << 20
READ, READ_WRITE, READ_EXECUTE = 1, 3, 5
LARGEST = 1 << 20  # piece of memory
TOP = 1 << 47
POISON = 0xDD
STRUCT_SIZE = 65536  # of the kit's structs: more than they take


class Staging(Structure):
    _fields_ = [("here", c_void_p), ("size", c_uint64), ("id", c_uint64)]


class File(Structure):
    _fields_ = [("bytes", c_void_p), ("size", c_uint64), ("file_id", c_uint64), ("flags", c_bool * 8)]


class Mapping(Structure):
    _fields_ = [
        ("address", c_uint64),
        ("size", c_uint64),
        ("source", c_void_p),  # struct staging or struct file_view
        ("offset", c_uint64),
        ("prot", c_uint),
    ]


class Thread(Structure):
    _fields_ = [(name, c_uint64) for name in ("entry", "stack", "pointer", "block", "argument")]


class Symbol(Structure):
    _fields_ = [("name", ctypes.c_uint32), ("info", ctypes.c_uint8), ("other", ctypes.c_uint8)]
    _fields_ += [("section", ctypes.c_uint16), ("value", c_uint64), ("size", c_uint64)]


class Program(Structure):
    _fields_ = [("name", c_char_p), ("stack_size", c_uint64), ("arguments", POINTER(c_char_p)), ("count", c_uint64)]
    _fields_ += [("environment", POINTER(c_char_p)), ("environment_count", c_uint64)]


class Opened(Structure):
    _fields_ = [("handle", c_uint64), ("resolvers", c_void_p), ("resolver_count", c_uint64)]
    _fields_ += [("initializers", POINTER(c_uint64)), ("initializer_count", c_uint64), ("first", c_void_p)]


class Found(Structure):
    _fields_ = [("module", c_void_p), ("symbol", c_void_p), ("address", c_uint64)]


FUNCTIONS = {
    "find": CFUNCTYPE(c_bool, c_void_p, c_char_p, c_char_p, POINTER(File)),
    "log": CFUNCTYPE(None, c_void_p, c_char_p),
    "process_make": CFUNCTYPE(c_bool, c_void_p, c_char_p, POINTER(c_uint64)),
    "process_end": CFUNCTYPE(None, c_void_p, c_uint64),
    "memory_make": CFUNCTYPE(c_bool, c_void_p, POINTER(Staging)),
    "memory_free": CFUNCTYPE(None, c_void_p, POINTER(Staging)),
    "memory_give": CFUNCTYPE(c_bool, c_void_p, c_uint64, POINTER(Mapping)),
    "thread_start": CFUNCTYPE(c_bool, c_void_p, c_uint64, POINTER(Thread)),
    "file_give": CFUNCTYPE(c_bool, c_void_p, c_uint64, POINTER(Mapping)),
    "memory_unmap": CFUNCTYPE(None, c_void_p, c_uint64, c_uint64, c_uint64),
    "random": CFUNCTYPE(c_uint64, c_void_p),
    "define": CFUNCTYPE(c_void_p, c_void_p, c_uint64, c_char_p),
    "arrange": CFUNCTYPE(c_bool, c_void_p, c_void_p, c_void_p, POINTER(Thread)),
    "allocate": CFUNCTYPE(c_void_p, c_void_p, POINTER(c_uint64)),
    "release": CFUNCTYPE(None, c_void_p, c_void_p, c_uint64),
}
NEEDED = 8  # of them; then comes `shares`


class Table(Structure):
    _fields_ = [
        *list(FUNCTIONS.items())[:NEEDED],
        ("shares", c_bool),
        *list(FUNCTIONS.items())[NEEDED:],
    ]


@dataclass
class Piece:
    """Memory of the loader's; `given`: its pages that a process has."""

    address: int
    size: int
    given: set[int] = field(default_factory=set)


@dataclass
class Page:
    prot: int
    source: int | bytes  # an address of this memory, where pages are shared


class System:
    """One loader on it. `lacks` names functions of the port that are NULL."""

    def __init__(self, library: ctypes.CDLL, files: dict[str, bytes], shares: bool, lacks: set[str]) -> None:
        self.library, self.files, self.shares = library, files, shares
        self.memory = mmap.mmap(-1, MEMORY)
        self.start_of_memory = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.used = -self.start_of_memory % PAGE
        self.pieces: dict[int, Piece] = {}
        self.blocks: dict[int, int] = {}
        self.spaces: dict[int, dict[int, Page]] = {}
        self.threads: list[Thread] = []
        self.ended: list[int] = []
        self.lines: list[str] = []
        self.calls = self.fail_at = self.numbers = 0
        self.defined = Symbol(info=1, value=0x1234000)
        self.views = {
            name: (ctypes.create_string_buffer(data, len(data)), number)
            for number, (name, data) in enumerate(files.items(), 1)
        }
        given = {name: kind(getattr(self, name)) for name, kind in FUNCTIONS.items() if name not in lacks}
        self.table = Table(shares=shares, **given)
        self.loader = ctypes.create_string_buffer(STRUCT_SIZE)
        self.process = ctypes.create_string_buffer(STRUCT_SIZE)
        library.loader_init(self.loader, ctypes.byref(self.table), None)

    # The port.

    def fails(self) -> bool:
        self.calls += 1
        return self.calls == self.fail_at

    def find(self, context: object, referrer: bytes | None, name: bytes, file: "ctypes._Pointer[File]") -> bool:
        view = self.views.get(name.decode(errors="replace"))
        if self.fails() or view is None:
            return False
        buffer, number = view
        file[0].bytes, file[0].size, file[0].file_id = ctypes.addressof(buffer), len(buffer), number
        return True

    def log(self, context: object, line: bytes) -> None:
        self.lines.append(line.decode(errors="replace"))

    def process_make(self, context: object, name: bytes, process: "ctypes._Pointer[c_uint64]") -> bool:
        if self.fails():
            return False
        self.numbers += 1
        process[0] = self.numbers
        self.spaces[self.numbers] = {}
        return True

    def process_end(self, context: object, process: int) -> None:
        del self.spaces[process]
        self.ended.append(process)

    def take(self, size: int) -> int:
        """Memory that was never used before, so that late use shows."""
        assert self.used + size + PAGE <= MEMORY, "the test's memory is used up"
        address = self.start_of_memory + self.used
        self.used += -(-size // PAGE) * PAGE + PAGE
        return address

    def memory_make(self, context: object, staging: "ctypes._Pointer[Staging]") -> bool:
        assert staging[0].size % PAGE == 0 and staging[0].size
        if self.fails() or staging[0].size > LARGEST:
            return False
        piece = Piece(self.take(staging[0].size), staging[0].size)
        staging[0].here, staging[0].id = piece.address, piece.address
        self.pieces[piece.address] = piece
        return True

    def memory_free(self, context: object, staging: "ctypes._Pointer[Staging]") -> None:
        piece = self.pieces.pop(staging[0].id)
        assert piece.size == staging[0].size and piece.address == staging[0].here
        for at in range(0, piece.size, PAGE):
            if not (self.shares and at in piece.given):
                ctypes.memset(piece.address + at, POISON, PAGE)

    def may_put(self, process: int, mapping: Mapping) -> bool:
        """Where nothing is, and processes may have something."""
        assert mapping.size % PAGE == mapping.address % PAGE == mapping.offset % PAGE == 0 and mapping.size
        assert mapping.prot in (READ, READ_WRITE, READ_EXECUTE)
        pages = range(mapping.address, mapping.address + mapping.size, PAGE)
        return 0 < pages.start < pages.stop <= TOP and not any(page in self.spaces[process] for page in pages)

    def put(self, process: int, mapping: Mapping, source: Callable[[int], int | bytes]) -> None:
        for at in range(0, mapping.size, PAGE):
            self.spaces[process][mapping.address + at] = Page(mapping.prot, source(at))

    def memory_give(self, context: object, process: int, mapping: "ctypes._Pointer[Mapping]") -> bool:
        staging = Staging.from_address(mapping[0].source)
        piece = self.pieces[staging.id]
        assert mapping[0].offset + mapping[0].size <= piece.size
        if self.fails() or not self.may_put(process, mapping[0]):
            return False

        def source(at: int) -> int | bytes:
            offset = mapping[0].offset + at
            assert offset not in piece.given, "given twice"
            piece.given.add(offset)
            if self.shares:
                return piece.address + offset
            data = ctypes.string_at(piece.address + offset, PAGE)
            ctypes.memset(piece.address + offset, POISON, PAGE)
            return data

        self.put(process, mapping[0], source)
        return True

    def file_give(self, context: object, process: int, mapping: "ctypes._Pointer[Mapping]") -> bool:
        if self.fails() or not self.may_put(process, mapping[0]):
            return False
        file = File.from_address(mapping[0].source)
        data = ctypes.string_at(file.bytes, file.size)

        def source(at: int) -> bytes:
            return data[mapping[0].offset + at :][:PAGE].ljust(PAGE, b"\0")

        self.put(process, mapping[0], source)
        return True

    def memory_unmap(self, context: object, process: int, address: int, size: int) -> None:
        for at in range(address, address + size, PAGE):
            del self.spaces[process][at]

    def thread_start(self, context: object, process: int, thread: "ctypes._Pointer[Thread]") -> bool:
        if self.fails():
            return False
        self.threads.append(Thread.from_buffer_copy(thread[0]))
        return True

    def random(self, context: object) -> int:
        return 0x123456789ABCDEF

    def define(self, context: object, process: int, name: bytes) -> int | None:
        return ctypes.addressof(self.defined) if name == b"os_notice" else None

    def arrange(self, context: object, process: int, stack: int, thread: "ctypes._Pointer[Thread]") -> bool:
        if self.fails():
            return False
        thread[0].argument = thread[0].block + 1
        return True

    def allocate(self, context: object, size: "ctypes._Pointer[c_uint64]") -> int | None:
        if self.fails() or size[0] > LARGEST:
            return None
        address = self.take(size[0])
        ctypes.memset(address, POISON, size[0])
        self.blocks[address] = size[0]
        return address

    def release(self, context: object, block: int, size: int) -> None:
        assert self.blocks.pop(block) == size
        ctypes.memset(block, POISON, size)

    # The loader.

    def start(self, name: str = "program", arguments: tuple[str, ...] = ()) -> bool:
        words = (c_char_p * (len(arguments) + 1))(*(word.encode() for word in arguments))
        program = Program(name.encode(), 0, words, len(arguments), None, 0)
        return bool(self.library.loader_start(self.loader, self.process, ctypes.byref(program)))

    def open(self, name: str) -> Opened | None:
        opened = Opened()
        good = self.library.loader_open(self.process, name.encode(), 0, ctypes.byref(opened))
        return opened if good else None

    def symbol(self, handle: int, name: str) -> int:
        found = Found()
        self.library.loader_symbol(self.process, c_uint64(handle), name.encode(), ctypes.byref(found))
        return found.address

    def close(self, handle: int) -> bool:
        functions, count = POINTER(c_uint64)(), c_uint64()
        good = self.library.loader_close(
            self.process, c_uint64(handle), ctypes.byref(functions), ctypes.byref(count)
        )
        if good:
            self.library.loader_sweep(self.process)
        return bool(good)

    def end(self) -> None:
        self.library.loader_end(self.process)

    def finish(self) -> None:
        self.library.loader_finish(self.loader)

    def alive(self) -> tuple[int, int, int]:
        return len(self.pieces), len(self.blocks), sum(map(len, self.spaces.values()))

    # The process.

    @property
    def space(self) -> dict[int, Page]:
        (space,) = self.spaces.values()
        return space

    def read(self, address: int, size: int) -> bytes:
        found = b""
        for at in range(address - address % PAGE, address + size, PAGE):
            source = self.space[at].source
            found += ctypes.string_at(source, PAGE) if isinstance(source, int) else source
        return found[address % PAGE :][:size]

    def slots(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))

    def text(self, address: int) -> str:
        found = b""
        while not found.endswith(b"\0"):
            found += self.read(address + len(found), 1)
        return found[:-1].decode()


@pytest.fixture(scope="session")
def kept_files() -> dict[str, bytes]:
    return {}


@pytest.fixture
def files(request, kept_files) -> dict[str, bytes]:
    """Those of tests/hostlink, compiled once."""
    if not kept_files:
        kept_files.update(request.getfixturevalue("hostlink_files"))
    return kept_files


@pytest.fixture(scope="session")
def library(build: Path) -> ctypes.CDLL:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the kit's host build is loaded on x86-64 Linux only")
    found = ctypes.CDLL(str(build / "lib/libloaderkit_host.so"))
    for name in ("loader_start", "loader_open", "loader_symbol", "loader_close", "loader_tls"):
        getattr(found, name).restype = c_bool
    return found

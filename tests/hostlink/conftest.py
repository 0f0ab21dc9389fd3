"""A host of libs/hostlink on the development machine, through ctypes: its address spaces are plain memory, and each
call to it can be made to fail."""

import ctypes
import mmap
import platform
import struct
import sys
from enum import IntEnum
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests.rtld.conftest import make  # noqa: F401 (a fixture)

MEMORY = 64 << 20
READ, READ_WRITE, READ_EXECUTE = 1, 3, 5
HANDLES_OFFSET, LINK_OFFSET = 16, 56  # in struct start_info


class Mode(IntEnum):
    STAGES = 0
    LIVES_THERE = 1
    MOVES = 2


class HostFile(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("bytes", ctypes.c_void_p), ("size", ctypes.c_uint64)]


class Record(ctypes.Structure):
    _fields_ = [
        ("memory", ctypes.c_void_p),
        ("memory_size", ctypes.c_uint64),
        ("files", ctypes.POINTER(HostFile)),
        ("file_count", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("fail_at", ctypes.c_uint64),
        ("calls", ctypes.c_uint64),
        ("allocations", ctypes.c_uint64),
        ("stagings", ctypes.c_uint64),
        ("mappings", ctypes.c_uint64),
        ("ranges", ctypes.c_uint64),
        ("messages", ctypes.c_uint64),
        ("problem", ctypes.c_char * 256),
        ("message", ctypes.c_char * 512),
    ]


class Host:
    """One linker and one target. `files`: the program first."""

    memory = mmap.mmap(-1, MEMORY)
    start_of_memory = ctypes.addressof(ctypes.c_char.from_buffer(memory))

    def __init__(self, library: ctypes.CDLL, files: dict[str, bytes], mode: Mode, caches: bool = False) -> None:
        self.library = library
        # Files are mapped by whole pages.
        self.buffers = [ctypes.create_string_buffer(data, len(data) + 4096) for data in files.values()]
        rows = zip(files, self.buffers, files.values(), strict=True)
        self.files = (HostFile * len(files))(*((n.encode(), ctypes.addressof(b), len(d)) for n, b, d in rows))
        self.space = ctypes.create_string_buffer(library.host_size())
        self.record = Record.from_buffer(self.space)
        self.record.memory, self.record.memory_size = self.start_of_memory, MEMORY
        self.record.files, self.record.file_count = self.files, len(files)
        self.record.mode = mode
        library.host_init(self.space, caches)
        self.block = self.stack = 0

    def start(self) -> bool:
        block, stack = ctypes.c_uint64(), ctypes.c_uint64()
        good = self.library.host_start(self.space, ctypes.byref(block), ctypes.byref(stack))
        self.block, self.stack = block.value, stack.value
        return bool(good)

    def open(self, name: str) -> int:
        handle: int = self.library.host_open(self.space, name.encode())
        return handle

    def call(self, name: str, *arguments: object) -> int:
        result: int = getattr(self.library, name)(self.space, *arguments)
        return result

    def alive(self) -> tuple[int, int, int, int]:
        found = self.record
        return found.allocations, found.stagings, found.mappings, found.ranges

    def sound(self) -> bool:
        assert not self.record.problem, self.record.problem.decode()
        return True

    def read(self, address: int, size: int) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        read = self.library.host_read(self.space, ctypes.c_uint64(address), buffer, ctypes.c_uint64(size))
        assert read >= 0, hex(address)
        return buffer.raw

    def prot(self, address: int) -> int:
        buffer = ctypes.create_string_buffer(1)
        found: int = self.library.host_read(self.space, ctypes.c_uint64(address), buffer, ctypes.c_uint64(1))
        return found

    def slots(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))

    def text(self, address: int) -> str:
        found = b""
        while not found.endswith(b"\0"):
            found += self.read(address + len(found), 1)
        return found[:-1].decode()

    def modules(self) -> dict[str, int]:
        """Names and load biases in the list that the program finds."""
        (link,) = self.slots(self.block + LINK_OFFSET, 1)
        found = {}
        at = self.slots(link, 2)[1]
        while at:
            base, name, _, at = self.slots(at, 4)
            found[self.text(name)] = base
        return found


@pytest.fixture(scope="session")
def library(build: Path) -> ctypes.CDLL:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the library's host build is loaded on x86-64 Linux only")
    found = ctypes.CDLL(str(build / "lib/libhostlink_host.so"))
    found.host_size.restype = found.host_open.restype = ctypes.c_uint64
    return found


@pytest.fixture
def files(make) -> dict[str, bytes]:  # noqa: F811
    """A program, its libraries, and what it opens later: plugin.so, which brings extra.so."""
    found = {}
    for number in range(10):
        source = f'int data{number} = {number}; const char *const text{number} = "text {number}"; '
        source += f"int bss{number}[9000];"
        found[f"lib{number}.so"] = make(f"lib{number}.so", source, flags=("-z", "relro"))
    found["libextra.so"] = make("libextra.so", 'const char *const extra = "an extra";')
    source = "extern const char *const extra; extern int data3; "
    source += "const void *const found[] = {&extra, &data3}; int own = 5;"
    found["libplugin.so"] = make("libplugin.so", source, "libextra.so", "lib3.so", flags=("-z", "relro"))
    names = [f"lib{number}.so" for number in range(10)]
    source = (
        "".join(f"extern int data{n}; extern const char *const text{n}; " for n in range(10))
        + '__thread int t __attribute__((tls_model("initial-exec"))) = 3; '
        + "int written = 1; const void *const table[] = {"
        + "".join(f"&data{n}, &text{n}, " for n in range(10))
        + "}; int _start(void) { return t + written; }"
    )
    flags = ("--export-dynamic", "--no-as-needed", "-z", "relro", "-z", "nocopyreloc")
    program = make("program", source, *names, flags=flags)
    return {"program": program, **found}


@pytest.fixture
def address(files, tmp_path):
    """address(host, name, symbol): where a symbol of a file lies."""

    def find(host: Host, name: str, symbol: str) -> int:
        with open(tmp_path / name, "rb") as file:
            (found,) = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name(symbol)
        return host.modules()[name] + int(found["st_value"])

    return find

"""The linker core on the development machine, through ctypes; small objects made by the build's compiler."""

import ctypes
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

SPACE_BASE = 0x10_0000_0000
SPACE_SIZE = 16 << 20
BLOCK_SIZE = 4 << 20
LOG_SIZE = 4 << 20
PAGE = 4096


class HostFile(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("bytes", ctypes.c_void_p), ("size", ctypes.c_uint64)]


class Host(ctypes.Structure):
    _fields_ = [
        ("files", ctypes.POINTER(HostFile)),
        ("file_count", ctypes.c_uint64),
        ("space", ctypes.c_void_p),
        ("space_base", ctypes.c_uint64),
        ("space_size", ctypes.c_uint64),
        ("space_used", ctypes.c_uint64),
        ("log", ctypes.c_char_p),
        ("log_size", ctypes.c_uint64),
        ("log_used", ctypes.c_uint64),
    ]


@dataclass
class Result:
    """What tests/rtld/host/host.c wrote, and the address space that it linked."""

    good: bool
    lines: list[str]
    space: bytes

    def _rows(self, word: str) -> list[list[str]]:
        return [line.split(" ")[1:] for line in self.lines if line.startswith(f"{word} ")]

    @property
    def bias(self) -> dict[str, int]:
        return {name: int(bias, 16) for name, bias in self._rows("image")}

    @property
    def provider(self) -> dict[tuple[str, str], str]:
        """(object, symbol) to the object that it is bound to."""
        return {(row[0], row[1]): row[2] for row in self._rows("binding")}

    @property
    def initializers(self) -> list[int]:
        return [int(row[0], 16) for row in self._rows("init")]

    @property
    def finalizers(self) -> list[int]:
        return [int(row[0], 16) for row in self._rows("fini")]

    @property
    def errors(self) -> list[str]:
        return [line.split(" ", 2)[2] for line in self.lines if line.startswith("error ")]

    def word(self, address: int) -> int:
        at = address - SPACE_BASE
        return int.from_bytes(self.space[at : at + 8], "little")


class Linker:
    def __init__(self, library: Path) -> None:
        self.library = ctypes.CDLL(str(library))

    def link(self, files: dict[str, bytes], block_size: int = BLOCK_SIZE) -> Result:
        """The first file is the program."""
        # Page-aligned, as files are in a boot image.
        keep, table = [], (HostFile * len(files))()
        for index, (name, data) in enumerate(files.items()):
            raw = ctypes.create_string_buffer(len(data) + PAGE)
            start = (ctypes.addressof(raw) + PAGE - 1) & -PAGE
            ctypes.memmove(start, data, len(data))
            keep.append(raw)
            table[index] = HostFile(name.encode(), start, len(data))
        space = ctypes.create_string_buffer(SPACE_SIZE)
        log = ctypes.create_string_buffer(LOG_SIZE)
        block = ctypes.create_string_buffer(block_size)
        host = Host(
            table,
            len(files),
            ctypes.addressof(space),
            SPACE_BASE,
            SPACE_SIZE,
            0,
            ctypes.cast(log, ctypes.c_char_p),
            LOG_SIZE,
        )
        good = self.library.host_link(ctypes.byref(host), block, ctypes.c_uint64(block_size))
        return Result(bool(good), log.value.decode("utf-8", "replace").splitlines(), space.raw)


def host_library(build: Path) -> Path:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the linker core's host build is loaded on x86-64 Linux only")
    return build / "lib/librtld_host.so"


@pytest.fixture(scope="session")
def linker(build) -> Linker:
    return Linker(host_library(build))


Make = Callable[..., bytes]


@pytest.fixture
def make(toolset, tmp_path) -> Make:
    """make(name, source, *libraries, flags=[...]): a shared object (lib*.so) or a program, as bytes."""

    def run(*command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def build_one(
        name: str, source: str, *libraries: str, flags: tuple[str, ...] = (), compile: tuple[str, ...] = ()
    ) -> bytes:
        path, unit = tmp_path / name, tmp_path / f"{name}.c"
        unit.write_text(source)
        run(*toolset.cc, *toolset.compile_flags, "-O1", "-fPIC", *compile, "-c", str(unit), "-o", f"{path}.o")
        is_library = name.startswith("lib")
        kind = (*toolset.shared_library_flags, "-soname", name) if is_library else toolset.dynamic_program_flags
        inputs = [str(tmp_path / library) for library in libraries]
        words = [word for word in kind if word != "--as-needed"]
        run(
            *toolset.ld,
            *words,
            "--allow-shlib-undefined",
            "--no-gc-sections",
            *flags,
            "-o",
            str(path),
            f"{path}.o",
            *inputs,
        )
        return path.read_bytes()

    return build_one

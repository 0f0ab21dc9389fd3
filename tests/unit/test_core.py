"""The linker core on the development machine: found, compiled once, kept, called; what is said where it cannot be."""

import ctypes
import importlib.util
import os
import platform
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ambilink.compile import host_library
from ambilink.core import Linker, library, sources
from ambilink.core.linker import SPACE_BASE, Input, Memory
from ambilink.core.sources import CoreUnavailable, core_sources, rtld_folder
from ambilink.errors import AmbilinkError

TOP = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in sources.CORE_MACHINES,
    reason="the core is compiled on Linux only",
)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/ambilink/core"


def ambilink(*words, cache: Path, package: Path = TOP / "toolchain", cwd: Path = TOP, **more):
    environment = {**os.environ, "PYTHONPATH": str(package), "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-m", *map(str, words)]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, **more)


def test_it_is_compiled_once(cache):
    first = library.core_library()
    assert first.parent == cache and list(cache.iterdir()) == [first]
    written = first.stat().st_ino
    assert library.core_library() == first and first.stat().st_ino == written
    Linker(first)


@pytest.fixture
def quickly(monkeypatch) -> None:
    """Nothing is compiled: what is kept is an empty file."""
    monkeypatch.setattr(host_library, "compile_library", lambda sources, path: path.write_bytes(b""))


@pytest.mark.parametrize("package", ["a/ambilink", "z/ambilink"])
def test_where_the_sources_lie_does_not_matter(cache, tmp_path, quickly, monkeypatch, package):
    """The two folders stand in either order, as those of an installed package and of a checkout may."""
    rtld = tmp_path / "m/rtld"
    shutil.copytree(TOP / "libs/rtld", rtld)
    shutil.copytree(sources.HERE, tmp_path / package)
    monkeypatch.setattr(sources, "HERE", tmp_path / package)
    moved = library.core_library(core_sources(rtld))
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(host_library, "compile_library", lambda sources, path: path.write_bytes(b""))
    assert moved == library.core_library()


def test_another_source_is_another_library(cache, tmp_path, quickly):
    rtld = tmp_path / "rtld"
    shutil.copytree(TOP / "libs/rtld", rtld)
    first = library.core_library(core_sources(rtld))
    for file in ("src/link.c", "src/relocate.h", "include/rtld/link.h"):
        with (rtld / file).open("a") as text:
            text.write("/* */\n")
        assert library.core_library(core_sources(rtld)) != first, file
    assert len(list(cache.iterdir())) == 4


def test_old_libraries_go(cache, quickly):
    cache.mkdir(parents=True)
    for number in range(20):
        (cache / f"{number}.so").write_bytes(b"")
        os.utime(cache / f"{number}.so", (number, number))
    made = library.core_library()
    left = {path.name for path in cache.iterdir()}
    assert left == {made.name, *(f"{number}.so" for number in range(20 - host_library.KEPT + 1, 20))}


def test_processes_that_compile_at_once(cache):
    environment = {**os.environ, "PYTHONPATH": str(TOP / "toolchain")}
    command = [sys.executable, "-m", "ambilink.core"]
    runs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {run.communicate()[0].strip() for run in runs}
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert [str(path) for path in cache.iterdir()] == list(said)


def link(build: Path, **more):
    return ambilink("ambilink", "link", "--bindings", "--library-path", build / "lib", build / "services/audit", **more)


def test_the_command_needs_no_build_and_no_tests(build, tmp_path):
    """The same from a checkout, from a folder without one, and from an installed package."""
    here = link(build, cache=tmp_path / "cache")
    assert here.returncode == 0 and here.stderr == "" and " bindings by the core" in here.stdout
    site = tmp_path / "site"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TOP / "toolchain/ambilink", site / "ambilink", ignore=ignored)
    shutil.copytree(TOP / "libs/rtld", site / "ambilink/system/libs/rtld", ignore=ignored)
    installed = link(build, cache=tmp_path / "other", package=site, cwd=tmp_path)
    assert (installed.returncode, installed.stdout, installed.stderr) == (0, here.stdout, "")
    shutil.rmtree(site / "ambilink/system")
    bare = link(build, cache=tmp_path / "other", package=site, cwd=tmp_path)
    assert bare.returncode == 0 and bare.stdout == here.stdout.replace("by the core", "by the model")
    assert bare.stderr.startswith(f"ambilink: {tmp_path}: holds no sources of the target system")
    assert bare.stderr.endswith("(the reference model links alone)\n")


def test_a_cache_folder_that_cannot_be_written(build, tmp_path):
    (tmp_path / "file").write_text("")
    done = link(build, cache=tmp_path / "file")
    assert done.returncode == 0 and " bindings by the model" in done.stdout
    assert done.stderr == (
        f"ambilink: {tmp_path}/file/ambilink/core: the compiled linker core cannot be kept there (Not a directory); "
        "make room, or set XDG_CACHE_HOME to another folder (the reference model links alone)\n"
    )


def test_a_disk_without_room(build, tmp_path):
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    done = link(build, cache=tmp_path / "cache", preexec_fn=no_room)
    assert done.returncode == 0 and " bindings by the model" in done.stdout
    assert "cannot make the linker core" in done.stderr and len(done.stderr.splitlines()) == 1
    assert list((tmp_path / "cache/ambilink/core").iterdir()) == []


def test_no_compiler_and_no_such_machine(cache, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(CoreUnavailable, match=r"^ziglang: the package is not installed"):
            library.core_library()
    monkeypatch.setattr(platform, "machine", lambda: "sparc64")
    with pytest.raises(CoreUnavailable, match=r"is compiled on Linux for x86_64, .*, and this is .*sparc64"):
        library.core_library()


def test_a_library_that_is_none(tmp_path):
    (tmp_path / "core.so").write_bytes(b"\x7fELF")
    with pytest.raises(CoreUnavailable, match=r"core\.so: cannot be loaded as the linker core"):
        Linker(tmp_path / "core.so")
    done = ambilink("ambilink", "link", "--core", tmp_path / "core.so", "/bin/true", cache=tmp_path)
    assert done.returncode == 1 and "core.so: is not a 64-bit little-endian ELF file" in done.stderr


def test_both_places_of_the_sources(tmp_path):
    package = tmp_path / "site/packages/ambilink"
    with pytest.raises(CoreUnavailable, match="install ambilink anew"):
        rtld_folder(package)
    for place in (package / "system/libs/rtld", tmp_path / "site/libs/rtld"):
        (place / "include/rtld").mkdir(parents=True)
        (place / "include/rtld/link.h").write_text("")
        assert rtld_folder(package) == place
    assert sources.rtld_folder() == TOP / "libs/rtld"


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(library.core_library())


@pytest.fixture
def data(build) -> bytes:
    """An object that needs no other."""
    return (build / "lib/ld.so").read_bytes()


def request_of(linker: Linker, memory: Memory, data: bytes):
    table = Input([data]).table([{}])
    return linker.request("program", table, memory), table


POINTERS = ("name", "files", "staging", "block", "log")


@pytest.mark.parametrize("field", [*POINTERS, "file_count"])
def test_a_call_without_something(linker, data, field):
    memory = Memory()
    request, _ = request_of(linker, memory, data)
    setattr(request, field, 0 if field.endswith("count") else None)
    with pytest.raises(ValueError, match="called without files, names or memory"):
        linker.run(request, memory)


@pytest.mark.parametrize("field", ["bytes", "needs", "name", "file", "alignment"])
def test_a_file_table_with_holes(linker, data, field):
    memory = Memory()
    request, table = request_of(linker, memory, data)
    needs = Input([b"", b""]).table([{"liba.so": 1}, {}])
    if field == "bytes":
        table[0].bytes = None
    elif field == "alignment":
        table[0].bytes += 1
    else:
        table[0].needs, table[0].need_count = needs[0].needs, 1
        if field == "needs":
            table[0].needs = None
        elif field == "name":
            table[0].needs[0].name = None
        else:
            table[0].needs[0].file = 1
    with pytest.raises(ValueError, match="called without"):
        linker.run(request, memory)
    assert linker.library.core_link(None) == 2


def test_memory_that_is_too_small(linker, data):
    """Whatever is too small, the link fails, and nothing behind it is touched."""

    def link(**sizes: int):
        request, _ = request_of(linker, memory := Memory(), data)
        for field, size in sizes.items():
            setattr(request, field, size)
        return linker.library.core_link(ctypes.byref(request)), request, memory

    good, enough, _ = link()
    assert good
    for part in ("staging", "block"):
        used = getattr(enough, f"{part}_used")
        assert link(**{f"{part}_size": used})[0], part
        for size in (0, 1, used // 2, used - 1):
            good, request, _ = link(**{f"{part}_size": size})
            assert not good, (part, size)
            assert request.block_used <= request.block_size and request.staging_used <= request.staging_size


@pytest.mark.parametrize("size", [0, 1, 2, 30, 64])
def test_a_log_that_is_too_small(linker, build, size):
    """What misses the objects that it needs has more to say."""
    memory = Memory()
    request, _ = request_of(linker, memory, (build / "lib/libc.so").read_bytes())
    request.log_size = size
    with pytest.raises(AmbilinkError, match=f"its log of {size} bytes is full"):
        linker.run(request, memory)
    assert request.log_used <= size and memory.log(size + 8)[size:] == bytes(8)


def test_addresses_that_cannot_be(linker, data):
    for bias in (1, 0x1001, -0x1000, (1 << 64) - 0x1000, 1 << 47, (1 << 47) - 0x1000):
        memory = Memory()
        table = Input([data]).table([{}], [bias])
        result = linker.run(linker.request("ld.so", table, memory, base=0), memory)
        assert not result.good, hex(bias)
        assert result.errors[0].startswith("ld.so finds no room in the address space"), hex(bias)
    memory = Memory()
    table = Input([data]).table([{}], [SPACE_BASE])
    assert linker.run(linker.request("ld.so", table, memory, base=0), memory).modules[0].bias == SPACE_BASE

"""The linker core as a shared library in the user's cache folder, made when it is first asked for.

Its name has a digest of all that it is made of: sources, flags, the compiler's version. It needs no C library, so one
recipe serves every Linux. Two processes that miss it at once make one each, and one of them stays.
"""

import contextlib
import hashlib
import os
import platform
import sys
import tempfile
from pathlib import Path

from ambilink.compile.wheel import run_zig, wheel_folder, wheel_version
from ambilink.core.sources import CoreUnavailable, Sources, as_unavailable, core_sources, rtld_folder
from ambilink.files import cache_folder

MACHINES = ("x86_64", "aarch64", "riscv64")
FLAGS = ("-std=gnu17", "-O2", "-fPIC", "-ffreestanding", "-fno-stack-protector", "-nostdlibinc")
LINK_FLAGS = ("-shared", "-Bsymbolic", "-z", "text", "-z", "noexecstack", "--strip-debug")
KEPT = 8  # libraries in the cache folder, of other versions of the sources
TIMEOUT = 120  # seconds


def _machine() -> str:
    machine = platform.machine()
    if sys.platform != "linux" or machine not in MACHINES:
        raise CoreUnavailable(
            "linker core", f"is compiled on Linux for {', '.join(MACHINES)}, and this is {sys.platform} on {machine}"
        )
    return machine


def compile_core(sources: Sources, library: Path) -> None:
    """For this machine; `library` is there afterwards, or as it was before."""
    machine = _machine()
    with as_unavailable(), tempfile.TemporaryDirectory(dir=library.parent, prefix=".core-") as name:
        folder, headers = Path(name), wheel_folder() / "lib/include"
        includes = [word for include in sources.includes for word in ("-I", include)]
        target = f"--target={machine}-linux-gnu"
        words = ("clang", "-c", target, *FLAGS, "-isystem", headers, *includes, *sources.files)
        run_zig("the linker core", folder, *words, timeout=TIMEOUT)
        objects = sorted(path.name for path in folder.glob("*.o"))
        run_zig("the linker core", folder, "ld.lld", *LINK_FLAGS, "-o", "core.so", *objects, timeout=TIMEOUT)
        os.replace(folder / "core.so", library)


def _digest(sources: Sources) -> str:
    found = hashlib.blake2b(digest_size=16)
    words = [*FLAGS, *LINK_FLAGS, _machine(), wheel_version()]
    # In the order of names and contents: that of paths depends on where the folders are.
    files = sorted((path.name, hashlib.blake2b(path.read_bytes()).hexdigest()) for path in sources.all_files)
    words += [word for file in files for word in file]
    found.update("\0".join(words).encode())
    return found.hexdigest()


def _trim(folder: Path) -> None:
    with contextlib.suppress(OSError):  # another process may be at it too
        libraries = sorted(folder.glob("*.so"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in libraries[KEPT:]:
            path.unlink(missing_ok=True)


def core_library(sources: Sources | None = None) -> Path:
    """The library, compiled now if it is not there; `sources` None: the product's own."""
    try:
        sources = sources or core_sources(rtld_folder())
        with as_unavailable():
            wheel_folder()
            folder = cache_folder() / "core"
        library = folder / f"{_digest(sources)}.so"
        if library.is_file():
            with contextlib.suppress(OSError):  # used now: others are given up first
                os.utime(library)
            return library
        folder.mkdir(parents=True, exist_ok=True)
        compile_core(sources, library)
        _trim(folder)
    except OSError as error:
        where = error.filename or "linker core"
        raise CoreUnavailable(
            where,
            f"the compiled linker core cannot be kept there ({error.strerror})",
            "make room, or set XDG_CACHE_HOME to another folder",
        ) from error
    return library

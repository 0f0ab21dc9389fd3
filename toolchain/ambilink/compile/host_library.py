"""C sources of this package as a shared library of the development machine, kept in the user's cache folder.

It is compiled by the bundled compiler when it is first asked for, and needs no C library, so one recipe serves every
Linux. Its name has a digest of all that it is made of. Two processes that miss it at once make one each, and one of
them stays. A failure to compile it is kept by the same digest, so that the next process need not find out again.
"""

import contextlib
import hashlib
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ambilink.compile.wheel import run_zig, wheel_folder, wheel_version
from ambilink.errors import AmbilinkError
from ambilink.files import cache_folder

FLAGS = ("-std=gnu17", "-O2", "-fPIC", "-ffreestanding", "-fno-stack-protector", "-nostdlibinc")
LINK_FLAGS = ("-shared", "-Bsymbolic", "-z", "text", "-z", "noexecstack", "--strip-debug")
KEPT = 8  # libraries of one kind in the cache folder, of other versions of the sources
TIMEOUT = 120  # seconds
ROOM = 1 << 20  # bytes: more than a library takes


@dataclass(frozen=True)
class HostLibrary:
    what: str  # for messages
    folder: str  # its place in the cache folder
    machines: tuple[str, ...]  # for which it can be made
    files: tuple[Path, ...]
    includes: tuple[Path, ...] = ()
    flags: tuple[str, ...] = ()
    made_for: tuple[str, ...] = ()  # what else decides about it

    @property
    def all_files(self) -> list[Path]:
        """With headers: all that decides what is compiled."""
        headers = [path for folder in self.includes for path in folder.rglob("*.h")]
        headers += [path for folder in {file.parent for file in self.files} for path in folder.glob("*.h")]
        return sorted({*self.files, *headers})

    @property
    def machine(self) -> str:
        """This one, where the library can be made for it."""
        machine = platform.machine()
        if sys.platform != "linux" or machine not in self.machines:
            raise AmbilinkError(
                self.what,
                f"is compiled on Linux for {', '.join(self.machines)}, and this is {sys.platform} on {machine}",
            )
        return machine


def compile_library(recipe: HostLibrary, library: Path) -> None:
    """For this machine; `library` is there afterwards, or as it was before."""
    from concurrent.futures import ThreadPoolExecutor  # seldom

    made = f"the {recipe.what}"
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".made-") as name:
        folder, headers = Path(name), wheel_folder() / "lib/include"
        includes = [word for include in recipe.includes for word in ("-I", include)]
        target = f"--target={recipe.machine}-linux-gnu"
        words = ("clang", "-c", target, *FLAGS, *recipe.flags, "-isystem", headers, *includes)
        processes = min(os.cpu_count() or 1, len(recipe.files))
        with ThreadPoolExecutor(processes) as pool:
            parts = [recipe.files[first::processes] for first in range(processes)]
            list(pool.map(lambda files: run_zig(made, folder, *words, *files, timeout=TIMEOUT), parts))
        objects = sorted(path.name for path in folder.glob("*.o"))
        run_zig(made, folder, "ld.lld", *LINK_FLAGS, "-o", "library.so", *objects, timeout=TIMEOUT)
        os.replace(folder / "library.so", library)


def _digest(recipe: HostLibrary) -> str:
    words = [*FLAGS, *recipe.flags, *LINK_FLAGS, recipe.machine, wheel_version(), *recipe.made_for]
    # In the order of names and contents: that of paths depends on where the folders are.
    files = sorted((path.name, hashlib.blake2b(path.read_bytes()).hexdigest()) for path in recipe.all_files)
    words += [word for file in files for word in file]
    return hashlib.blake2b("\0".join(words).encode(), digest_size=16).hexdigest()


def _trim(folder: Path) -> None:
    with contextlib.suppress(OSError):  # another process may be at it too
        libraries = sorted(folder.glob("*.so"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        failures = sorted(folder.glob("*.failed"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in [*libraries[KEPT:], *failures[KEPT:]]:
            path.unlink(missing_ok=True)


def _has_room(folder: Path) -> bool:
    """For a library: a compiler that may not write says only that it failed."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
    except OSError:
        return False
    return True


def _compile_once(recipe: HostLibrary, library: Path) -> None:
    """Not where it failed before, of the same sources by the same compiler."""
    failure = library.with_suffix(".failed")
    if failure.is_file():
        where, _, rule = failure.read_text(errors="replace").partition("\n")
        raise AmbilinkError(where, f"could not be compiled before ({rule.strip()})", f"to try again remove {failure}")
    try:
        compile_library(recipe, library)
    except AmbilinkError as error:
        # Else it did not start, took too long, or had no room.
        if error.__cause__ is None and _has_room(library.parent):
            failure.write_text(f"{error.where}\n{error.rule}\n")
        raise


def host_library(recipe: HostLibrary) -> Path:
    """The library, compiled now if it is not there. Raises AmbilinkError where it cannot be made or kept."""
    try:
        wheel_folder()
        folder = cache_folder() / recipe.folder
        library = folder / f"{_digest(recipe)}.so"
        if library.is_file():
            with contextlib.suppress(OSError):  # used now: others are given up first
                os.utime(library)
            return library
        folder.mkdir(parents=True, exist_ok=True)
        _compile_once(recipe, library)
        _trim(folder)
    except OSError as error:
        raise AmbilinkError(
            error.filename or recipe.what,
            f"the compiled {recipe.what} cannot be kept there ({error.strerror})",
            "make room, or set XDG_CACHE_HOME to another folder",
        ) from error
    return library

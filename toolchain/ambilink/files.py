"""Reading files that users name, and writing files so that a half-written one is never seen under its final name."""

import mmap
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ambilink.errors import AmbilinkError

_Read = TypeVar("_Read")


def _with_regular(path: Path, remedy: str, read: Callable[[int, int], _Read]) -> _Read:
    """Call `read` with descriptor and size. Folders, devices and FIFOs are refused: they have no size, or no end."""
    try:
        # O_NONBLOCK, or opening a FIFO waits for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
                raise AmbilinkError(path, f"is {kind}", "give a file")
            return read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})", remedy) from error
    except MemoryError as error:
        raise AmbilinkError(path, "is too large to be read", remedy) from error
    except ValueError as error:  # a NUL byte in the name
        raise AmbilinkError(ascii(str(path)), f"cannot be a file's name ({error})", remedy) from error


class NoCacheFolder(AmbilinkError):
    """There is no place for caches."""


def cache_folder() -> Path:
    """Of this package, as the XDG base directory specification has it."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):
        return Path(named, "ambilink")
    try:
        return Path.home() / ".cache/ambilink"
    except RuntimeError as error:
        raise NoCacheFolder("HOME", "is not set", "set XDG_CACHE_HOME to a folder for caches") from error


def as_argument(path: str) -> str:
    """A file's name as a word of a command, where -x would be an option and @x a file of more words; or behind an
    option, where -I- and -I=x have meanings of their own."""
    return f".{os.sep}{path}" if path.startswith(("-", "@", "=")) else path


def read_regular(path: Path, remedy: str = "") -> bytes:
    """Contents of a regular file; `remedy` is what to do where there is none."""

    def read(descriptor: int, size: int) -> bytes:
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read()

    return _with_regular(path, remedy, read)


def map_regular(path: Path, remedy: str = "") -> bytes | mmap.mmap:
    """Like `read_regular`, and only what is looked at is read."""

    def read(descriptor: int, size: int) -> bytes | mmap.mmap:
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) if size else b""

    return _with_regular(path, remedy, read)


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary name in the same folder, which is made if need be, then rename over `path`. The process'
    umask decides who may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name, descriptor = _create_beside(path)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
        os.replace(name, path)
    except BaseException as error:
        os.unlink(name)
        if isinstance(error, OSError):
            error.filename = str(path)  # a full disk names no file
        raise


def _create_beside(path: Path) -> tuple[str, int]:
    """An empty file of a new name. tempfile's are for their owner alone, whatever the umask."""
    while True:
        # A name has at most 255 bytes; the random part alone makes it one of its own.
        name = path.parent / f".{path.name[:40]}.{os.urandom(6).hex()}"
        try:
            return str(name), os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            continue


def write_output(path: Path, data: bytes) -> None:
    """Write the file that a user named, atomically: a symlink stays, and the file that it leads to is replaced. What is
    no regular file, as a device or a FIFO, is written to, and never replaced. No folder is made. Raises OSError."""
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        regular = Path(os.path.realpath(path)).parent.is_dir()
    if regular:
        write_atomically(Path(os.path.realpath(path)), data)
        return
    try:
        with open(os.open(path, os.O_WRONLY | os.O_NOCTTY), "wb") as out:  # without O_CREAT and O_TRUNC
            out.write(data)
    except OSError as error:
        error.filename = str(path)  # a full disk names no file
        raise


def write_below(folder: Path, name: str, data: bytes) -> None:
    """Write `name`, with / between its parts, below `folder`. Folders on the way are made; symlinks among them lead
    elsewhere, and are refused with an AmbilinkError."""
    path = folder
    for part in name.split("/")[:-1]:
        path /= part
        if path.is_symlink():
            raise AmbilinkError(path, f"is a symlink, and {name} is to be written below it", "remove it")
    write_atomically(folder / name, data)

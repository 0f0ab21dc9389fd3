"""A cache in a folder that builds share: the least recently used entries go first.

    DIR/ab/<name>     an entry, sealed; its time is when it was last used by those who may write
    DIR/damaged/      entries that did not match their seals

Two builds, or two machines, may use one folder at the same time: entries are renamed into place, and one that
vanishes is a miss. Others may have put anything there: only regular files are read, no symbolic link is followed.
"""

import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ambilink.incremental.entries import ENTRY_MAX, Loss, StorageError
from ambilink.incremental.seal import FORMAT, HEADER

DAMAGED = "damaged"
NEW = ".new."  # how names of entries begin that are being written
ABANDONED = 24 * 3600.0  # seconds after which their writer is gone
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n"  # by which programs that make backups know a cache
_FOLDER = re.compile(r"[0-9A-F]{2}")
# Of ours, and of the caches of before: SCons' with checksums beside.
_NAME = re.compile(r"[0-9a-f]{32,64}(\.headers)?(\.sum)?")


class CacheFolder:
    distant = False

    def __init__(self, folder: Path, limit: int, *, writes: bool = True) -> None:
        self.folder, self.limit = folder, limit
        self.place = str(folder)
        self._writes = writes
        if writes:
            self._mark()

    def path(self, name: str) -> str:
        return str(self.folder / name[:2].upper() / name)

    def get(self, name: str) -> bytes | None:
        path = self.path(name)
        try:
            if not stat.S_ISDIR(os.lstat(os.path.dirname(path)).st_mode):
                return None
            # O_NONBLOCK, or opening a FIFO waits for its writer.
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        except OSError:
            return b"" if _is_foreign(path) else None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > ENTRY_MAX + HEADER:
                return b""
            with open(descriptor, "rb", closefd=False) as stream:
                sealed = stream.read(ENTRY_MAX + HEADER + 1)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        if self._writes and sealed.startswith(FORMAT):
            _touch(path)
        return sealed

    def get_many(self, names: Iterable[str]) -> dict[str, bytes | None]:
        return {name: self.get(name) for name in names}

    def put(self, name: str, sealed: bytes) -> None:
        path = self.path(name)
        if self.get(name) == sealed:
            return
        try:
            folder = self._made(os.path.dirname(path))
            descriptor, new = tempfile.mkstemp(dir=folder, prefix=NEW)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(sealed)
                    _set_mode(descriptor, 0o644)
                os.replace(new, path)
            except BaseException:
                _removed(new)
                raise
        except OSError as error:
            raise StorageError(f"{path} cannot be written ({error.strerror})", Loss.WRITING) from error

    def set_aside(self, name: str) -> str:
        path, aside = self.path(name), str(self.folder / DAMAGED)
        try:
            os.replace(path, os.path.join(self._made(aside), name))
        except OSError:
            return ""
        return aside

    def close(self, *, written: bool) -> None:
        if written:
            self.prune()

    def prune(self) -> int:
        """Remove what was not used for the longest time until the rest fits; return how many bytes went."""
        removed, files = 0, dict(self._files())
        total = sum(status.st_size for status in files.values())
        for path in sorted(files, key=lambda path: files[path].st_mtime_ns):
            if total - removed <= self.limit:
                break
            for each in (path, f"{path}.sum"):
                if each in files and _removed(each):
                    removed += files.pop(each).st_size
        return removed

    def _files(self) -> Iterable[tuple[str, os.stat_result]]:
        """Entries, with the damaged ones; what killed builds were writing is removed."""
        for folder in _listed(str(self.folder)):
            named = _FOLDER.fullmatch(folder.name) or folder.name == DAMAGED
            if not named or not folder.is_dir(follow_symlinks=False):
                continue
            for each in _listed(folder.path):
                try:
                    status = each.stat(follow_symlinks=False)
                except OSError:
                    continue
                if not stat.S_ISREG(status.st_mode):
                    continue
                if each.name.startswith(NEW) and status.st_mtime < time.time() - ABANDONED:
                    _removed(each.path)
                elif _NAME.fullmatch(each.name):
                    yield each.path, status

    def _made(self, folder: str) -> str:
        """A folder in the cache's, with its rights: where a group shares one, all of them may write."""
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                raise
            return folder
        if os.name != "nt":  # there, folders have no descriptors
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                _set_mode(descriptor, stat.S_IMODE(self.folder.stat().st_mode))
            finally:
                os.close(descriptor)
        return folder

    def _mark(self) -> None:
        """Programs that make backups leave such folders out."""
        with suppress(OSError), open(self.folder / "CACHEDIR.TAG", "x") as stream:
            stream.write(TAG)


def _set_mode(descriptor: int, mode: int) -> None:
    """Of what is open: under its name others may have put a link to something else."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def _touch(path: str) -> None:
    with suppress(OSError, NotImplementedError):  # it was removed, or belongs to others
        os.utime(path, follow_symlinks=False)


def _listed(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _removed(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False
    return True


def _is_foreign(path: str) -> bool:
    """Whether something is there that no cache writes."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False

"""The shared cache: objects, and what SCons makes, through entries that are sealed and may be kept anywhere."""

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from ambilink.files import write_atomically
from ambilink.incremental.cache import Cache
from ambilink.incremental.entries import ENTRY_MAX, Entries
from ambilink.incremental.seal import FILE, LINK, PROGRAM, Entry
from ambilink.scons.api import CacheDir, Environment, Node, cache_is_shown
from ambilink.scons.cache_settings import CacheSettings, cache_settings, open_storage
from ambilink.scons.context import Context

_OPEN: dict[CacheSettings, Entries] = {}  # environments share what is the same


class SealedCacheDir(CacheDir):
    """SCons makes it, with a path that only it looks at; each context has a class of its own."""

    context: ClassVar[Context]
    entries: ClassVar[Entries]

    def _readconfig(self, path: str) -> None:
        """SCons keeps settings in the folder, which others may have written."""
        self.config = {"prefix_len": 2}

    def cachepath(self, node: Node) -> tuple[str, str]:
        return "", ""  # an entry is no copy of a file

    def retrieve(self, node: Node) -> bool:
        if not self.entries.reads or not self.is_enabled():
            return False
        entry = self.entries.get(node.get_cachedir_bsig())
        if entry is None or not _is_sound(entry):
            return False
        path = node.get_internal_path()
        try:
            _place(path, entry)
        except OSError:
            return False  # what makes it will say why
        if cache_is_shown():
            node.build(presub=0, execute=0)
        else:
            self.context.progress.started("CACHE", path)
            self.context.progress.finished(path)
        self.context.journal.wrote(node.path)
        return True

    def push(self, node: Node) -> None:
        if not self.entries.writes or not self.is_enabled():
            return
        try:
            entry = _taken(node.get_internal_path())
        except OSError:
            return
        if entry is not None:
            self.entries.put(node.get_cachedir_bsig(), entry)


def _taken(path: str) -> Entry | None:
    """None: no cache keeps such a file."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        entry = Entry(os.fsencode(os.readlink(path)), LINK)
        return entry if _is_sound(entry) else None
    if not stat.S_ISREG(status.st_mode) or status.st_size > ENTRY_MAX:
        return None
    return Entry(Path(path).read_bytes(), PROGRAM if status.st_mode & stat.S_IXUSR else FILE)


def _is_sound(entry: Entry) -> bool:
    """Symbolic links are followed by later steps: they may lead to nothing but files beside them."""
    return entry.kind != LINK or not (entry.data in (b"", b".", b"..") or b"/" in entry.data or b"\0" in entry.data)


def _place(path: str, entry: Entry) -> None:
    if entry.kind == LINK:
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(os.fsdecode(entry.data), path)
        return
    write_atomically(Path(path), entry.data)
    if entry.kind == PROGRAM:
        mode = stat.S_IMODE(os.stat(path).st_mode)
        os.chmod(path, mode | (mode & 0o444) >> 2)


def add_cache(env: Environment, context: Context, place: str) -> None:
    """Objects and everything that SCons makes for `env` and its clones go through a cache."""
    settings = cache_settings(env, place)
    option = env.GetOption
    if option("cache_disable"):
        return
    if option("cache_readonly"):
        settings = replace(settings, writes=False)
    if settings not in _OPEN:
        warn = context.progress.say
        storage, seal = open_storage(settings, warn), settings.seal(warn)
        _OPEN[settings] = Entries(storage, seal, warn, reads=settings.reads, writes=settings.writes)
    entries = _OPEN[settings]
    context.cache = Cache(entries, context.store.digest_now)
    env.CacheDir(place, type("CacheDir", (SealedCacheDir,), {"context": context, "entries": entries}))

"""Objects in a cache that builds share: found by command, source and what was read with it, wherever the tree lies.

What a source reads is known from builds before. So there are two kinds of entries: under command and source, the sets
of inputs that were read with them; and under each of these sets, an object. What entries name is checked before it is
looked at: without a secret, all who can write to the storage may have written them.
"""

import json
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ambilink.files import write_atomically
from ambilink.incremental.entries import Entries
from ambilink.incremental.files import digest_of_bytes
from ambilink.incremental.seal import FILE, Entry

CANDIDATES_MAX = 8  # sets of inputs that are remembered for one source and command
LIST_MAX = 4 << 20  # bytes of such sets
INPUT_MAX = 256 << 20  # bytes of a file that an entry names
ENDLESS = ("/dev/", "/proc/", "/sys/")  # reading what is there may never end
# What may stand before a folder in a compiler's word that leaves no trace of it in objects; a macro does, for one.
TRACELESS = re.compile(r"|@|-I|-B|-isystem|-iquote|-idirafter|-include|--sysroot=|-f(file|macro|debug)-prefix-map=")
Roots = tuple[tuple[str, str], ...]  # (folder here, what it is called in keys), the innermost first
_DIGEST = re.compile(r"([0-9a-f]{32})?")


@cache
def _pattern(folder: str) -> re.Pattern[str]:
    """The folder itself, not one whose name only begins like its own."""
    return re.compile(re.escape(folder) + r"(?=[/=:,;\s\"']|$)")


def general(text: str, roots: Roots) -> str:
    """A text without the folders that differ between machines."""
    for folder, name in roots:
        text = _pattern(folder).sub(name.replace("\\", r"\\"), text)
    return text


@dataclass(frozen=True)
class CompileKey:
    """What an object depends on, before its headers are known; paths are named apart from where they lie here."""

    words: tuple[str, ...]
    source: str
    roots: Roots
    top: str = ""  # what files of the tree itself are called in keys, if not by their relative paths alone

    def general(self, path: str) -> str:
        beside = self.top and not path.startswith((os.sep, os.pardir))
        return f"{self.top}/{path}" if beside else general(path, self.roots)

    def general_word(self, word: str) -> str:
        for folder, _ in self.roots:
            found = _pattern(folder).search(word)
            if found and TRACELESS.fullmatch(word, 0, found.start()):
                return general(word, self.roots)
        return word

    def local(self, name: str) -> str:
        if self.top and name.startswith(f"{self.top}/"):
            return name[len(self.top) + 1 :]
        for folder, called in self.roots:
            name = name.replace(called, folder)
        return name


@dataclass(frozen=True)
class InputSet:
    """A set of inputs as an entry has it; paths are general."""

    files: tuple[tuple[str, str], ...]  # with digests, empty where there was no such file
    hidden: tuple[str, ...]  # files that lay where others hid them


@dataclass
class Cache:
    entries: Entries
    digest: Callable[[str], str]  # of a source or header, now; empty: there is none
    _ahead: dict[str, list[InputSet]] = field(default_factory=dict)  # by base
    _readable: dict[str, bool] = field(default_factory=dict)

    def expect(self, keys: Iterable[CompileKey]) -> None:
        """These will be fetched: look them up together, where each answer takes its time."""
        if not self.entries.distant:
            return
        bases = {self._base(key): key for key in keys}
        self.entries.look_ahead(map(_list_key, bases))
        found = []
        for base, key in bases.items():
            candidates = self._ahead[base] = self._listed(base)
            current = next((each for each in candidates if self._is_current(key, each)), None)
            if current is not None:
                found.append(_object_key(base, current))
        if self.entries.reads:
            self.entries.look_ahead(found)

    def close(self) -> None:
        """The end of a build; more may follow."""
        self._ahead.clear()
        self._readable.clear()
        self.entries.close()

    def fetch(self, key: CompileKey, target: str, hiding: Callable[[list[str]], list[str]]) -> list[str] | None:
        """Put an object in place and return its inputs, if the cache has it. `hiding` says what lies here where one of
        some inputs would have been found."""
        if not self.entries.reads:
            return None
        base = self._base(key)
        for inputs in self._candidates(base):
            if not self._is_current(key, inputs):
                continue
            paths = [key.local(name) for name, _ in inputs.files]
            if tuple(map(key.general, hiding(paths))) != inputs.hidden:
                continue
            entry = self.entries.get(_object_key(base, inputs))
            if entry is None or entry.kind != FILE:
                continue
            try:
                write_atomically(Path(target), entry.data)
            except OSError:
                return None  # what compiles it will say why
            return paths
        return None

    def store(self, key: CompileKey, target: str, paths: Iterable[str], hiding: Iterable[str]) -> None:
        """An object, of which it is sure that it was made from what these inputs are now."""
        if not self.entries.writes:
            return
        base = self._base(key)
        files = tuple((key.general(path), self.digest(path)) for path in paths)
        inputs = InputSet(files, tuple(map(key.general, hiding)))
        others = [each for each in self._candidates(base) if each != inputs]
        try:
            data = Path(target).read_bytes()
        except OSError:
            return
        self.entries.put(_object_key(base, inputs), Entry(data))
        listed = [(each.files, each.hidden) for each in (inputs, *others)][:CANDIDATES_MAX]
        self.entries.put(_list_key(base), Entry(json.dumps(listed).encode()))

    def _base(self, key: CompileKey) -> str:
        words = [key.general_word(word) for word in key.words]
        return digest_of_bytes(json.dumps([words, key.general(key.source), self.digest(key.source)]).encode())

    def _candidates(self, base: str) -> list[InputSet]:
        ahead = self._ahead.get(base)
        return self._listed(base) if ahead is None else ahead

    def _listed(self, base: str) -> list[InputSet]:
        entry = self.entries.get(_list_key(base))
        return [] if entry is None else _read_list(entry.data)

    def _is_current(self, key: CompileKey, inputs: InputSet) -> bool:
        local = ((key.local(name), digest) for name, digest in inputs.files)
        return all(self._ends(path) and self.digest(path) == digest for path, digest in local)

    def _ends(self, path: str) -> bool:
        found = self._readable.get(path)
        if found is None:
            found = self._readable[path] = _is_readable(path)
        return found


def _list_key(base: str) -> str:
    return f"{base}.headers"


def _object_key(base: str, inputs: InputSet) -> str:
    return digest_of_bytes(json.dumps([base, inputs.files, inputs.hidden]).encode())


def _read_list(data: bytes) -> list[InputSet]:
    """Nothing, if it is no such list."""
    if len(data) > LIST_MAX:
        return []
    try:
        saved = json.loads(data)
        found = [
            InputSet(tuple((str(name), str(digest)) for name, digest in files), tuple(map(str, hidden)))
            for files, hidden in saved
        ]
    except (ValueError, TypeError, RecursionError):
        return []
    sound = all(_DIGEST.fullmatch(digest) for each in found for _, digest in each.files)
    return found[:CANDIDATES_MAX] if sound else []


def _is_readable(path: str) -> bool:
    """Whether looking at it ends: a regular file of some size, a folder, or nothing."""
    try:
        status = os.stat(path)
    except OSError:
        return True
    except ValueError:  # no file can have this name
        return False
    small = stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_size <= INPUT_MAX)
    return small and not os.path.realpath(path).startswith(ENDLESS)

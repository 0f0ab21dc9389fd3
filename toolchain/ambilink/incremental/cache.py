"""A folder of build products that builds share: each entry with a checksum, the least recently used go first.

    DIR/ab/<key>      an entry; its time is when it was last used
    DIR/ab/<key>.sum  the checksum of its bytes
    DIR/damaged/      entries that did not match theirs

SCons' own entries (class CacheDir of the SCons tool) and objects lie side by side. Two builds, or two machines, may
use one folder at the same time: entries are renamed into place, and one that vanishes is a miss.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SUM = ".sum"
CANDIDATES_MAX = 8  # sets of inputs that are remembered for one source and command


def digest_of_bytes(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


@dataclass(frozen=True)
class CompileKey:
    """What an object depends on, before its headers are known; paths are named apart from where they lie here."""

    words: tuple[str, ...]
    source: str
    roots: tuple[tuple[str, str], ...]  # (folder here, what it is called in keys), the innermost first

    def general(self, text: str) -> str:
        for folder, name in self.roots:
            text = text.replace(folder, name)
        return text

    def local(self, text: str) -> str:
        for folder, name in self.roots:
            text = text.replace(name, folder)
        return text


@dataclass
class Cache:
    folder: Path
    limit: int  # bytes
    digest: Callable[[str], str]  # of a source or header, now; empty: there is none
    warn: Callable[[str], None]
    stored: bool = False

    def entry(self, key: str) -> Path:
        return self.folder / key[:2].upper() / key

    def sound(self, path: Path) -> bool:
        """Whether an entry is there and as it was stored. A damaged one is set aside."""
        try:
            wanted = path.with_name(path.name + SUM).read_text()
            if digest_of_bytes(path.read_bytes()) == wanted:
                os.utime(path)
                return True
        except OSError:
            if not path.exists():
                return False
        aside = self.folder / "damaged"
        aside.mkdir(exist_ok=True)
        try:
            os.replace(path, aside / path.name)
        except OSError:
            return False  # another build was faster
        self.warn(f"{path}: does not match its checksum; moved to {aside}, and built again")
        return False

    def seal(self, path: Path, data: bytes) -> None:
        """Write the checksum of an entry that is about to be renamed to `path`."""
        self._write(path.with_name(path.name + SUM), digest_of_bytes(data).encode())
        self.stored = True

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)

    def put(self, key: str, data: bytes) -> None:
        path = self.entry(key)
        try:
            self.seal(path, data)
            self._write(path, data)
        except OSError as error:
            self.warn(f"{path}: cannot be written ({error.strerror}); the build goes on without")

    def get(self, key: str) -> bytes | None:
        path = self.entry(key)
        try:
            return path.read_bytes() if self.sound(path) else None
        except OSError:
            return None

    # Objects. What a source reads is known from builds before: a small entry lists the sets of inputs that it had, each
    # with its digest, empty where there was no such file, and the files that lay where others hid them.

    def _base(self, key: CompileKey) -> str:
        words = [key.general(word) for word in key.words]
        return digest_of_bytes(json.dumps([words, key.general(key.source), self.digest(key.source)]).encode())

    def _candidates(self, base: str) -> list[tuple[list[list[str]], list[str]]]:
        listed = self.get(f"{base}.headers")
        try:
            saved = json.loads(listed) if listed else []
            return [([[str(name), str(digest)] for name, digest in inputs], list(hidden)) for inputs, hidden in saved]
        except (ValueError, TypeError):
            return []

    @staticmethod
    def _object_key(base: str, inputs: Sequence[Sequence[str]], hidden: Sequence[str]) -> str:
        return digest_of_bytes(json.dumps([base, inputs, hidden]).encode())

    def fetch(self, key: CompileKey, target: str, hiding: Callable[[list[str]], list[str]]) -> list[str] | None:
        """Put an object in place and return its inputs, if the cache has it. `hiding` says what lies here where one of
        some inputs would have been found."""
        base = self._base(key)
        for inputs, hidden in self._candidates(base):
            if any(self.digest(key.local(name)) != digest for name, digest in inputs):
                continue
            paths = [key.local(name) for name, _ in inputs]
            if [key.general(path) for path in hiding(paths)] != hidden:
                continue
            data = self.get(self._object_key(base, inputs, hidden))
            if data is None:
                continue
            self._write(Path(target), data)
            return paths
        return None

    def store(self, key: CompileKey, target: str, paths: Iterable[str], hiding: Iterable[str]) -> None:
        """An object, of which it is sure that it was made from what these inputs are now."""
        base = self._base(key)
        inputs = [[key.general(path), self.digest(path)] for path in paths]
        hidden = [key.general(path) for path in hiding]
        others = [each for each in self._candidates(base) if each != (inputs, hidden)]
        self.put(self._object_key(base, inputs, hidden), Path(target).read_bytes())
        self.put(f"{base}.headers", json.dumps([(inputs, hidden), *others][:CANDIDATES_MAX]).encode())

    # Size.

    def prune(self) -> int:
        """Remove what was not used for the longest time until the rest fits; return how many bytes went."""
        entries, total, removed = [], 0, 0
        for path in self.folder.glob("??/*"):
            try:
                status = path.stat()
            except OSError:
                continue
            total += status.st_size
            if path.suffix != SUM and not path.name.startswith("."):
                entries.append((status.st_mtime_ns, status.st_size, path))
        for _, size, path in sorted(entries, key=lambda entry: entry[0]):
            if total - removed <= self.limit:
                break
            for each in (path, path.with_name(path.name + SUM)):
                each.unlink(missing_ok=True)
            removed += size
        return removed

"""Where compilers look for headers, and which files would be found before the ones that were read."""

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

# In the order in which the folders are searched; the last is searched for #embed.
_KINDS = (("-iquote",), ("-I", "--include-directory"), ("-isystem",), ("-idirafter",), ("--embed-dir",))
_VARIABLES = (("CPATH",), ("C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"))  # after -I, after -isystem
SETTINGS = (
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "SOURCE_DATE_EPOCH", "GCC_EXEC_PREFIX", "COMPILER_PATH"),
    *("CCC_OVERRIDE_OPTIONS", "NASMENV", "ZIG_LIB_DIR"),
)


def spelled(path: str, here: str) -> str:
    """A path as it was written, without "./" and the name of the folder `here`. What ".." means behind a symbolic
    link is left to the file system."""
    if path.startswith(here + os.sep):
        path = path[len(here) + 1 :]
    parts = [part for part in path.split(os.sep) if part not in ("", os.curdir)]
    return (os.sep if path.startswith(os.sep) else "") + os.sep.join(parts) or os.curdir


def expanded(words: Iterable[str], depth: int = 8) -> Iterator[str]:
    """Words of a command, those in response files too."""
    for word in words:
        yield word
        if word.startswith("@") and depth:
            try:
                with open(word[1:], encoding="utf-8", errors="surrogateescape") as stream:
                    inside = shlex.split(stream.read())
            except (OSError, ValueError):
                continue
            yield from expanded(inside, depth - 1)


def search_folders(words: Sequence[str], environment: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that a compiler searches for what is included, in its order."""
    found: list[list[str]] = [[] for _ in _KINDS]
    waiting: list[str] | None = None
    for word in expanded(words):
        if waiting is not None:
            waiting.append(word)
            waiting = None
            continue
        for kind, names in enumerate(_KINDS):
            name = next((name for name in names if word.startswith(name)), None)
            if name is not None:
                rest = word[len(name) :].removeprefix("=")
                if rest:
                    found[kind].append(rest)
                else:
                    waiting = found[kind]
                break
    for place, names in zip((1, 2), _VARIABLES, strict=True):
        for name in names:
            if name in environment:
                found[place] += [folder or os.curdir for folder in environment[name].split(os.pathsep)]
    here = os.getcwd()
    return tuple(dict.fromkeys(spelled(folder, here) for folders in found for folder in folders))


def named_files(words: Iterable[str]) -> tuple[str, ...]:
    """Files that words of a command name: @file, -fprofile-use=file, -Wa,@file, file."""
    found = []
    for word in expanded(words):
        for part in word.split(","):
            name = part[1:] if part.startswith("@") else part.partition("=")[2] if "=" in part else part
            if name and not os.path.isabs(part) and os.path.isfile(name):
                found.append(name)
    return tuple(dict.fromkeys(found))


def settings(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that compilers obey."""
    return tuple(f"{name}={environment[name]}" for name in SETTINGS if name in environment)


class Shadows:
    """For folders that headers are searched in, in this order. Folders are listed once."""

    def __init__(self, search: Iterable[str]) -> None:
        self._search = list(search)
        self._listed: dict[str, frozenset[str]] = {}
        self._hiding: dict[frozenset[str], dict[str, tuple[str, ...]]] = {}  # by folders of includers, by header
        self._earlier: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def _names(self, folder: str) -> frozenset[str]:
        names = self._listed.get(folder)
        if names is None:
            try:
                names = frozenset(os.listdir(folder or "."))
            except OSError:
                names = frozenset()
            self._listed[folder] = names
        return names

    def of(self, paths: Iterable[str]) -> set[str]:
        """Files that exist in an earlier folder, or beside what may have included it, under a name that one of
        `paths` was found by. The first path is the source. What was itself read hides nothing."""
        source, *headers = paths
        beside = frozenset(map(os.path.dirname, (source, *headers)))
        hiding = self._hiding.setdefault(beside, {})
        found: set[str] = set()
        for header in headers:
            paths_before = hiding.get(header)
            if paths_before is None:
                paths_before = hiding[header] = tuple(self._before(header, beside))
            if paths_before:
                found.update(paths_before)
        return found.difference(headers, (source,)) if found else found

    def _before(self, header: str, beside: Iterable[str]) -> Iterable[str]:
        names, earlier = self._earlier.get(header) or self._earlier.setdefault(header, self._lead(header))
        yield from earlier
        for name in names:
            folder, _, last = name.rpartition("/")
            for includer in beside:  # the #include may have been in quotes
                if last in self._names(_join(includer, folder)):
                    yield _join(includer, name)

    def _lead(self, header: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What the #include may have said, by the folders that lead to a header, and the files that hide it."""
        called, hiding = [], []
        for position, folder in enumerate(self._search):
            prefix = "" if folder == os.curdir else folder + os.sep
            if not header.startswith(prefix) or (not prefix and os.path.isabs(header)):
                continue
            name = header[len(prefix) :]
            called.append(name)
            inside, _, last = name.rpartition("/")
            for earlier in self._search[:position]:
                if last in self._names(_join(earlier, inside)):
                    hiding.append(_join(earlier, name))
        return tuple(called), tuple(hiding)


def _join(folder: str, name: str) -> str:
    if not name or folder in ("", os.curdir):
        return name or folder
    return f"{folder}/{name}"

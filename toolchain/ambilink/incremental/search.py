"""Where compilers look for headers, and which files would be found before the ones that were read."""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

# In the order in which the folders are searched; the last is searched for #embed.
_KINDS = (("-iquote",), ("-I", "--include-directory"), ("-isystem",), ("-idirafter",), ("--embed-dir",))
_VARIABLES = (("CPATH",), ("C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"))  # after -I, after -isystem
SETTINGS = (
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "SOURCE_DATE_EPOCH", "GCC_EXEC_PREFIX", "COMPILER_PATH"),
    *("CCC_OVERRIDE_OPTIONS", "NASMENV", "ZIG_LIB_DIR"),
)
# Flags after which it is not known here where compilers look, or what they are asked.
_UNFOLLOWED = (
    *("-I-", "-I=", "-iquote=", "-isystem=", "-idirafter=", "-isystem-after", "-iprefix", "-iwithprefix"),
    *("-iwithsysroot", "-iframework", "-F", "-c-isystem", "-cxx-isystem", "-stdlib++-isystem", "-ivfsoverlay"),
    *("-vfsoverlay", "--include-barrier", "--include-directory-after", "--include-prefix", "--include-with-prefix"),
    *("-resource-dir", "--config-"),
)
_SEARCHING = ("-I", "-iq", "-is", "-id", "-iw", "-ip", "-if", "-internal-", "-c", "-F", "-X", "@", "--inc", "--emb")
_HANDING_ON = ("-Xpreprocessor", "-Xclang")
_UNNAMED = ("-fprofile-use", "-fprofile-instr-use", "-fbranch-probabilities", "-fauto-profile")  # as a whole word
_PROFILE = re.compile(r"-fprofile-(?:instr-|sample-)?use=(.+)")
_ASKING = re.compile(r"__has_(?:include|embed)|__TIMESTAMP__")
# Of a file of --config: it leads to more than what it says.
_LEADING = re.compile(
    rb"(?:^|\s)[\"']?(?:@|-I|-i(?!nclude\s|macros\s)|-F|-X|-W[pal],|--conf|--inc|--emb|-fprofile)|__has_|__TIME|<"
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
                    text = stream.read()
            except OSError:
                continue
            yield from expanded(_split(text) or text.split(), depth - 1)


def _split(text: str) -> list[str] | None:
    """None: a quote has no end, where compilers differ."""
    try:
        return shlex.split(text)
    except ValueError:
        return None


def unfollowed(words: Iterable[str]) -> str:
    """The first flag because of which it is not known what a compilation reads; empty if there is none."""
    before = ""
    for word in expanded(words):
        config = word[len("--config=") :] if word.startswith("--config=") else word if before == "--config" else None
        handed_on = word.split(",")[1:] if word.startswith("-Wp,") else [word] if before in _HANDING_ON else []
        if (
            word.startswith(_UNFOLLOWED)
            or word in _UNNAMED
            or _ASKING.search(word)
            or any(part.startswith(_SEARCHING) for part in handed_on)
            or (config is not None and _leads_on(config))
            or (word.startswith("@") and _has_open_quote(word[1:]))
        ):
            return f"{before} {word}" if before in (*_HANDING_ON, "--config") else word
        before = word
    return ""


def _leads_on(config: str) -> bool:
    try:
        with open(config, "rb") as stream:
            return bool(_LEADING.search(stream.read()))
    except OSError:
        return True  # it is looked for elsewhere


def _has_open_quote(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return _split(stream.read()) is None
    except OSError:
        return False


def leads_assembler(words: Iterable[str]) -> bool:
    """Whether flags may say where the assembler looks for files."""
    before = ""
    for word in expanded(words):
        parts = word.split(",")[1:] if word.startswith("-Wa,") else [word] if before == "-Xassembler" else []
        if any(part.startswith(("-I", "@", "--")) for part in parts):
            return True
        before = word
    return False


def search_folders(words: Sequence[str], environment: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that a compiler searches for what is included, in its order. One that has two kinds is there twice:
    compilers differ in which they leave out."""
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
    kinds = [dict.fromkeys(spelled(folder, here) for folder in folders) for folders in found]
    return tuple(folder for folders in kinds for folder in folders)


def named_files(words: Iterable[str]) -> tuple[str, ...]:
    """Files that words of a command name: @file, -fprofile-use=file or folder, -Wa,@file, file."""
    found = []
    for word in expanded(words):
        for part in word.split(","):
            name = part[1:] if part.startswith("@") else part.partition("=")[2] if "=" in part else part
            if name and os.path.isfile(name):
                found.append(name)
        profile = _PROFILE.fullmatch(word)
        if profile and os.path.isdir(profile[1]):
            found += sorted(os.path.join(folder, name) for folder, _, names in os.walk(profile[1]) for name in names)
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
        called: list[str] = []
        hiding: list[str] = []
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
        if not called:  # it lies in a folder that no flag names, as the compiler's own, which is searched after them
            parts = header.split(os.sep)
            for start in range(1 if os.path.isabs(header) else 0, len(parts)):
                name = os.sep.join(parts[start:])
                called.append(name)
                hiding += [
                    _join(folder, name)
                    for folder in self._search
                    if parts[-1] in self._names(_join(folder, os.path.dirname(name)))
                ]
        return tuple(called), tuple(hiding)


def _join(folder: str, name: str) -> str:
    if not name or folder in ("", os.curdir):
        return name or folder
    return f"{folder}/{name}"

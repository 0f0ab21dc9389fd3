"""Words of a linker's command: response files in them, and the files that they name.

What a linker reads it lists itself (--dependency-file). Known before it runs are what its words name, which other steps
may have to make first. Only its words name response files, and what GNU ld leaves out of that list."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

NAMING = (
    *("version-script", "dynamic-list", "dynamic-list-data", "export-dynamic-symbol-list", "retain-symbols-file"),
    *("symbol-ordering-file", "section-ordering-file", "call-graph-ordering-file", "call-graph-profile-sort-file"),
    *("script", "default-script", "just-symbols", "mri-script", "plugin", "remap-inputs-file", "in-implib"),
    *("lto-sample-profile", "lto-cs-profile-file", "bp-startup-sort", "irpgo-profile"),
)
SCRIPTS = ("script", "default-script", "T", "dT", "c")
SHORT = ("T", "dT", "R", "c")  # the value may follow at once, but for -dT
# Others whose value is a word of its own: that word names no input.
TAKING = (
    *(
        "e",
        "entry",
        "z",
        "u",
        "undefined",
        "m",
        "soname",
        "h",
        "y",
        "trace-symbol",
        "l",
        "library",
        "rpath",
        "rpath-link",
    ),
    *("dynamic-linker", "I", "F", "f", "auxiliary", "filter", "A", "b", "format", "oformat", "P", "a", "o", "output"),
    *("Ttext", "Tdata", "Tbss", "Ttext-segment", "Trodata-segment", "Tldata-segment", "image-base", "defsym", "wrap"),
    *("section-start", "exclude-libs", "sort-section", "mllvm", "Map", "dependency-file", "plugin-opt", "init", "fini"),
    *("L", "library-path", "O", "G", "hash-style", "sysroot", "version-exports-section", "require-defined"),
)
RESPONSES = 50  # response files in response files
INPUT = re.compile(r"\b(?:INPUT|GROUP|STARTUP)\b")
# Scripts in pieces. Comments, strings and other names than INCLUDE's are passed over; /* within a name, as in
# *libs/*.o, begins no comment.
COMMENT = r"/\*.*?(?:\*/|\Z)"
INCLUDE = re.compile(
    rf'{COMMENT}|INCLUDE(?![\w.$])(?:\s|{COMMENT})*(?:"([^"\n]+)"|([^\s;"{{}}()]+))|"[^"\n]*"|[^\s"(){{}};,=:?+<>]+',
    re.DOTALL,
)


def expand(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words with those of response files in place of @FILE, and these files, nested ones too."""
    found: list[str] = []
    files: list[str] = []
    waiting = [(word, 0) for word in reversed(words)]
    while waiting:
        word, depth = waiting.pop()
        if not word.startswith("@") or depth > RESPONSES or not os.path.isfile(word[1:]):
            found.append(word)
            continue
        files.append(os.path.normpath(word[1:]))
        inside = _split(Path(word[1:]).read_text(errors="surrogateescape"))
        waiting += [(each, depth + 1) for each in reversed(inside)]
    return found, list(dict.fromkeys(files))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that does not end
        return text.split()


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option of a value as name and value; a word that is no option with an empty name."""
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            yield "", word
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if equals and len(name) > 1:
            yield name, value
        elif name in NAMING or name in TAKING or name in SHORT:
            yield name, next(rest, "")
        elif word[1] in "TRLlc" and word[:2] != "--" and len(word) > 2:
            yield word[1], word[2:].removeprefix("=")
        else:
            yield word, ""


def folders(words: Sequence[str]) -> list[str]:
    return [value for name, value in _options(words) if name in ("L", "library-path") and value]


def named(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Files that the words name, with those that linker scripts among them include; and where else a file would have
    been found before one of them, had it been there. Each is a path as the linker would open it."""
    searched = folders(words)
    found: dict[str, None] = {}
    absent: dict[str, None] = {}
    for name, value in _options(words):
        if not value or name not in ("", *NAMING, *SHORT):
            continue
        path = _place(value, searched, absent) if name in SCRIPTS else os.path.normpath(value)
        found[path] = None
        if name in ("", *SCRIPTS):
            for each in _included(path, searched, absent):
                found[each] = None
    return list(found), list(absent)


def searches(words: Sequence[str]) -> bool:
    """Whether a linker may find files by itself, which its words do not name; objects may ask for libraries, too."""
    if any(name in ("l", "library", "L", "library-path") for name, _ in _options(words)):
        return True
    return any(INPUT.search(_script_text(path)) for path in named(words)[0])


def _place(name: str, searched: Sequence[str], absent: dict[str, None]) -> str:
    """A script: here, else in a folder of -L."""
    places = [os.path.normpath(name), *(os.path.normpath(os.path.join(folder, name)) for folder in searched)]
    for number, place in enumerate(places):
        if os.path.isfile(place):
            absent.update(dict.fromkeys(places[:number]))
            return place
    return places[0]


def _included(script: str, searched: Sequence[str], absent: dict[str, None]) -> Iterator[str]:
    seen, waiting = {script}, [script]
    while waiting:
        text = _script_text(waiting.pop())
        for match in INCLUDE.finditer(text):
            name = match[1] or match[2]
            if not name:
                continue
            place = _place(name, searched, absent)
            if place not in seen:
                seen.add(place)
                waiting.append(place)
                yield place


def _script_text(path: str) -> str:
    """Empty for what is no text: objects and archives stand where scripts may."""
    if not os.path.isfile(path):
        return ""
    with open(path, "rb") as stream:
        data = stream.read(8)
        return (
            ""
            if data[:4] == b"\x7fELF" or data[:7] in (b"!<arch>", b"!<thin>")
            else (data + stream.read()).decode("utf-8", "replace")
        )


def before(path: str, searched: Sequence[str]) -> list[str]:
    """Where a file that was found by a search would have been found earlier, and is not."""
    name = os.path.basename(path)
    names = [name, f"{name[:-2]}.so"] if name.startswith("lib") and name.endswith(".a") else [name]
    found: list[str] = []
    for folder in (".", *searched):
        for each in names:
            place = os.path.normpath(os.path.join(folder, each))
            if place == path:
                return found
            if not os.path.exists(place):
                found.append(place)
    return [] if os.path.dirname(path) not in map(os.path.normpath, searched) else found

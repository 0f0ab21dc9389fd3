"""The musl source tree inside the ziglang wheel: which files make a libc, and where its headers are."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ambilink.compile.toolset import Target
from ambilink.compile.wheel import wheel_folder
from ambilink.errors import AmbilinkError

SOURCE_SUFFIXES = (".c", ".s", ".S")
MALLOC = "mallocng"  # the other implementation in the tree, oldmalloc, is left out


@dataclass(frozen=True)
class Musl:
    root: Path
    sources: tuple[str, ...]
    private_includes: tuple[Path, ...]  # for compiling musl itself, in this order
    public_includes: tuple[Path, ...]  # for its users


def _libc_folder() -> Path:
    return wheel_folder() / "lib/libc"


def public_headers(target: Target) -> tuple[Path, ...]:
    """The folders that users of this libc search."""
    return tuple(_libc_folder() / "include" / name for name in target.musl_headers)


def _sources(root: Path) -> Iterator[tuple[str, str, str]]:
    """Folder, name without suffix, and path of each, in order."""
    for folder, _, names in sorted(os.walk(root)):
        relative = os.path.relpath(folder, root)
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix in SOURCE_SUFFIXES:
                yield relative, stem, f"{folder}/{name}"


def find_musl(target: Target, without: frozenset[str] = frozenset()) -> Musl:
    """`without` names files to leave out, relative to src/ and without suffix: "thread/<arch>/clone"."""
    if not target.musl:
        raise AmbilinkError(target.files[0], "target.musl is missing, and musl is asked for", "add it")
    root = _libc_folder() / "musl"
    generic: dict[str, str] = {}
    special: dict[str, str] = {}
    unused = set(without)
    for folder, stem, path in _sources(root / "src"):
        name = f"{folder}/{stem}"
        if name in without:
            unused.discard(name)
            continue
        first, _, rest = folder.partition("/")
        if not rest or folder == f"malloc/{MALLOC}":
            generic[name] = path
        elif rest == target.musl:
            special[f"{first}/{stem}"] = path
    if not generic:
        raise AmbilinkError(root, "holds no musl source", "the wheel must be ziglang 0.14.1")
    for name in sorted(unused):
        raise AmbilinkError(root / "src" / name, "is to be left out and is not there", "is this another musl?")
    headers = public_headers(target)
    return Musl(
        root,
        tuple(sorted((generic | special).values())),
        (
            root / "arch" / target.musl,
            root / "arch/generic",
            root / "src/include",
            root / "src/internal",
            root / "include",
            *headers,
        ),
        headers,
    )

"""Options of linkers for archives."""

from collections.abc import Sequence

from ambilink.files import as_argument
from ambilink.scons.api import Node

ARCHIVE = ".a"


def whole(objects: Sequence[str]) -> list[str]:
    """Words of a command for these. All of an archive is linked, used or not."""
    found: list[str] = []
    for path in map(as_argument, objects):
        found += ["--whole-archive", path, "--no-whole-archive"] if path.endswith(ARCHIVE) else [path]
    return found


def not_exported(archives: Sequence[Node]) -> list[str]:
    """What is taken from archives stays inside."""
    return ["--exclude-libs", ":".join(dict.fromkeys(node.name for node in archives))] if archives else []

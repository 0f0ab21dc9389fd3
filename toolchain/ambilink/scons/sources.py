"""Sources of a unit, and where they lie."""

import os
from collections.abc import Mapping, Sequence

from ambilink.compile.languages import LANGUAGES, READY, language_of
from ambilink.scons.api import Environment, Folder, Node, UserError, node_tables, placed, placed_folders
from ambilink.scons.context import Context
from ambilink.scons.location import SourceLocation


def refuse_none(sources: Sequence[object], location: SourceLocation, title: str) -> None:
    if not sources:
        raise UserError(f"{location}: {title} has no sources; give it sources (does a Glob() find nothing?)")


def is_ready(path: str) -> bool:
    """An object or an archive."""
    return path.endswith(READY)


def refuse_unknown(paths: Sequence[str], location: SourceLocation, title: str) -> None:
    for path in paths:
        if language_of(path) is None and not is_ready(path):
            known = " ".join([*LANGUAGES, *READY])
            raise UserError(f"{location}: {title} has the source {path}, whose suffix says no language; known: {known}")


class SourcePlaces:
    """Where the sources that an SConscript names may lie: beside it, in its variant folder, in repositories.

    Paths are from the top, or absolute where they lie elsewhere: by that name -ffile-prefix-map knows them."""

    def __init__(self, env: Environment, context: Context) -> None:
        self._context, self._tables = context, node_tables(context.env)
        here = env.Dir(".")
        self.variant, self.beside = (self._path(folder) for folder in (here, here.srcnode()))
        # Nothing is looked for on disk where there is one place alone: there may be thousands of sources.
        self._folders = [self._path(folder) for folder in placed_folders(here)]

    def _path(self, folder: Folder) -> str:
        return self._context.from_top(os.path.join(folder.abspath, "")).rstrip(os.sep)

    def of_name(self, name: str) -> tuple[str, str]:
        """What a source is called, and where it is."""
        called = os.path.normpath(os.path.join(self.beside, name))
        if len(self._folders) == 1 or os.path.isabs(name):
            return called, called
        places = (os.path.normpath(os.path.join(folder, name)) for folder in self._folders)
        later = os.path.normpath(os.path.join(self.variant, name))  # it will be made there
        return called, next((path for path in places if os.path.exists(os.path.join(self._context.top, path))), later)

    def of_node(self, node: Node) -> tuple[str, str]:
        if node.has_builder():
            return node.path, node.path
        return node.srcnode().path, placed(node).path

    def built(self, name: str) -> Node | None:
        """The node of a source that is built."""
        return built_node(self._context, self._tables, os.path.normpath(os.path.join(self.variant, name)))

    def counterparts(self, paths: Sequence[str]) -> list[str]:
        """What corresponds to the folders of sources in the other places. SCons puts copies into variant folders; so
        what is beside a source for its users is beside it for #include "x.h" too."""
        if len(self._folders) == 1:
            return []
        found: list[str] = []
        for folder in dict.fromkeys(os.path.dirname(path) for path in paths):
            inside = [here for here in self._folders if not here or f"{folder}/".startswith(f"{here}/")]
            here = max(inside, key=len, default=None)
            if here is not None:
                rest = folder[len(here) :].lstrip(os.sep)
                found += [os.path.normpath(os.path.join(there, rest)) for there in self._folders if there != here]
        return list(dict.fromkeys(found))


def built_node(context: Context, tables: Sequence[Mapping[str, Node]], path: str) -> Node | None:
    """The node of a file that is built, by its path from the top; None: a file as it is, for all we know."""
    full = path if os.path.isabs(path) else f"{context.top}/{path}"
    for table in tables:
        node = table.get(full)
        if node is not None:
            return node if node.has_builder() else None
    return None

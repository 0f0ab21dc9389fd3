"""Files that are built and that compilations read: headers, payloads, and what env.Depends names."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ambilink.scons.api import Node, is_alias, is_file, is_folder, node_tables, placed
from ambilink.scons.tasks import is_ours
from ambilink.scons.units import LibraryVariant, Unit

if TYPE_CHECKING:
    from ambilink.scons.context import Context

HEADER_SUFFIXES = (
    *(".h", ".hh", ".hpp", ".hxx", ".h++", ".H", ".inc", ".def", ".inl", ".ipp", ".tpp", ".tcc", ".ixx"),
    ".mac",
)


_INCLUDE = re.compile(r"^[ \t]*[#%][ \t]*include[ \t]*[<\"]([^>\"\n]+)", re.MULTILINE)


def may_change(node: Node) -> bool:
    """While SCons runs."""
    return node.has_builder() or is_folder(node)


class MadeInputs:
    """Of a build whose SConscripts were read."""

    def __init__(self, context: "Context") -> None:
        self._context = context

    @cached_property
    def files(self) -> Mapping[str, Node]:
        """Everything that is built, by its path from the top."""
        context = self._context
        nodes = (node for table in node_tables(context.env) for node in list(table.values()))
        return {context.from_top(node.abspath): node for node in nodes if is_file(node) and node.has_builder()}

    @cached_property
    def _headers(self) -> list[tuple[str, Node]]:
        return [(path, node) for path, node in self.files.items() if path.endswith(HEADER_SUFFIXES)]

    @cached_property
    def _units(self) -> Mapping[str, Unit]:
        """By path of what is made of them."""
        context = self._context
        units: list[Unit] = [*context.libraries.values(), *context.programs.values(), *context.modules.values()]
        units += context.interpreters.values()
        units += (variant for library in context.libraries.values() for variant in library.variants.values())
        found = {node.path: unit for unit in units for node in unit.outputs}
        return found | {each.node.path: each.unit for each in context.sets.values()}

    def headers(self, folders: Iterable[str], sources: Sequence[str], unit: Unit) -> list[Node]:
        """Those that sources may include: in folders that are searched, and below these, but for the top, and beside
        sources; further below where a source says so. Of what is fetched, its list."""
        folders = list(folders)
        below = tuple(folder + os.sep for folder in folders if folder != os.curdir)
        directly = {os.path.dirname(source) for source in sources} | {"" for folder in folders if folder == os.curdir}
        found: list[tuple[str, Node]] = []
        distant: list[tuple[str, Node]] = []
        for path, node in self._headers:
            wanted = path.startswith(below) or os.path.dirname(path) in directly
            (found if wanted else distant).append((path, node))
        if distant:
            found += self._included(distant, directly, sources)
        fetched = [node for node, whole in self._context.fetched.items() if _reaches(folders, whole.path)]
        return [*fetched, *(node for _, node in found if not self._made_of(node, unit))]

    def _included(
        self, headers: Sequence[tuple[str, Node]], folders: Iterable[str], sources: Sequence[str]
    ) -> list[tuple[str, Node]]:
        names: dict[str, list[tuple[str, Node]]] = {}
        for path, node in headers:
            for folder in folders:
                if not folder or path.startswith(folder + os.sep):
                    names.setdefault(path[len(folder) :].lstrip(os.sep), []).append((path, node))
        if not names:
            return []
        said = {name for source in sources for name in _INCLUDE.findall(_content(source))}
        return [header for name, named in names.items() if name in said for header in named]

    def read_before(self, paths: Iterable[str], unit: Unit) -> list[Node]:
        """Of the files that were read the last time, those that are built."""
        if not self.files:
            return []
        found = (self.files.get(os.path.normpath(path)) for path in paths)
        return [node for node in found if node is not None and not self._made_of(node, unit)]

    def _made_of(self, node: Node, unit: Unit) -> bool:
        """Whether what is built of a unit is needed for a node, as far as declarations say."""
        own = unit.of if isinstance(unit, LibraryVariant) else unit
        waiting, seen = [node], {node}
        while waiting:
            each = waiting.pop()
            maker = self._units.get(each.path) if is_file(each) else None
            if maker is not None:
                if maker is unit or maker is own or own in self._context.closure(maker):
                    return True
                continue
            if is_ours(each) and is_file(each):  # an image, say: it is made of what its manifest names
                return True
            fresh = [one for one in (*(each.sources or ()), *(each.depends or ())) if one not in seen]
            seen.update(fresh)
            waiting += fresh
        return False

    # What is declared by env.Depends.

    def allowed(self, nodes: Iterable[Node], unit: Unit) -> list[Node]:
        """Those that can be there before the unit is compiled; of an alias, what it stands for."""
        found: list[Node] = []
        for node in nodes:
            if is_alias(node):
                found += self.allowed(node.sources or (), unit)
            elif not self._made_of(node, unit):
                found.append(node)
        return found

    def as_inputs(self, nodes: Sequence[Node]) -> tuple[tuple[str, ...], str]:
        """Files to compare, those below folders one by one; and a text for what is no file."""
        files: dict[str, None] = {}
        texts: list[str] = []
        for node in nodes:
            if is_folder(node) or (is_file(node) and os.path.isdir(node.abspath)):
                for folder, names, inside in os.walk(node.abspath):
                    names.sort()
                    found = sorted(os.path.join(folder, name) for name in inside)
                    files.update(dict.fromkeys(map(self._context.from_top, found)))
            elif is_file(node):
                files[placed(node).path] = None
            else:
                texts.append(node.get_csig())
        return tuple(files), "\n".join(texts)


def _reaches(folders: Iterable[str], whole: str) -> bool:
    """Whether one of the folders is `whole`, or lies below it."""
    return any(folder == whole or folder.startswith(whole + os.sep) for folder in folders)


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except OSError:
        return ""

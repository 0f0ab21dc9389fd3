"""Files that SConscripts name. When all are read, each is there, or something builds it."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ambilink.compile.languages import READY, language_of
from ambilink.errors import nearest
from ambilink.scons.api import Node, UserError
from ambilink.scons.location import SourceLocation

LOOKED_AT = 20_000  # files at most, for one of the same name


@dataclass(frozen=True)
class Wanted:
    path: str  # from the top, or absolute
    called: str  # in messages
    what: str  # that names it: "service 'greet' has the source"
    location: SourceLocation
    remedy: Callable[[], str | None] = lambda: ""  # None: it need not be there


class WantedFiles:
    def __init__(self) -> None:
        self._unseen: list[Wanted] = []

    def __len__(self) -> int:
        """How many are still to be looked for."""
        return len(self._unseen)

    def add(self, wanted: Wanted) -> None:
        self._unseen.append(wanted)

    def verify(self, top: str, tables: Sequence[Mapping[str, Node]]) -> None:
        """Raise UserError for the first that is neither there nor built; once for each."""
        unseen, self._unseen = self._unseen, []
        for each in unseen:
            full = os.path.join(top, each.path)
            try:
                mode = os.stat(full).st_mode
            except OSError:
                mode = 0
            if stat.S_ISREG(mode) or _is_made(os.path.normpath(full), tables):
                continue
            remedy = each.remedy()
            if remedy is None:
                continue
            place = f"{each.location}: {each.what} {each.called}, which"
            if mode:
                raise UserError(f"{place} is {kind_of(mode)}; name a file")
            hint = near(full, os.path.join(top, os.path.dirname(each.location.file)), tables)
            hints = [each for each in (hint.replace(f"{top}{os.sep}", ""), remedy) if each]
            raise UserError("; ".join([f"{place} is not there", *(hints or ["correct the name"])]))


def kind_of(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a FIFO" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"


def _is_made(full: str, tables: Sequence[Mapping[str, Node]]) -> bool:
    nodes = (table.get(full) for table in tables)
    return any(node is not None and (node.has_builder() or node.side_effect) for node in nodes)


def near(full: str, here: str, tables: Sequence[Mapping[str, Node]]) -> str:
    """What may be meant by a file that is not there: one of nearly that name beside it, or of that name elsewhere below
    the SConscript's folder."""
    folder, name = os.path.split(os.path.normpath(full))
    beside = {each for each in _listed(folder) if os.path.isfile(os.path.join(folder, each))}
    beside |= {os.path.basename(path) for path in _made_in(folder, tables)}
    found = nearest(sorted(each for each in beside if _is_source(each) == _is_source(name)), name)
    if found:
        return f"did you mean {os.path.join(folder, found[0])}?"
    if not os.path.isdir(folder):
        above, missing = os.path.split(folder)
        others = [each for each in _listed(above) if os.path.isdir(os.path.join(above, each))]
        for other in get_close_matches(missing, others, 3, 0.5):
            if os.path.isfile(os.path.join(above, other, name)):
                return f"did you mean {os.path.join(above, other, name)}?"
    elsewhere = next((path for path in _below(here) if os.path.basename(path) == name), None)
    return f"did you mean {elsewhere}?" if elsewhere else ""


def _is_source(name: str) -> bool:
    return bool(language_of(name)) or name.endswith(READY)


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _made_in(folder: str, tables: Sequence[Mapping[str, Node]]) -> Iterator[str]:
    for table in tables:
        for path, node in list(table.items()):
            if os.path.dirname(path) == folder and _is_made(path, [{path: node}]):
                yield path


def _below(folder: str) -> Iterator[str]:
    left = LOOKED_AT
    for inside, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "build")
        for name in sorted(files):
            yield os.path.join(inside, name)
        left -= len(files)
        if left < 0:
            return

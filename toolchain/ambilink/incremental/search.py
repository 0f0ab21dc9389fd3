"""Headers that hide others: files that a compiler would find before the ones that it read."""

import os
from collections.abc import Iterable


class Shadows:
    """For folders that headers are searched in, in this order. Folders are listed once."""

    def __init__(self, search: Iterable[str]) -> None:
        self._search = [os.path.normpath(folder) for folder in search]
        self._listed: dict[str, frozenset[str]] = {}
        self._hiding: dict[str, dict[str, tuple[str, ...]]] = {}  # by folder of the source, by header
        self._earlier: dict[str, tuple[str | None, tuple[str, ...]]] = {}

    def _names(self, folder: str) -> frozenset[str]:
        names = self._listed.get(folder)
        if names is None:
            try:
                names = frozenset(os.listdir(folder or "."))
            except OSError:
                names = frozenset()
            self._listed[folder] = names
        return names

    def of(self, paths: Iterable[str]) -> list[str]:
        """Files that exist in an earlier folder, or beside the source, under the name that one of `paths` was
        found by. The first path is the source. What was itself read hides nothing."""
        source, *headers = paths
        beside = os.path.dirname(source)
        hiding = self._hiding.setdefault(beside, {})
        found: set[str] = set()
        for header in headers:
            paths_before = hiding.get(header)
            if paths_before is None:
                paths_before = hiding[header] = tuple(self._before(header, beside))
            if paths_before:
                found.update(paths_before)
        return sorted(found.difference(headers, (source,))) if found else []

    def _before(self, header: str, beside: str) -> Iterable[str]:
        name, earlier = self._earlier.get(header) or self._earlier.setdefault(header, self._lead(header))
        yield from earlier
        if name is None:
            return
        # The #include may have been in quotes.
        folder, _, last = name.rpartition("/")
        if last in self._names(os.path.join(beside, folder) if folder else beside):
            yield os.path.normpath(os.path.join(beside, name))

    def _lead(self, header: str) -> tuple[str | None, tuple[str, ...]]:
        """What the #include said, by the first folder that leads to a header, and the files that hide it."""
        first, hiding = None, []
        for position, folder in enumerate(self._search):
            prefix = "" if folder == os.curdir else folder + os.sep
            if not header.startswith(prefix) or (not prefix and os.path.isabs(header)):
                continue
            name = header[len(prefix) :]
            first = first or name
            inside, _, last = name.rpartition("/")
            for earlier in self._search[:position]:
                if last in self._names(f"{earlier}/{inside}" if inside else earlier):
                    hiding.append(os.path.normpath(f"{earlier}/{name}"))
        return first, tuple(hiding)

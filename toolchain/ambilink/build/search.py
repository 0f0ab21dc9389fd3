"""Headers that hide others: files that a compiler would find before the ones that it read."""

import os
from collections.abc import Iterable


class Shadows:
    """For folders that headers are searched in, in this order. Folders are listed once."""

    def __init__(self, search: Iterable[str]) -> None:
        self._search = [os.path.normpath(folder) for folder in search]
        self._listed: dict[str, frozenset[str]] = {}
        self._hiding: dict[str, dict[str, tuple[str, ...]]] = {}  # by folder of the source, by header

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
        named = False
        for position, folder in enumerate(self._search):
            if not header.startswith(folder + os.sep):
                continue
            name = header[len(folder) + 1 :]
            # The first folder that leads to it tells what the #include said; that may have been in quotes.
            for earlier in (*self._search[:position], *(() if named else (beside,))):
                path = os.path.join(earlier, name)
                if os.path.basename(path) in self._names(os.path.dirname(path)):
                    yield os.path.normpath(path)
            named = True

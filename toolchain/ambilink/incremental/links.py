"""What linkers read beside what the build system knows, and where they found nothing: by output, with digests."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from ambilink.files import write_atomically

VERSION = 1


class LinkRecord:
    def __init__(self, path: Path, digest: Callable[[str], str]) -> None:
        """`digest` is of a file as it is now; empty where there is none."""
        self._path, self._digest = path, digest
        self._outputs: dict[str, dict[str, str]] = {}
        self._changed = False
        try:
            data = json.loads(path.read_bytes())
            if data["version"] == VERSION:
                self._outputs = {str(name): dict(files) for name, files in data["outputs"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            self._outputs = {}

    def __contains__(self, output: str) -> bool:
        return output in self._outputs

    def changed(self, output: str) -> str | None:
        """A file that is not as it was when the output was linked."""
        files = self._outputs.get(output, {})
        return next((path for path, digest in files.items() if self._digest(path) != digest), None)

    def note(self, output: str, paths: Iterable[str]) -> None:
        files = {path: self._digest(path) for path in paths}
        if files != self._outputs.get(output):
            self._outputs[output] = files
            self._changed = True

    def files_of(self, output: str) -> list[str]:
        return list(self._outputs.get(output, {}))

    def save(self) -> None:
        if self._changed:
            write_atomically(self._path, json.dumps({"version": VERSION, "outputs": self._outputs}).encode())

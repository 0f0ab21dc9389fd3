"""TOML files; every mistake is reported with file, key and remedy."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ambilink.errors import AmbilinkError
from ambilink.files import read_regular


def read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_regular(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AmbilinkError(path, f"is not TOML: {error}") from error


class Table:
    """One table; `take` reads a key by type, `finish` refuses keys that were not taken."""

    def __init__(self, path: Path, name: str, values: Any) -> None:
        self.path, self.name = path, name
        if not isinstance(values, Mapping):
            raise AmbilinkError(path, f"{name} must be a table", f"write it as [{name}]")
        self._values = dict(values)
        self._known: list[str] = []

    def _key(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def take(self, key: str, kind: type, default: Any = ...) -> Any:
        self._known.append(key)
        if key not in self._values:
            if default is ...:
                raise AmbilinkError(self.path, f"the key {self._key(key)} is missing", f"add it ({kind.__name__})")
            return default
        value = self._values.pop(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise AmbilinkError(
                self.path,
                f"{self._key(key)} is {value!r}, which is no {kind.__name__}",
                f"write a value of type {kind.__name__}",
            )
        return value

    def take_strings(self, key: str, default: Any = ...) -> list[str]:
        values = self.take(key, list, default)
        for value in values:
            if not isinstance(value, str):
                raise AmbilinkError(self.path, f"{self._key(key)} has the item {value!r}, which is no str", "quote it")
        return list(values)

    def take_table(self, key: str, default: Any = ...) -> "Table":
        return Table(self.path, self._key(key), self.take(key, dict, default))

    def items(self) -> dict[str, Any]:
        """All keys that are left, for tables whose keys are names."""
        values, self._values = self._values, {}
        return values

    def refuse(self, key: str, rule: str, remedy: str = "") -> AmbilinkError:
        return AmbilinkError(self.path, f"{self._key(key)} {rule}", remedy)

    def finish(self) -> None:
        for key in self._values:
            raise AmbilinkError(
                self.path, f"unknown key {self._key(key)}", f"known here: {', '.join(sorted(self._known))}"
            )

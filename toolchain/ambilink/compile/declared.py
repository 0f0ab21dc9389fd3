"""Tables of a profile as dataclasses: each field is a key, declared with its default, its meaning and its values.

A field `max_page_size` is the key `max-page-size`. Where a profile extends another, the nearest file that has a key
gives its value.
"""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ambilink.toml_file import Table

T = TypeVar("T")
Check = Callable[[Any], str | None]  # what is wrong with a value and what to do instead, as "rule; remedy"


@dataclass(frozen=True)
class Declared:
    """What a field's metadata hold."""

    kind: type  # str, int, bool, float, or list
    meaning: str
    item: type = str  # of a list
    choices: tuple[str, ...] = ()  # of a string, or of a list's items
    path: bool = False  # from the folder of the file that says it
    words: tuple[str, ...] = ()  # values that are no paths
    check: Check | None = None
    no_default: str = ""  # what the reference page has where there is no default


def key(default: Any, meaning: str, kind: type | None = None, **more: Any) -> Any:
    """A field of such a dataclass; an array's default is a tuple."""
    kind = kind or (list if isinstance(default, tuple) else type(default))
    return dataclasses.field(default=default, metadata={"declared": Declared(kind, meaning, **more)})


def declared(cls: type) -> dict[str, tuple[str, Declared, Any]]:
    """Field, declaration and default of each key."""
    return {
        field.name.replace("_", "-"): (field.name, field.metadata["declared"], field.default)
        for field in dataclasses.fields(cls)
        if "declared" in field.metadata
    }


def read_declared(table: Table, cls: type[T]) -> T:
    fields = {}
    for name, (field, how, _) in declared(cls).items():
        written = table.has(name)
        value = table.take_items(name, how.item, []) if how.kind is list else table.take(name, how.kind, None)
        if written:
            fields[field] = _checked(table, name, how, value)
    table.finish()
    return cls(**fields)


def _checked(table: Table, name: str, how: Declared, value: Any) -> Any:
    for each in value if how.kind is list else [value]:
        if how.choices and each not in how.choices:
            has = "has" if how.kind is list else "is"
            raise table.refuse(name, f"{has} {each!r}", f"choose one of: {', '.join(how.choices)}")
        if isinstance(each, str) and "\0" in each:
            raise table.refuse(name, f"is {each!r}, which has a NUL in it", "leave it out")
        wrong = how.check(each) if how.check else None
        if wrong:
            rule, _, remedy = wrong.partition("; ")
            raise table.refuse(name, rule, remedy)
    if how.path:
        folder = table.file_of(name).resolve().parent
        value = [_from(folder, each) for each in value] if how.kind is list else _from(folder, value, how.words)
    return tuple(value) if how.kind is list else value


def _from(folder: Path, path: str, words: tuple[str, ...] = ()) -> str:
    """Names in braces and absolute paths stay, and so do words."""
    return path if path.startswith(("{", "/")) or path in words else str(folder / path)


def tables(record: object) -> Iterator[tuple[str, Any]]:
    """Name and value of each table of a profile."""
    for field in dataclasses.fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        if dataclasses.is_dataclass(value):
            yield field.name, value

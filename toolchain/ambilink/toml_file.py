"""TOML files; every mistake is reported with file, line, key and remedy."""

import ast
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ambilink.errors import AmbilinkError, near
from ambilink.files import read_regular

REQUIRED = ...  # in place of a default


@dataclass(frozen=True)
class Key:
    """One key of a table, with what it means: reference pages are made of these."""

    kind: type
    default: Any
    meaning: str


class Located(dict[str, Any]):
    """A table that knows the lines of its keys, and of the items of arrays."""

    line: int | None = None
    end: int | None = None  # last line of the file, in its top table
    lines: dict[str, int] = {}
    item_lines: dict[tuple[str, int], int] = {}


# What lies between keys and values. A file that tomllib has read is known to be well-formed, so that strings, comments
# and brackets are all that must be told apart.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[A-Za-z0-9_+:-]+|\n|[^\S\n]+|.',
    re.DOTALL,
)
_SYNTAX_PLACE = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)")
_TWICE = re.compile(r"Cannot declare (\(.*\)) twice \(at line (\d+),")
_KINDS = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}
_Path = tuple[str | int, ...]
_Item = TypeVar("_Item")


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Each with its line, without blanks and comments."""
    line = 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "\n" or not (token.isspace() or token.startswith("#")):
            yield token, line
        line += token.count("\n")


def _plain(token: str) -> str:
    """A key without its quotes."""
    return next(iter(tomllib.loads(f"{token}=0"))) if token[0] in "\"'" else token


class _Lines:
    """Where each key of a text is written, by its path; the number of an item stands for the item."""

    def __init__(self, text: str) -> None:
        self.found: dict[_Path, int] = {}
        self._tokens = list(_tokens(text))
        self._at = 0
        self._counts: dict[_Path, int] = {}
        table: _Path = ()
        while (token := self._peek()) is not None:
            if token == "[":
                table = self._header()
            elif token == "\n" or not self._pair(table):
                self._at += 1

    def _peek(self) -> str | None:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else None

    def _skip(self, *tokens: str) -> None:
        while self._peek() in tokens:
            self._at += 1

    def _key(self) -> tuple[list[str], int]:
        line, parts = self._tokens[self._at][1], []
        while (token := self._peek()) not in ("=", "]", None):
            if token != ".":
                parts.append(_plain(str(token)))
            self._at += 1
        return parts, line

    def _enter(self, table: _Path, parts: list[str], line: int) -> _Path:
        """The path of a key in a table: a name that stands for an array of tables means the last of them."""
        for part in parts:
            table = (*table, part)
            self.found.setdefault(table, line)
            if table in self._counts:
                table = (*table, self._counts[table] - 1)
        return table

    def _header(self) -> _Path:
        self._at += 1
        many = self._peek() == "["
        self._skip("[")
        parts, line = self._key()
        self._skip("]")
        if not many:
            table = self._enter((), parts, line)
            self.found[table] = line
            return table
        table = (*self._enter((), parts[:-1], line), parts[-1])
        self.found.setdefault(table, line)
        self._counts[table] = self._counts.get(table, 0) + 1
        table = (*table, self._counts[table] - 1)
        self.found[table] = line
        return table

    def _pair(self, table: _Path) -> bool:
        """Key and value; False: there is none."""
        start = self._at
        parts, line = self._key()
        path = self._enter(table, parts, line)
        self._skip("=")
        self._value(path)
        return self._at > start

    def _value(self, path: _Path) -> None:
        token = self._peek()
        if token == "[":
            self._array(path)
        elif token == "{":
            self._at += 1
            while self._peek() not in ("}", None) and self._pair(path):
                self._skip(",", "\n")
            self._skip("}")
        else:
            while self._peek() not in (",", "]", "}", "\n", None):  # a number or a date is several tokens
                self._at += 1

    def _array(self, path: _Path) -> None:
        self._at += 1
        self._skip("\n")
        number = 0
        while self._peek() not in ("]", None):
            self.found[(*path, number)] = self._tokens[self._at][1]
            self._value((*path, number))
            self._skip(",", "\n")
            number += 1
        self._at += 1


def _locate(value: Any, lines: Mapping[_Path, int], path: _Path = ()) -> Any:
    if isinstance(value, dict):
        located = Located({key: _locate(each, lines, (*path, key)) for key, each in value.items()})
        located.line = lines.get(path)
        located.lines = {key: lines[*path, key] for key in value if (*path, key) in lines}
        located.item_lines = {
            (key, number): lines[*path, key, number]
            for key, items in value.items()
            if isinstance(items, list)
            for number in range(len(items))
            if (*path, key, number) in lines
        }
        return located
    if isinstance(value, list):
        return [_locate(each, lines, (*path, number)) for number, each in enumerate(value)]
    if isinstance(value, int) and value.bit_length() > 64:
        raise OverflowError(lines.get(path))
    return value


def _document(text: str) -> Located:
    located = _locate(tomllib.loads(text), _Lines(text.replace("\r\n", "\n")).found)
    assert isinstance(located, Located)
    located.end = max(1, len(text.splitlines()))
    return located


def _syntax_error(error: tomllib.TOMLDecodeError, text: str) -> str:
    """tomllib's words; a table that is there twice is named as it is written, with the line of the first."""
    twice = _TWICE.search(str(error))
    if twice is None:
        return str(error)
    heading = ".".join(ast.literal_eval(twice[1]))
    rows = text.splitlines()[: int(twice[2])]
    key = r"\s*\.\s*".join(map(re.escape, ast.literal_eval(twice[1])))
    of_it = re.compile(rf"\s*\[\[?\s*{key}\s*[].]")
    first = next((number for number, row in enumerate(rows[:-1], 1) if of_it.match(row)), None)
    return f"[{heading}] is there twice" + (f", first in line {first}" if first else "")


def read(path: Path) -> Located:
    written = read_regular(path, "give the path of a TOML file")
    try:
        text = written.decode()
        return _document(text)
    except OverflowError as error:
        where = path if error.args[0] is None else f"{path}:{error.args[0]}"
        raise AmbilinkError(where, "has a number of more than 64 bits", "write a smaller one") from error
    except UnicodeDecodeError as error:
        newlines = written.count(b"\n", 0, error.start)
        rule = f"has the byte {written[error.start]:#04x}, which is not UTF-8"
        raise AmbilinkError(f"{path}:{newlines + 1}", rule, "write the file in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        line = _SYNTAX_PLACE.search(str(error))
        where = f"{path}:{line[1] or text.count(chr(10)) + 1}" if line else path
        raise AmbilinkError(where, f"is not TOML: {_syntax_error(error, text)}", "repair it there") from error
    except ValueError as error:  # of a number with thousands of digits
        raise AmbilinkError(path, f"is not TOML: {error}", "repair it there") from error
    except RecursionError as error:
        raise AmbilinkError(path, "is nested too deeply", "write it with fewer brackets in brackets") from error


def kind_words(kind: type) -> str:
    """A type as people call it who write TOML."""
    return _KINDS.get(kind, kind.__name__)


def _is_simple(value: Any) -> bool:
    return not isinstance(value, Mapping | list)


def as_written(value: Any) -> str:
    """A value of a file for messages. Lists and tables are named only: they may be long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return repr(value) if isinstance(value, str | int | float) else str(value)


class Table:
    """One table; `take` reads a key by type, `finish` refuses keys that were not taken."""

    def __init__(self, path: Path, name: str, values: Any, line: int | None = None) -> None:
        self.path, self.name = path, name
        if not isinstance(values, Mapping):
            where = path if line is None else f"{path}:{line}"
            raise AmbilinkError(where, f"{name} must be a table", f"write it as [{name}]")
        self._line = values.line if isinstance(values, Located) else line
        self._end = values.end if isinstance(values, Located) else None
        self._lines = values.lines if isinstance(values, Located) else {}
        self._item_lines = values.item_lines if isinstance(values, Located) else {}
        self._values = dict(values)
        self._written = set(self._values)
        self._inherited: dict[str, Table] = {}  # whose keys some of the values are
        self._known: list[str] = []

    def _key(self, key: str) -> str:
        key = key if key.isprintable() else repr(key)
        return f"{self.name}.{key}" if self.name else key

    def inherit(self, base: "Table") -> None:
        """Take over the keys of another file's table that are not written here."""
        for key, value in base._values.items():
            if key not in self._values:
                self._values[key] = value
                self._inherited[key] = base
                self._written.add(key)

    def file_of(self, key: str) -> Path:
        """The file that has the key."""
        return self._inherited[key].file_of(key) if key in self._inherited else self.path

    def line_of(self, key: str) -> int | None:
        """Of the table, where the key is not written."""
        return self._lines.get(key, self._line)

    def place(self, key: str, item: int | None = None) -> str:
        """File and line; `item` is the number of one of an array's."""
        if key in self._inherited:
            return self._inherited[key].place(key, item)
        line = self.line_of(key)
        if item is not None:
            line = self._item_lines.get((key, item), line)
        return str(self.path) if line is None else f"{self.path}:{line}"

    def take(self, key: str, kind: type, default: Any = REQUIRED) -> Any:
        self._known.append(key)
        if key not in self._values:
            if default is REQUIRED:
                raise self.refuse(key, "is missing", f"add it, {kind_words(kind)}", what="the key ")
            return default
        value = self._values.pop(key)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            remedy = f"write {kind_words(kind)}"
            raise self.refuse(key, f"is {as_written(value)}, which is not {kind_words(kind)}", remedy)
        return value

    def take_items(self, key: str, kind: type[_Item], default: Any = REQUIRED) -> list[_Item]:
        """An array whose items have one type."""
        values = self.take(key, list, default)
        for number, value in enumerate(values):
            if not isinstance(value, kind) or isinstance(value, bool):
                remedy = "quote it" if kind is str and _is_simple(value) else f"write {kind_words(kind)}"
                rule = f"has the item {as_written(value)}, which is not {kind_words(kind)}"
                raise self.refuse(key, rule, remedy, item=number)
        return list(values)

    def take_strings(self, key: str, default: Any = REQUIRED) -> list[str]:
        return self.take_items(key, str, default)

    def take_table(self, key: str, default: Any = REQUIRED) -> "Table":
        return Table(self.path, self._key(key), self.take(key, dict, default), self.line_of(key))

    def take_tables(self, key: str) -> list[Any]:
        """An array of tables: none where the key is not there."""
        value = self._values.get(key, [])
        if isinstance(value, Mapping):
            raise self.refuse(key, "is one table, and there may be several", f"write its heading as [[{key}]]")
        if not isinstance(value, list):
            raise self.refuse(key, f"is {as_written(value)}, which is not a table", f"write [[{key}]]")
        for number, item in enumerate(value):
            if not isinstance(item, Mapping):
                rule = f"has the item {as_written(item)}, which is not a table"
                raise self.refuse(key, rule, f"write [[{key}]]", item=number)
        return list(self.take(key, list, []))

    def take_key(self, name: str, key: Key, default: Any = None) -> Any:
        """The value of a declared key; `default` is for keys whose default depends on other keys."""
        default = default if key.default is None else key.default
        if key.kind is list:
            return self.take_strings(name, default)
        if key.kind is dict:
            return self.take_table(name, default)
        return self.take(name, key.kind, default)

    def has(self, key: str) -> bool:
        """Whether a key is written here or inherited."""
        return key in self._written

    def items(self) -> dict[str, Any]:
        """All keys that are left, for tables whose keys are names."""
        values, self._values = self._values, {}
        return values

    @property
    def end(self) -> str:
        """File and last line: where what is missing can be added."""
        return str(self.path) if self._end is None else f"{self.path}:{self._end}"

    def refuse(self, key: str, rule: str, remedy: str = "", what: str = "", item: int | None = None) -> AmbilinkError:
        return AmbilinkError(self.place(key, item), f"{what}{self._key(key)} {rule}", remedy)

    def allow(self, keys: Collection[str]) -> None:
        """Refuse other keys. Called first, a misspelt key is reported before the one that it should have been."""
        for key in self._values:
            if key not in keys:
                remedy = f"{near(keys, key)}known here: {', '.join(sorted(keys))}"
                raise AmbilinkError(self.place(key), f"unknown key {self._key(key)}", remedy)

    def finish(self) -> None:
        """Refuse keys that were not taken."""
        self.allow(self._known)

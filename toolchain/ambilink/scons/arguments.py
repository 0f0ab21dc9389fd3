"""Kinds of arguments: what each accepts, and what a builder is handed.

A builder declares its arguments by annotating them with these. A string where a list may stand is one element; lists
in lists are flattened, as everywhere in SCons. `Unsuitable` says what is wrong with a value; the caller adds where.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, cast

from ambilink.compile.languages import COMMON, NO_FLAGS, Flags, Language
from ambilink.errors import known
from ambilink.scons.api import (
    Environment,
    Folder,
    Node,
    UserError,
    is_alias,
    is_file,
    is_folder,
    is_node,
    is_sequence,
    placed,
)
from ambilink.scons.wanted import kind_of

SHOWN = 60  # characters of a wrong value
NESTED = 50  # lists in lists
_MACRO = re.compile(r"[A-Za-z_]\w*(\([^=]*\))?(=.*)?", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_+@%][A-Za-z0-9_+@%.~-]*")


class Unsuitable(Exception):
    """A value that an argument cannot have, in words that follow its name."""


@dataclass(frozen=True)
class Accepts:
    """A kind of arguments: in words, and by a function that raises Unsuitable."""

    what: str
    convert: Callable[[Environment, Any], Any]
    optional: bool = False  # None may be given
    variable: str = ""  # the construction variable that stands in where it is left out


def shown(value: object) -> str:
    if is_node(value):
        return f"the node {value}"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _flat(value: object, depth: int = 0, until: Callable[[object], bool] = lambda value: False) -> list[object]:
    if not is_sequence(value) or until(value):
        return [value]
    if depth > NESTED:
        raise Unsuitable("is nested too deeply")
    return [item for inner in cast("Iterable[object]", value) for item in _flat(inner, depth + 1, until)]


def _list_of(one: Callable[[Environment, Any], Any]) -> Callable[[Environment, Any], list[Any]]:
    def convert(env: Environment, value: object) -> list[Any]:
        listed = is_sequence(value)
        found = []
        for item in _flat(value):
            try:
                found.append(one(env, item))
            except Unsuitable as error:
                raise Unsuitable(f"has an item that {error}" if listed else str(error)) from None
        return found

    return convert


def _text(env: Environment, value: object) -> str:
    if not isinstance(value, str):
        name = getattr(value, "name", None)
        hint = f"; its name is {name!r}" if isinstance(name, str) and not is_node(value) else ""
        raise Unsuitable(f"is {shown(value)}, which is no text{hint}")
    if not value:
        raise Unsuitable("is empty")
    if "\0" in value:
        raise Unsuitable(f"is {shown(value)}, which has a NUL in it")
    return value


def _name(env: Environment, value: object) -> str:
    text = _text(env, value)
    if not _NAME.fullmatch(text):
        raise Unsuitable(f"is {shown(text)}, which is no name: letters, digits and _ + @ % . ~ - make one")
    return text


def _path(env: Environment, value: Any) -> str:
    if is_node(value):
        return _spelt(str(value.path))
    return _spelt(str(value) if isinstance(value, Path) else _text(env, value))


def _spelt(path: str) -> str:
    """Lists of files have a line for each, and are UTF-8."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        raise Unsuitable(f"is {shown(path)}, which has a control character in its name; rename it")
    if any(0xD800 <= ord(letter) < 0xE000 for letter in path):
        raise Unsuitable(f"is {shown(path)}, whose name is no UTF-8; rename it")
    return path


def _output(env: Environment, value: object) -> str:
    return _spelt(_text(env, value))


def _path_or_nothing(env: Environment, value: Any) -> str:
    return _path(env, value) if value else ""


def _source(env: Environment, value: object) -> object:
    if is_folder(value):
        raise Unsuitable(f"is {shown(value)}, which is a folder")
    if is_node(value) and not is_file(value):
        raise Unsuitable(f"is {shown(value)}, which is no file")
    path = _path(env, value)
    return value if is_file(value) else path


def _folder(env: Environment, value: object) -> Folder:
    if is_node(value) and not is_folder(value):
        raise Unsuitable(f"is {shown(value)}, which is no folder")
    path = _path(env, value)
    try:
        return env.Dir(value if is_folder(value) else path)
    except TypeError:
        raise Unsuitable(f"is {shown(value)}, which is a file") from None


def _file(env: Environment, value: object) -> Node:
    items = _flat(value)
    if len(items) != 1:
        raise Unsuitable(f"is {shown(value)}, which is not one file")
    source = _source(env, items[0])
    try:
        return _regular(env.File(source), value)
    except TypeError:
        raise Unsuitable(f"is {shown(value)}, which is a folder") from None


def _regular(node: Node, value: object) -> Node:
    """What is no file has no end, or waits for one who writes."""
    try:
        mode = os.stat(placed(node).abspath).st_mode
    except OSError:  # not there, or not yet
        return node
    if not node.has_builder() and not stat.S_ISREG(mode):
        raise Unsuitable(f"is {shown(value)}, which is {kind_of(mode)}")
    return node


def _first_file(env: Environment, value: object) -> Node:
    nodes = [_file(env, item) for item in _flat(value)]
    return nodes[0] if nodes else _file(env, value)


def _target(env: Environment, value: object) -> object:
    return value if is_file(value) or is_folder(value) or is_alias(value) else _path(env, value)


def _count(env: Environment, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Unsuitable(f"is {shown(value)}, which is no whole number above 0")
    return value


def choice(*values: str, optional: bool = False) -> Accepts:
    listed = " or ".join(map(repr, values))

    def convert(env: Environment, value: object) -> str:
        if value not in values:
            raise Unsuitable(f"is {shown(value)}")
        return str(value)

    return Accepts(f"{listed}, or None" if optional else listed, convert, optional)


def _flags(env: Environment, value: object) -> Flags:
    texts = _list_of(_text)
    if not isinstance(value, Mapping):
        return Flags(tuple(texts(env, value)))
    found = Flags()
    for key, item in value.items():
        if key not in (COMMON, *Language):
            raise Unsuitable(f"has the unknown key {shown(key)}")
        try:
            words = tuple(texts(env, item))
        except Unsuitable as error:
            raise Unsuitable(f"has a wrong key {key!r}: it {error}") from None
        found += Flags(words) if key == COMMON else Flags(own={Language(key): words})
    return found


def _definition(env: Environment, value: object) -> str:
    """NAME or NAME=VALUE, of a text or of a pair."""
    if isinstance(value, tuple):
        name, given = value
        if given is not None and (isinstance(given, bool) or not isinstance(given, str | int)):
            raise Unsuitable(f"is {shown(value)}, whose value is neither a text nor a number")
        value = _text(env, name) + ("" if given is None else f"={given}")
    text = _text(env, value)
    if not _MACRO.fullmatch(text):
        raise Unsuitable(f"is {shown(text)}, which defines no macro")
    return text


def _definitions(env: Environment, value: object) -> list[str]:
    """What SCons accepts as CPPDEFINES; pairs are tuples."""
    found = []
    for item in _flat(value, until=_is_pair):
        pairs = list(item.items()) if isinstance(item, Mapping) else [item]
        try:
            found += [_definition(env, pair) for pair in pairs]
        except Unsuitable as error:
            raise Unsuitable(str(error) if item is value else f"has an item that {error}") from None
    return found


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and not is_sequence(value[0])


@dataclass(frozen=True)
class FormSettings:
    """What one form of a library has beside the other."""

    sources: Sequence[object] = ()
    flags: Flags = NO_FLAGS


@dataclass(frozen=True)
class VariantSettings:
    """What a variant of a library has beside the library."""

    sources: Sequence[object] = ()
    flags: Flags = NO_FLAGS
    defines: Sequence[str] = ()
    LIBS: Sequence[str] | None = None  # instead of the library's


_KEYS: dict[str, Callable[[Environment, Any], Any]] = {
    "sources": _list_of(_source),
    "flags": _flags,
    "defines": _definitions,
    "LIBS": _list_of(_name),
}


def _settings(env: Environment, value: object, known: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Unsuitable(f"is {shown(value)}")
    found = {}
    for key, item in value.items():
        if key not in known:
            raise Unsuitable(f"has the unknown key {shown(key)}")
        try:
            found[key] = _KEYS[key](env, item)
        except Unsuitable as error:
            raise Unsuitable(f"has a wrong key {key!r}: it {error}") from None
    return found


def _form(env: Environment, value: object) -> FormSettings:
    return FormSettings() if value == () else FormSettings(**_settings(env, value, ("sources", "flags")))


def _variants(env: Environment, value: object) -> dict[str, VariantSettings]:
    if not isinstance(value, Mapping):
        raise Unsuitable(f"is {shown(value)}")
    found = {}
    for key, item in value.items():
        try:
            found[_name(env, key)] = VariantSettings(**_settings(env, item, list(_KEYS)))
        except Unsuitable as error:
            raise Unsuitable(f"has a wrong variant {shown(key)}: it {error}") from None
    return found


Name = Annotated[str, Accepts("a name", _name)]
OptionalName = Annotated[str | None, Accepts("a name, or None", _name, optional=True)]
Libraries = Annotated[Sequence[str], Accepts("a name, or a list of names", _list_of(_name), variable="LIBS")]
Names = Annotated[Sequence[str], Accepts("a name, or a list of names", _list_of(_name))]
Text = Annotated[str, Accepts("a text", _text)]
OptionalText = Annotated[str | None, Accepts("a text, or None", _text, optional=True)]
Texts = Annotated[Sequence[str], Accepts("a text, or a list of texts", _list_of(_text))]
Sources = Annotated[Sequence[object], Accepts("a file, or a list of files", _list_of(_source))]
OptionalSources = Annotated[
    Sequence[object] | None, Accepts("a file, a list of files, or None", _list_of(_source), optional=True)
]
Folders = Annotated[Sequence[Folder], Accepts("a folder, or a list of folders", _list_of(_folder))]
OptionalFolders = Annotated[
    Sequence[Folder] | None, Accepts("a folder, a list of folders, or None", _list_of(_folder), optional=True)
]
Paths = Annotated[Sequence[str], Accepts("a path, or a list of paths", _list_of(_path))]
File = Annotated[Node, Accepts("a file", _file)]
FirstFile = Annotated[Node, Accepts("a file, or a list that begins with it", _first_file)]
OptionalFile = Annotated[Node | None, Accepts("a file, or None", _file, optional=True)]
Output = Annotated[str, Accepts("a path in the build folder", _output)]
OptionalOutput = Annotated[str | None, Accepts("a path in the build folder, or None", _output, optional=True)]
Targets = Annotated[Sequence[object], Accepts("a target, or a list of targets", _list_of(_target))]
LANGUAGE_NAMES = ", ".join(f'"{name}"' for name in sorted((COMMON, *Language)))
CompileFlags = Annotated[
    Flags, Accepts(f"a text, a list of texts, or a dictionary of them with the keys {LANGUAGE_NAMES}", _flags)
]
Defines = Annotated[
    Sequence[str], Accepts("a text, a list of texts and pairs, or a dictionary, as for CPPDEFINES", _definitions)
]
Count = Annotated[int, Accepts("a whole number above 0", _count)]
Variants = Annotated[
    Mapping[str, VariantSettings],
    Accepts('a dictionary of dictionaries with the keys "LIBS", "defines", "flags" and "sources"', _variants),
]
Form = Annotated[
    FormSettings | None,
    Accepts('None, or a dictionary with the keys "flags" and "sources"', _form, optional=True),
]


@dataclass(frozen=True)
class Parameter:
    name: str
    accepts: Accepts
    default: object  # REQUIRED: there is none


REQUIRED = object()


def fit(
    parameters: Sequence[Parameter], arguments: Sequence[object], keywords: Mapping[str, object]
) -> dict[str, object]:
    """Arguments of a call by name; UserError, without a place, if they do not fit the parameters."""
    names = [parameter.name for parameter in parameters]
    if len(arguments) > len(names):
        raise UserError(f"takes at most {len(names)} arguments ({', '.join(names)}), and has {len(arguments)}")
    given = dict(zip(names, arguments, strict=False))
    for name, value in keywords.items():
        if name not in names:
            near = get_close_matches(name.lower(), {each.lower(): each for each in names}, 1, 0.5)
            meant = next((each for each in names if [each.lower()] == near), None)
            hint = f"did you mean {meant}=? " if meant else ""
            raise UserError(f"has no argument {name}=; {hint}known: {', '.join(names)}")
        if name in given:
            raise UserError(f"has the argument {name} twice")
        given[name] = value
    missing = [each.name for each in parameters if each.default is REQUIRED and each.name not in given]
    if missing:
        raise UserError(f"lacks the argument {missing[0]}; give it {_accepted(parameters, missing[0])}")
    return given


def _accepted(parameters: Sequence[Parameter], name: str) -> str:
    return next(each.accepts.what for each in parameters if each.name == name)


def convert(env: Environment, parameter: Parameter, value: object) -> object:
    """What a builder is handed; UserError, without a place, if the value does not fit."""
    if value is None and parameter.accepts.optional:
        return None
    try:
        return parameter.accepts.convert(env, value)
    except Unsuitable as error:
        raise UserError(f"{parameter.name}= {error}; give {parameter.accepts.what}") from None


# Settings of an environment, which are variables of it.


def _switch(env: Environment, value: object) -> bool:
    if value not in (True, False, None, 0, 1):
        raise Unsuitable(f"is {shown(value)}")
    return bool(value)


def _words(env: Environment, value: object) -> list[str]:
    """As SCons' own flags: a text is split at blanks, items of a list are words."""
    words: list[str] = value.split() if isinstance(value, str) else _list_of(_text)(env, value)
    return words


_TEXT, _WORDS = Accepts("a text", _path), Accepts("a text, or a list of texts", _words)
SETTINGS = {
    "AMBILINK_TARGET": _TEXT,
    "AMBILINK_COMPILER": _TEXT,
    "AMBILINK_OS": _TEXT,
    "AMBILINK_BUILD": _TEXT,
    "AMBILINK_FLAGS": _WORDS,
    "AMBILINK_READ_ONLY": Accepts("a name, or a list of names", _words),
    "AMBILINK_VERBOSE": Accepts("True or False", _switch),
    "AMBILINK_CACHE": Accepts("the path of a folder, or the URL of a server", _path_or_nothing),
    "AMBILINK_CACHE_LIMIT": _TEXT,
    "AMBILINK_CACHE_MODE": _TEXT,
    "AMBILINK_CACHE_KEY": Accepts("the path of a file", _path_or_nothing),
    "AMBILINK_CACHE_CA": Accepts("the path of a file", _path_or_nothing),
    "AMBILINK_LAUNCHER": Accepts("a command", _path_or_nothing),
}
OWN_SETTINGS = ("AMBILINK_SYSTEM", "AMBILINK_BOOT", "AMBILINK_LOADED")  # set by the tool
EACH_CALL = ("AMBILINK_VERBOSE", "AMBILINK_FLAGS")  # looked at when it is made; the others when the tool is loaded


def setting(env: Environment, name: str, default: Any) -> Any:
    """A variable of the environment, checked."""
    value = env.get(name)
    if value is None:
        return default
    accepts = SETTINGS[name]
    try:
        return accepts.convert(env, value)
    except Unsuitable as error:
        raise UserError(f"{name} {error}; give {accepts.what}") from None


def settings_of_loading(env: Environment) -> dict[str, str]:
    """Those that an environment has for good once the tool is loaded."""
    return {name: str(env.get(name) or "") for name in SETTINGS if name not in EACH_CALL}


def setting_texts(env: Environment, name: str) -> list[str]:
    return list(setting(env, name, []))


def refuse_unknown_settings(env: Environment) -> None:
    """A misspelt one would be silent."""
    for name in env.Dictionary():
        if name.startswith("AMBILINK_") and name not in (*SETTINGS, *OWN_SETTINGS):
            raise UserError(f"the construction variable {name} is unknown; {known(SETTINGS, name)}")

"""The manifest of an image for a kernel that boots by Multiboot: the kernel, and the modules in their order.

The keys of its tables are declared here with type, default and meaning; docs/reference/manifest.md is made of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ambilink import toml_file
from ambilink.errors import AmbilinkError, choices
from ambilink.toml_file import Key, Table

AMBILINK = "ambilink"
FORMATS = {"multiboot2": 2, "multiboot1": 1}  # versions of Multiboot
ALL_FORMATS = (AMBILINK, *FORMATS)
COMMAND_MAX = 511

VERSION = 1
TOP_KEYS = {
    "manifest": Key(
        int, VERSION, f"The version of the manifest's format, {VERSION}. A file of another version is refused."
    ),
}
IMAGE_KEYS = {
    "format": Key(str, AMBILINK, "`multiboot2` or `multiboot1`."),
    "kernel": Key(str, "kernel", "The kernel: a file of the build folder, with a header of this version."),
    "command-line": Key(str, "", "The kernel's command line."),
    "libraries": Key(list, [], "Libraries that programs open at run time (`dlopen`): file names. They become modules."),
    "library-command-line": Key(
        str,
        "{name}",
        "The command line of modules that are libraries: `{name}` is the file's name, `{folder}` the profile's folder "
        "of libraries.",
    ),
}
MODULE_KEYS = {
    "program": Key(str, "", "A program of the build folder. The libraries that it needs become modules by themselves."),
    "file": Key(str, "", "Or any file: a path from the manifest's folder."),
    "command-line": Key(str, None, "The module's command line. By default the name of program or file."),
    "needed": Key(
        bool,
        False,
        "Or, with `true`: here lie the libraries that programs need, in the order in which they are found, breadth "
        "first. Without such an entry they come last.",
    ),
}
TABLES = {
    "[image] with a format of others": (
        IMAGE_KEYS,
        "For a kernel that is not this project's: no `[[service]]` and no `[files]`, but modules.",
    ),
    "[[module]]": (MODULE_KEYS, "One module, in the order in which the kernel is handed them."),
}


@dataclass(frozen=True)
class ManifestModule:
    program: str  # one of these three
    file: Path | None
    needed: bool
    command_line: str
    place: str = field(default="", compare=False)  # file and line


@dataclass(frozen=True)
class MultibootManifest:
    path: Path
    version: int
    kernel: str
    command_line: str
    libraries: tuple[str, ...]
    library_command_line: str
    modules: tuple[ManifestModule, ...]
    places: Mapping[tuple[str, str], str] = field(default_factory=dict, compare=False)

    def place(self, kind: str, name: str = "") -> str:
        """File and line of what the manifest names: the kernel, a library or a program."""
        return self.places.get((kind, name), str(self.path))

    @property
    def programs(self) -> list[str]:
        return list(dict.fromkeys(module.program for module in self.modules if module.program))


def take_version(top: Table) -> None:
    version = top.take_key("manifest", TOP_KEYS["manifest"])
    if version != VERSION:
        remedy = f"this program reads manifest = {VERSION}: install the ambilink that the file was written for"
        raise top.refuse("manifest", f"is {version}", remedy)


def take_format(image: Table) -> str:
    value: str = image.take_key("format", IMAGE_KEYS["format"])
    if value not in ALL_FORMATS:
        raise image.refuse("format", f"is {value!r}", choices(ALL_FORMATS, value))
    return value


def format_of(path: Path) -> str:
    """Which kind of manifest a file is."""
    top = Table(path, "", toml_file.read(path))
    take_version(top)
    return take_format(top.take_table("image", {}))


def _command_line(table: Table, key: str, text: str) -> str:
    """What GRUB hands over as it is written: words with single blanks between, and nothing that it quotes."""
    bad = next((letter for letter in text if not " " <= letter <= "~" or letter in "\"'\\"), None)
    if bad is not None:
        raise table.refuse(key, f"has {bad!r}, which GRUB does not hand over", "use printable ASCII, no quotes, no \\")
    if text != " ".join(text.split()):
        raise table.refuse(key, f"is {text!r}", "put single blanks between words, and none at the ends")
    if len(text) > COMMAND_MAX:
        raise table.refuse(key, f"has {len(text)} bytes", f"use at most {COMMAND_MAX}")
    return text


def _refuse_place(table: Table, key: str, name: str) -> None:
    """A file gets this name in GRUB's folder, beside the folder `grub`."""
    parts = name.split("/")
    if {"", ".", ".."} & {*parts} or not name.isprintable():
        raise table.refuse(key, f"is {name!r}", "give a name, or a path that stays in its folder")
    if parts[0] == "grub":
        raise table.refuse(key, f"is {name!r}, and GRUB's own files lie in the folder grub", "call it otherwise")


def _read_module(path: Path, table: Table) -> ManifestModule:
    def take(key: str, default: Any = None) -> Any:
        return table.take_key(key, MODULE_KEYS[key], default)

    table.allow(MODULE_KEYS)
    program, file, needed = take("program"), take("file"), take("needed")
    if (bool(program) + bool(file) + needed) != 1:
        raise table.refuse("program", "or file or needed is wanted, one of them", "write which file the module is")
    if "/" in program:
        raise table.refuse("program", f"is {program!r}", "give the program's name alone, or a path as file")
    for key, name in (("program", program), ("file", Path(file).name)):
        _refuse_place(table, key, name or key)
    text = take("command-line", "" if needed else program or Path(file).name)
    if needed and table.has("command-line"):
        raise table.refuse("command-line", "stands beside needed", "write image.library-command-line")
    text = _command_line(table, "command-line", text)
    table.finish()
    place = table.place("program" if program else "file" if file else "needed")
    return ManifestModule(program, path.parent / file if file else None, needed, text, place)


def read(path: Path) -> MultibootManifest:
    top = Table(path, "", toml_file.read(path))
    take_version(top)
    image = top.take_table("image", {})
    name = take_format(image)
    if name not in FORMATS:
        raise image.refuse("format", f"is {name!r}", f"this reads {' and '.join(FORMATS)}")
    image.allow(IMAGE_KEYS)

    def take(key: str) -> Any:
        return image.take_key(key, IMAGE_KEYS[key])

    kernel, command_line, pattern = take("kernel"), take("command-line"), take("library-command-line")
    libraries = take("libraries")
    _refuse_place(image, "kernel", kernel)
    for number, library in enumerate(libraries):
        if "/" in library or not library:
            raise image.refuse("libraries", f"has {library!r}", "give the file's name alone", item=number)
    _command_line(image, "command-line", command_line)
    unknown = next((word for word in re.findall(r"\{(.*?)\}", pattern) if word not in ("name", "folder")), None)
    if unknown is not None:
        raise image.refuse("library-command-line", f"uses {{{unknown}}}", "known: {name}, {folder}")
    _command_line(image, "library-command-line", pattern)
    image.finish()
    for key in ("service", "files"):
        if top.has(key):
            raise AmbilinkError(
                top.place(key), f"{key} is not for format {name!r}", "list programs and files as [[module]]"
            )
    places = {("kernel", ""): image.place("kernel")}
    places |= {("library", name): image.place("libraries", number) for number, name in enumerate(libraries)}
    modules: list[ManifestModule] = []
    for number, values in enumerate(top.take_tables("module")):
        table = Table(path, f"module {number + 1}", values, top.line_of("module"))
        modules.append(_read_module(path, table))
        if modules[-1].needed and sum(module.needed for module in modules) > 1:
            raise AmbilinkError(table.place("needed"), "a second entry says needed = true", "leave one of them")
    top.finish()
    places |= {("program", module.program): module.place for module in modules[::-1] if module.program}
    return MultibootManifest(
        path, FORMATS[name], kernel, command_line, tuple(libraries), pattern, tuple(modules), places
    )


def expand(pattern: str, name: str, folder: str) -> str:
    return pattern.replace("{name}", name).replace("{folder}", folder)

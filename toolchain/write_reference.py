"""Write docs/reference/: the builders from their docstrings, manifest and profile from the keys that readers declare.

./scons docs
"""

import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from ambilink.bootimage import manifest_keys, multiboot_manifest
from ambilink.compile import profile
from ambilink.compile.declared import Declared, declared
from ambilink.compile.languages import Flags
from ambilink.scons import environment
from ambilink.scons.arguments import REQUIRED, FormSettings, Parameter
from ambilink.scons.builder import BuilderMethod

DOCS = Path(__file__).parents[1] / "docs/reference"
NOTE = "<!-- Written by toolchain/write_reference.py (`./scons docs`): change {source}, not this file. -->\n"
BUILDERS_HEAD = """\
# Builders

Methods of an environment that the tool was loaded into: [scons-tool.md](../scons-tool.md). Where a list may stand, one
string is one element, and lists in lists are flattened. A wrong argument is an error that names the SConscript's line.
"""
MANIFEST_HEAD = """\
# The manifest of a boot image

A TOML file, for `BootImage` and `ambilink image pack`. Programs are looked up in the build folder. Libraries are not
listed, but for those that programs open at run time: they follow from DT_NEEDED. [boot-image.md](../boot-image.md)
describes what comes of it.
"""
PROFILE_HEAD = """\
# The profile of an operating system

A TOML file, for `AMBILINK_OS`, `ambilink boot --profile` and `ambilink contract --against`. It begins with
`profile = 1`, the version of this format; `extends` names a profile whose keys hold where this one has none: one that
ships, or a path from the file's folder. Every table and every key may be left out. [profiles.md](../profiles.md) is the
guide.
"""
TYPES = {str: "string", int: "integer", list: "array of strings", dict: "table of strings", bool: "boolean"}


def split_docstring(text: str, names: list[str]) -> tuple[str, dict[str, str]]:
    """The description, and what is said of each argument in the lines `name: text` at the end."""
    meanings: dict[str, str] = {}
    description: list[str] = []
    for line in inspect.cleandoc(text).splitlines():
        match = re.match(r"(\w+): (.*)", line)
        if match and match[1] in names:
            meanings[match[1]] = match[2]
        elif meanings and line.startswith("    "):
            last = next(reversed(meanings))
            meanings[last] += " " + line.strip()
        else:
            description.append(line)
    return "\n".join(description).strip(), meanings


def default_text(value: object) -> str:
    if value == () or isinstance(value, Flags):
        return "[]"
    if isinstance(value, FormSettings) or value == {}:
        return "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def signature(method: BuilderMethod) -> str:
    def shown(parameter: Parameter) -> str:
        return (
            parameter.name if parameter.default is REQUIRED else f"{parameter.name}={default_text(parameter.default)}"
        )

    call = f"env.{method.name}({', '.join(map(shown, method.parameters))})"
    return textwrap.fill(call, 110, subsequent_indent=" " * (len(method.name) + 5), break_long_words=False)


def builder_lines(method: BuilderMethod) -> Iterator[str]:
    names = [parameter.name for parameter in method.parameters]
    description, meanings = split_docstring(method.function.__doc__ or "", names)
    missing = [name for name in names if name not in meanings]
    if not description or missing:
        raise ValueError(f"{method.name}: its docstring says nothing of {', '.join(missing) or 'what it makes'}")
    yield f"\n## {method.name}\n\n```python\n{signature(method)}\n```\n\n{description}\n"
    yield "| argument | takes | |\n|---|---|---|"
    for parameter in method.parameters:
        yield f"| `{parameter.name}` | {cell(parameter.accepts.what)} | {cell(meanings[parameter.name])} |"


def builders() -> str:
    lines = [line for method in environment.BUILDERS.values() for line in builder_lines(method)]
    note = NOTE.format(source="the docstrings in toolchain/ambilink/scons/builders/")
    return note + BUILDERS_HEAD + "\n".join(lines) + "\n"


def key_line(name: str, key: manifest_keys.Key) -> str:
    if key.kind is bool:
        return f"| `{name}` | {TYPES[bool]} | `{str(key.default).lower()}` | {cell(key.meaning)} |"
    default = {...: "must be given", None: "see there", "": "none", -1: "none"}.get(
        key.default if not isinstance(key.default, list | dict) else "", f"`{default_text(key.default)}`"
    )
    return f"| `{name}` | {TYPES[key.kind]} | {default} | {cell(key.meaning)} |"


def manifest_page() -> str:
    source = "toolchain/ambilink/bootimage/manifest_keys.py and multiboot_manifest.py"
    parts = [NOTE.format(source=source) + MANIFEST_HEAD]
    for heading, (keys, meaning) in (manifest_keys.TABLES | multiboot_manifest.TABLES).items():
        parts.append(f"\n## {heading}\n\n{meaning}\n")
        if keys:
            parts.append("\n| key | type | default | |\n|---|---|---|---|\n")
            parts.append("\n".join(key_line(name, key) for name, key in keys.items()) + "\n")
    return "".join(parts)


def profile_key_line(name: str, how: Declared, default: object) -> str:
    types = f"array of {TYPES[how.item]}s" if how.kind is list else TYPES[how.kind]
    if how.no_default:
        shown = how.no_default
    elif isinstance(default, tuple):
        shown = f"`{json.dumps(list(default))}`"
    else:
        shown = f"`{hex(default)}`" if name == "load-address" else f"`{json.dumps(default)}`"
    return f"| `{name}` | {types} | {shown} | {cell(how.meaning)} |"


def profile_page() -> str:
    parts = [NOTE.format(source="toolchain/ambilink/compile/profile.py and contract.py") + PROFILE_HEAD]
    for heading, cls in profile.TABLES.items():
        parts.append(f"\n## [{heading}]\n\n{inspect.cleandoc(cls.__doc__ or '')}\n")
        parts.append("\n| key | type | default | |\n|---|---|---|---|\n")
        lines = (profile_key_line(name, how, default) for name, (_, how, default) in declared(cls).items())
        parts.append("\n".join(lines) + "\n")
    parts.append("\n## [verdict]\n\nBy what a boot is judged: [emulator.md](../emulator.md).\n")
    return "".join(parts)


PAGES = {"builders.md": builders, "manifest.md": manifest_page, "profile.md": profile_page}


def main() -> None:
    DOCS.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())


if __name__ == "__main__":
    main()

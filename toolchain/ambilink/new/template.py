"""Templates: what there is to choose from, and the files of a project made of one.

In the package's data a name begins with `dot-` where the project's begins with a dot: hidden files do not get lost, and
git, clangd and CI do not take them for this repository's. `@name@` and the other placeholders are replaced in names and
contents.
"""

import re
from pathlib import Path

from ambilink import __version__
from ambilink.errors import AmbilinkError, choices
from ambilink.files import read_regular

FOLDER = Path(__file__).parent / "templates"
COMMON = "common"  # files of every project
DEFAULT = "system"
TEMPLATES = {  # and what each makes
    "system": "an operating system on Ambilink's kernel and loader: a library, two services, a boot test",
    "kernel": "a kernel of your own, built and booted by its profile",
    "library": "a library for another operating system, static and shared, by a profile of that system",
    "loader": "a program loader for another operating system: the linker core and a port to fill in",
}
NAME_MAX = 31  # the longest name of a service in a boot image
PLACEHOLDER = re.compile(r"@([a-z]+)@")


def check_template(template: str) -> None:
    if template not in TEMPLATES:
        raise AmbilinkError(template, "is no template", choices(TEMPLATES, template))


def check_name(name: str) -> None:
    """The name becomes part of the names of files and C functions."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name, re.ASCII):
        rule = "cannot be a project's name: it must begin with a letter, and hold letters, digits, _ and - only"
        raise AmbilinkError(ascii(name), rule, "choose another, or keep the folder and give --name")
    if len(name) > NAME_MAX:
        raise AmbilinkError(name, f"is too long for a project's name ({len(name)} characters)", f"at most {NAME_MAX}")


def project_files(template: str, name: str) -> dict[str, bytes]:
    """The contents of each file, by its path in the project. The template's own go before those of all projects."""
    values = {"name": name, "identifier": name.replace("-", "_"), "version": __version__}
    files: dict[str, bytes] = {}
    for folder in (FOLDER / COMMON, FOLDER / template):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                text = read_regular(path, "install ambilink again").decode()
                files[_target(path.relative_to(folder), values)] = _replace(text, values).encode()
    return files


def _target(path: Path, values: dict[str, str]) -> str:
    return "/".join(_replace(re.sub("^dot-", ".", part), values) for part in path.parts)


def _replace(text: str, values: dict[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: values[match[1]], text)

"""Names of files in an image: paths below a folder, each of which can be made beside the others."""

from collections.abc import Iterable

from ambilink.errors import AmbilinkError

PART_MAX = 255  # bytes of a part between two slashes, as file systems have it
PATH_MAX = 3500  # bytes: what is left of 4,096 is for the folder


def check_names(names: Iterable[str], where: object, remedy: str) -> None:
    """Raises AmbilinkError for the first name that leads out of its folder, that a terminal would obey, or that cannot
    be there beside another one."""
    names = list(names)
    every, seen = set(names), set[str]()
    for name in names:
        rule = _fault(name)
        folder = next((each for each in _folders(name) if each in every), None)
        if rule is None and folder is not None:
            rule = f"cannot be there beside the file {folder!a}, which is its folder"
        if rule is None and name in seen:
            rule = "is there twice"
        if rule is not None:
            raise AmbilinkError(where, f"the name {name!a} {rule}", remedy)
        seen.add(name)


def _fault(name: str) -> str | None:
    parts = name.split("/")
    if name.startswith("/"):
        return "is absolute"
    if {"", ".", ".."} & {*parts}:
        return "leads out of the folder" if ".." in parts else "has a part that names nothing"
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 or 0xD800 <= ord(letter) < 0xE000 for letter in name):
        return "has a control character"
    if max(len(part.encode()) for part in parts) > PART_MAX or len(name.encode()) > PATH_MAX:
        return "is too long for a file system"
    return None


def _folders(name: str) -> Iterable[str]:
    parts = name.split("/")[:-1]
    return ("/".join(parts[:count]) for count in range(1, len(parts) + 1))

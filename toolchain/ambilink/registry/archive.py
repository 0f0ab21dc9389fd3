"""An archive by its SHA-256: from the cache folder, a folder of archives, or its registry."""

import contextlib
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ambilink.errors import AmbilinkError
from ambilink.files import NoCacheFolder, cache_folder, read_regular, write_atomically
from ambilink.registry import npm, pypi

FOLDER = "AMBILINK_SOURCES"  # names a folder of archives, whatever their names: nothing is fetched then
REGISTRIES: dict[str, Callable[[str, str, str], bytes]] = {"pypi": pypi.fetch, "npm": npm.fetch}


@dataclass(frozen=True)
class Package:
    """One version of a package, pinned. Its registry and words were checked."""

    registry: str
    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.registry})"


def find(package: Package) -> bytes:
    """The archive of a package, as its digest has it. Raises AmbilinkError where it cannot be had."""
    kept = _place(package)
    found = _read(kept) if kept is not None else None
    if found is not None and _digest(found) == package.sha256:
        return found
    given = os.environ.get(FOLDER)
    found = _in_folder(package, Path(given)) if given else _fetch(package)
    if kept is not None:
        with contextlib.suppress(OSError):  # then it is fetched again the next time
            write_atomically(kept, found)
    return found


def _place(package: Package) -> Path | None:
    try:
        return cache_folder() / "sources" / package.sha256
    except NoCacheFolder:
        return None


def _read(path: Path) -> bytes | None:
    try:
        return read_regular(path)
    except AmbilinkError:  # not there, or not to be read
        return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _in_folder(package: Package, folder: Path) -> bytes:
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise AmbilinkError(
            folder, f"cannot be read ({error.strerror})", f"let {FOLDER} name a folder of archives"
        ) from error
    for path in files:
        data = _read(path)
        if data is not None and _digest(data) == package.sha256:
            return data
    raise AmbilinkError(
        folder,
        f"none of its {len(files)} files has the SHA-256 of {package}",
        f"put its archive there, or unset {FOLDER} to fetch it",
    )


def _fetch(package: Package) -> bytes:
    data = REGISTRIES[package.registry](package.name, package.version, package.sha256)
    if _digest(data) != package.sha256:
        raise AmbilinkError(
            package,
            f"its SHA-256 is {_digest(data)}, not {package.sha256}",
            "look at what changed before you take it: a registry keeps a version as it was",
        )
    return data

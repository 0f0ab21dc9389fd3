"""Libraries that were not declared and lie in a folder of LIBPATH: libX.a and libX.so of others."""

import os
import stat
from pathlib import Path

from ambilink.elf.inspect import inspect
from ambilink.errors import AmbilinkError
from ambilink.scons.api import placed
from ambilink.scons.units import Library, Unit
from ambilink.scons.wanted import kind_of


def _refuse_other(path: str) -> None:
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise AmbilinkError(path, f"is {kind_of(mode)}", "LIBPATH is searched for archives and shared objects")


def find_prebuilt(name: str, user: Unit, found: dict[str, Library]) -> Library | None:
    """The first folder that has a library of this name has both its forms; `found` keeps it."""
    for folder in user.variables.folders("LIBPATH"):
        archive, shared = (placed(folder.File(f"lib{name}{suffix}")) for suffix in (".a", ".so"))
        has_archive = archive.has_builder() or archive.exists()
        if not has_archive and not shared.exists():
            continue
        if has_archive and not archive.has_builder():
            _refuse_other(archive.abspath)
        if shared.abspath in found:
            return found[shared.abspath]
        library = found[shared.abspath] = Library(name, user.location, user.variables)
        library.static = archive if has_archive else None
        if shared.exists():
            library.soname = inspect(Path(shared.abspath)).soname or shared.name
            library.shared = library.stub = shared
        return library
    return None

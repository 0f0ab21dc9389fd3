"""Libraries that were not declared and lie in a folder of LIBPATH: libX.a and libX.so of others."""

from pathlib import Path

from ambilink.elf.inspect import inspect
from ambilink.scons.api import placed
from ambilink.scons.units import Library, Unit


def find_prebuilt(name: str, user: Unit, found: dict[str, Library]) -> Library | None:
    """The first folder that has a library of this name has both its forms; `found` keeps it."""
    for folder in user.variables.folders("LIBPATH"):
        archive, shared = (placed(folder.File(f"lib{name}{suffix}")) for suffix in (".a", ".so"))
        has_archive = archive.has_builder() or archive.exists()
        if not has_archive and not shared.exists():
            continue
        if shared.abspath in found:
            return found[shared.abspath]
        library = found[shared.abspath] = Library(name, user.location, user.variables)
        library.static = archive if has_archive else None
        if shared.exists():
            library.soname = inspect(Path(shared.abspath)).soname or shared.name
            library.shared = library.stub = shared
        return library
    return None

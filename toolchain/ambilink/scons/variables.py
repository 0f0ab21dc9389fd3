"""Construction variables of an environment, honoured as SCons' own builders do.

They are read when commands are made, after all SConscripts: what is appended to an environment later counts too. SCons
hands its commands to a shell, which takes quotes and backslashes away; so does this, without one.
"""

import os
import shlex
from collections.abc import Sequence
from typing import Any

from ambilink.compile.languages import Language, concerning
from ambilink.files import as_argument
from ambilink.scons.api import Environment, Folder, UserError, escape_words, path_list, placed_folders, process_defines
from ambilink.scons.location import SourceLocation

# In the order of SCons' own commands.
FLAGS = {
    Language.C: ("CFLAGS", "CCFLAGS", "CPPFLAGS"),
    Language.CXX: ("CXXFLAGS", "CCFLAGS", "CPPFLAGS"),
    Language.ASSEMBLY: ("ASPPFLAGS", "CPPFLAGS"),
    Language.NASM: ("NASMFLAGS",),
}
USUAL = {"ASPPFLAGS": "$ASFLAGS"}  # what it is where it is not set
VARIABLES = (
    *dict.fromkeys(name for names in FLAGS.values() for name in names),
    *("ASFLAGS", "CPPDEFINES", "CPPPATH", "LIBPATH", "LIBS", "LINKFLAGS", "NASM"),
)
COMMON = ("CCFLAGS", "CPPFLAGS")  # a standard among these is for the language that it names

# What a driver must be told, and the linker does by itself.
GIVEN = ("-nostdlib", "-nostartfiles", "-nodefaultlibs", "-ffreestanding")


class Variables:
    """Of one environment, for what is declared at one place: relative paths are from there."""

    def __init__(self, env: Environment, here: Folder, location: SourceLocation) -> None:
        self._env, self._here, self._location = env, here, location

    def flags(self, language: Language) -> list[str]:
        found: list[str] = []
        for name in FLAGS[language]:
            words = self.words(name)
            found += concerning(words, language) if name in COMMON else words
        return found

    def defines(self) -> list[str]:
        """CPPDEFINES as the compiler wants them."""
        given = self._env.get("CPPDEFINES")
        try:
            return self._shell_words([f"-D{each}" for each in process_defines(given)], "CPPDEFINES") if given else []
        except (TypeError, ValueError) as error:
            raise self._refuse("CPPDEFINES", str(error)) from error

    def folders(self, name: str) -> list[Folder]:
        """CPPPATH or LIBPATH."""
        given = self._env.get(name)
        if not given:
            return []
        try:
            paths = path_list(self._env, given)
            return [self._env.fs.Dir(path, self._here) for path in paths if str(path)]
        except TypeError as error:
            raise self._refuse(name, f"names a file where a folder is wanted ({error})") from error

    def link_flags(self) -> list[str]:
        """LINKFLAGS and LIBPATH as the linker wants them, which is called itself."""
        folders = [each for folder in self.folders("LIBPATH") for each in real_folders(folder)]
        return [*_without_driver(self.words("LINKFLAGS")), *(f"-L{as_argument(folder)}" for folder in folders)]

    def words(self, name: str) -> list[str]:
        return self._shell_words(self._env.get(name, USUAL.get(name)), name)

    def _shell_words(self, value: Any, name: str) -> list[str]:
        if not value:
            return []
        try:
            return shlex.split(escape_words(self._env, value))
        except ValueError as error:
            raise self._refuse(name, f"{error}; quote it as a shell would want it") from error

    def _refuse(self, name: str, why: str) -> UserError:
        return UserError(f"{self._location}: the construction variable {name}: {why}")


def _without_driver(words: Sequence[str]) -> list[str]:
    """Words for a compiler's driver, as it would hand them to the linker."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word.startswith("-Wl,"):
            found += word.removeprefix("-Wl,").split(",")
        elif word == "-Xlinker":
            found += [next(rest, "")]
        elif word not in GIVEN:
            found.append(word)
    return found


def real_folders(node: Folder) -> list[str]:
    """Paths from the top, or absolute where they lie elsewhere; that of the top itself is absolute for SCons."""
    top = node.fs.Top
    return ["." if each is top else os.path.normpath(each.path) for each in placed_folders(node)]

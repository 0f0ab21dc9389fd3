"""Where a Linux machine has its libraries: the rules of ld.so(8), for a glibc or a musl system."""

import glob
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ambilink.elf.layout import IDENT
from ambilink.elf.psabi import PSABIS
from ambilink.errors import AmbilinkError
from ambilink.link.module import Module


@cache
def _configured(config: Path) -> tuple[Path, ...]:
    """The folders of an ld.so.conf(5), with what it includes."""
    found: list[Path] = []
    if not config.is_file():
        return ()
    for line in config.read_text(errors="replace").splitlines():
        words = line.split("#")[0].split()
        if len(words) == 2 and words[0] == "include":
            pattern = words[1] if words[1].startswith("/") else str(config.parent / words[1])
            for name in sorted(glob.glob(pattern)):
                found += _configured(Path(name))
        elif words:
            found.append(Path(words[0]))
    return tuple(found)


class Search:
    """Finds the files of DT_NEEDED names. `root` is the folder that is the target's `/`."""

    def __init__(self, machine: int, root: Path = Path("/"), library_path: str = "") -> None:
        self.root = root
        self.library_path = [Path(word) for word in library_path.split(":") if word]
        # Debian's layout; what glibc's $LIB stands for there.
        self.lib = f"lib/{PSABIS[machine].name}-linux-gnu" if machine in PSABIS else "lib"
        folders = [*_configured(root / "etc/ld.so.conf")]
        folders += [Path("/", self.lib), Path("/usr", self.lib)] if machine in PSABIS else []
        folders += [Path("/lib64"), Path("/usr/lib64"), Path("/lib"), Path("/usr/lib")]
        self.defaults = [root / str(folder).lstrip("/") for folder in folders]

    def _expand(self, words: str, module: Module) -> Iterator[Path]:
        yield from (self._expanded(word, module) for word in words.split(":") if word)

    def _expanded(self, word: str, module: Module) -> Path:
        origin = os.path.realpath(module.path.parent)
        for name, value in (("ORIGIN", origin), ("LIB", self.lib)):
            word = word.replace(f"${name}", value).replace(f"${{{name}}}", value)
        return Path(word)

    def folders(self, chain: list[Module]) -> Iterator[Path]:
        """In order. `chain`: who needs the library, who needed that, up to the program."""
        referrer = chain[0]
        if referrer.runpath is None:
            for module in chain:
                if module.rpath and module.runpath is None:
                    yield from self._expand(module.rpath, module)
        yield from self.library_path
        if referrer.runpath is not None:
            yield from self._expand(referrer.runpath, referrer)
        yield from self.defaults

    def find(self, name: str, chain: list[Module]) -> Path | None:
        if "/" in name:
            path = self._expanded(name, chain[0])
            return path if os.path.isfile(path) else None
        for folder in self.folders(chain):
            path = folder / name
            if self._fits(path, chain[-1]):
                return path
        return None

    @staticmethod
    def _fits(path: Path, program: Module) -> bool:
        """A file of the same class and machine: others are passed over, as ld.so does."""
        try:
            if not path.is_file():
                return False
            with path.open("rb") as file:
                head = file.read(20)
        except OSError:
            return False
        return head[:6] == IDENT[:6] and int.from_bytes(head[18:20], "little") == program.machine


def same_file(path: Path) -> tuple[int, int]:
    """Equal for two names of one file."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})") from error
    return status.st_dev, status.st_ino

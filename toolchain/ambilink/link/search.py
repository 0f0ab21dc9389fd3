"""Where a Linux machine has its libraries: the rules of ld.so(8), for a glibc or a musl system."""

import glob
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ambilink.link.image import Image

_MACHINES = {62: "x86_64", 183: "aarch64", 243: "riscv64"}


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
        name = _MACHINES.get(machine, "")
        folders = [*_configured(root / "etc/ld.so.conf")]
        for top in ("lib", "usr/lib"):
            folders += [Path("/", top, f"{name}-linux-gnu")] if name else []
        folders += [Path("/lib64"), Path("/usr/lib64"), Path("/lib"), Path("/usr/lib")]
        self.defaults = [root / str(folder).lstrip("/") for folder in folders]

    def _expand(self, words: str, image: Image) -> Iterator[Path]:
        origin = str(image.path.parent.resolve())
        for word in words.split(":"):
            if word:
                yield Path(
                    word.replace("$ORIGIN", origin)
                    .replace("${ORIGIN}", origin)
                    .replace("$LIB", "lib/x86_64-linux-gnu")
                    .replace("${LIB}", "lib/x86_64-linux-gnu")
                )

    def folders(self, chain: list[Image]) -> Iterator[Path]:
        """In order. `chain`: who needs the library, who needed that, up to the program."""
        referrer = chain[0]
        if referrer.runpath is None:
            for image in chain:
                if image.rpath and image.runpath is None:
                    yield from self._expand(image.rpath, image)
        yield from self.library_path
        if referrer.runpath is not None:
            yield from self._expand(referrer.runpath, referrer)
        yield from self.defaults

    def find(self, name: str, chain: list[Image]) -> Path | None:
        if "/" in name:
            path = next(self._expand(name, chain[0]))
            return path if path.is_file() else None
        for folder in self.folders(chain):
            path = folder / name
            if self._fits(path, chain[-1]):
                return path
        return None

    @staticmethod
    def _fits(path: Path, program: Image) -> bool:
        """A file of the same class and machine: others are passed over, as ld.so does."""
        try:
            with path.open("rb") as file:
                head = file.read(20)
        except OSError:
            return False
        return head[:6] == b"\x7fELF\x02\x01" and int.from_bytes(head[18:20], "little") == program.machine


def same_file(path: Path) -> tuple[int, int]:
    """Equal for two names of one file."""
    status = os.stat(path)
    return status.st_dev, status.st_ino

"""Where a Linux machine has its libraries: the rules of ld.so(8) for a glibc system."""

import glob
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ambilink.elf.layout import IDENT
from ambilink.elf.psabi import PSABIS
from ambilink.errors import AmbilinkError
from ambilink.link import loader_cache
from ambilink.link.module import Module
from ambilink.link.processor import Processor, of_this_machine

# A name in braces, or one that no letter, digit or _ follows.
TOKEN = re.compile(r"\$(?:(ORIGIN|PLATFORM|LIB)(?![A-Za-z0-9_])|\{(ORIGIN|PLATFORM|LIB)\})")
CURRENT = ""  # the current folder, of an empty element


@cache
def _configured(config: Path) -> tuple[str, ...]:
    """The folders of an ld.so.conf(5), with what it includes."""
    found: list[str] = []
    if not config.is_file():
        return ()
    for line in config.read_text(errors="replace").splitlines():
        words = line.split("#")[0].split()
        if len(words) == 2 and words[0] == "include":
            pattern = words[1] if words[1].startswith("/") else str(config.parent / words[1])
            for name in sorted(glob.glob(pattern)):
                found += _configured(Path(name))
        elif words:
            found.append(words[0])
    return tuple(found)


@cache
def _cache(path: Path) -> loader_cache.LoaderCache | None:
    return loader_cache.read(path)


class Search:
    """Finds the files of DT_NEEDED names. `root` is the folder that is the target's `/`; `processor` is by default this
    machine's."""

    def __init__(
        self, machine: int, root: Path = Path("/"), library_path: str = "", processor: Processor | None = None
    ) -> None:
        self.root = root
        self.machine = PSABIS[machine].name if machine in PSABIS else ""
        self.processor = processor or of_this_machine(self.machine)
        self.library_path = re.split("[:;]", library_path) if library_path else []
        # What $LIB stands for: Debian's layout, or that of most others.
        self.lib = next((lib for lib in (f"lib/{self.machine}-linux-gnu", "lib64") if (root / lib).is_dir()), "lib")
        self.system = list(dict.fromkeys([f"/{self.lib}", f"/usr/{self.lib}", "/lib", "/usr/lib"]))
        self.cache = _cache(root / "etc/ld.so.cache")

    def _origin(self, module: Module, program: Module) -> str:
        """The folder that a file was found in; of a program the kernel knows where it lies."""
        if module is program and module.interpreter:
            return os.path.dirname(os.path.realpath(module.path))
        return os.path.dirname(os.path.join(os.getcwd(), module.path))

    def _expanded(self, text: str, module: Module, program: Module) -> str | None:
        """None: a token in it stands for nothing that is known."""
        values = {"PLATFORM": self.processor.platform, "LIB": self.lib}
        if "ORIGIN" in text:
            values["ORIGIN"] = self._origin(module, program)
        if any(values[match[1] or match[2]] is None for match in TOKEN.finditer(text)):
            return None
        return TOKEN.sub(lambda match: str(values[match[1] or match[2]]), text)

    def _folders(self, words: list[str], module: Module, program: Module) -> Iterator[str]:
        for word in words:
            folder = self._expanded(word, module, program)
            if folder is not None:
                yield folder or CURRENT

    def _of(self, path: str | None, module: Module, program: Module) -> Iterator[str]:
        """The folders of an RPATH or RUNPATH; an empty one has none."""
        return self._folders(path.split(":") if path else [], module, program)

    def _in(self, folder: str, name: str) -> Iterator[Path]:
        for level in self.processor.levels:
            yield Path(folder, "glibc-hwcaps", level, name)
        for subfolder in self.processor.old_subfolders:
            yield Path(folder, subfolder, name)
        yield Path(folder, name)

    def _within_root(self, path: str) -> str:
        return path if self.root == Path("/") else str(self.root / path.lstrip("/"))

    def _asked_for(self, chain: list[Module]) -> Iterator[str]:
        referrer, program = chain[0], chain[-1]
        if referrer.runpath is None:
            for module in chain:
                if module.runpath is None:
                    yield from self._of(module.rpath, module, program)
        yield from self._folders(self.library_path, program, program)
        yield from self._of(referrer.runpath, referrer, program)

    def _configured(self, name: str, bare: bool) -> Iterator[Path]:
        """What the machine's configuration knows; `bare`: but for the folders that every system has."""
        if self.cache is None:
            for folder in _configured(self.root / "etc/ld.so.conf"):
                if not (bare and folder in self.system):
                    yield from self._in(self._within_root(folder), name)
            return
        found = self.cache.find(name, self.machine, list(self.processor.levels))
        if found and not (bare and found.startswith(tuple(f"{folder}/" for folder in self.system))):
            yield Path(self._within_root(found))

    def places(self, name: str, chain: list[Module]) -> Iterator[Path]:
        """Where to look, in order. `chain`: who needs the library, who needed that, up to the program."""
        for folder in self._asked_for(chain):
            yield from self._in(folder, name)
        bare = chain[0].no_default_libraries
        yield from self._configured(name, bare)
        for folder in [] if bare else self.system:
            yield from self._in(self._within_root(folder), name)

    def find(self, name: str, chain: list[Module]) -> Path | None:
        program = chain[-1]
        expanded = self._expanded(name, chain[0], program)
        if expanded is None:
            return None
        if "/" in expanded:
            return Path(expanded) if os.path.exists(expanded) else None
        interpreter = program.interpreter
        if interpreter and expanded == os.path.basename(interpreter):
            own = Path(self._within_root(interpreter))  # it is there before all others
            if own.exists():
                return own
        return next((path for path in self.places(expanded, chain) if _is_taken(path, program)), None)


def _is_taken(path: Path, program: Module) -> bool:
    """ELF files of another class or machine are passed over; what is no ELF file is taken, and refused by its name."""
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except IsADirectoryError:
        return True
    except OSError:
        return False
    if head[:4] != IDENT[:4]:
        return True
    return head[4] == IDENT[4] and int.from_bytes(head[18:20], "little") == program.machine


def same_file(path: Path) -> tuple[int, int]:
    """Equal for two names of one file."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})") from error
    return status.st_dev, status.st_ino

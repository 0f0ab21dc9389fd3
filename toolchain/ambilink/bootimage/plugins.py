"""Libraries that take symbols from who uses them: each program of an image must have what its libraries lack."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage.manifest import Manifest
from ambilink.elf.inspect import ElfInfo, inspect
from ambilink.errors import AmbilinkError


@dataclass(frozen=True)
class User:
    """A program, or a library that programs open."""

    name: str
    place: object  # of the manifest
    path: Path
    preload: Sequence[str] = ()


def closure(first: Iterable[Path], folder: Path) -> dict[Path, ElfInfo]:
    """These and what they need."""
    found: dict[Path, ElfInfo] = {}
    waiting = list(first)
    while waiting:
        path = waiting.pop(0)
        if path not in found and path.is_file():
            found[path] = inspect(path)
            names = [*found[path].needed, *(name for name, _ in found[path].filtees)]
            waiting += [folder / name for name in names]
    return found


def _defined(infos: Iterable[ElfInfo]) -> set[str]:
    return set[str]().union(*(info.defined for info in infos))


def check_undefined(manifest: Manifest, programs: Sequence[User], folder: Path) -> None:
    """Raise AmbilinkError for a symbol that a library lacks, and that no user of it has. What programs open by
    themselves may find it in any program, and in what else is opened."""
    closures = {user: closure([user.path, *(folder / name for name in user.preload)], folder) for user in programs}
    defined = {user: _defined(found.values()) for user, found in closures.items()}
    for user, found in closures.items():
        for info in found.values():
            for symbol in sorted(info.undefined - defined[user])[:1]:
                raise AmbilinkError(
                    user.place,
                    f"{info.path.name} needs {symbol}, and neither {user.name} nor a library of it defines that",
                    f"give the program's Service exports=[{symbol!r}], or it a library that defines the symbol",
                )
    opened = closure((folder / name for name in manifest.libraries), folder)
    also = _defined(opened.values())
    for info in opened.values():
        lacking = info.undefined - also
        if not lacking or any(lacking <= found for found in defined.values()):
            continue
        symbol = min(lacking.difference(*defined.values()) or lacking)
        raise AmbilinkError(
            manifest.place("library", info.path.name),
            f"{info.path.name} needs {symbol}, and no program of the image exports that, nor does another library",
            f"give the Service that opens it exports=[{symbol!r}]",
        )

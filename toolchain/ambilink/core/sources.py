"""Where the C sources of the linker core are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ambilink.errors import AmbilinkError
from ambilink.sources import system_folder

HERE = Path(__file__).parent


class CoreUnavailable(AmbilinkError):
    """There is no linker core here; what wants it must do without, and say so."""


@dataclass(frozen=True)
class Sources:
    files: tuple[Path, ...]
    includes: tuple[Path, ...]

    @property
    def all_files(self) -> list[Path]:
        """With headers: all that decides what is compiled."""
        headers = [path for folder in self.includes for path in folder.rglob("*.h")]
        headers += [path for folder in {file.parent for file in self.files} for path in folder.glob("*.h")]
        return sorted({*self.files, *headers})


@contextmanager
def as_unavailable() -> Iterator[None]:
    """What is missing for the core, and is an error of its own elsewhere."""
    try:
        yield
    except AmbilinkError as error:
        raise CoreUnavailable(error.where, error.rule, error.remedy) from error


def rtld_folder(package: Path = HERE.parent) -> Path:
    with as_unavailable():
        return system_folder(package) / "libs/rtld"


def core_sources(rtld: Path) -> Sources:
    """The core's, and this folder's side of it."""
    return Sources(
        (*sorted(HERE.glob("*.c")), *sorted((rtld / "src").glob("*.c"))), (rtld / "freestanding", rtld / "include")
    )

"""Where the C sources of the linker core are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ambilink.compile.host_library import HostLibrary
from ambilink.errors import AmbilinkError
from ambilink.sources import system_folder

HERE = Path(__file__).parent
CORE_MACHINES = ("x86_64", "aarch64", "riscv64")


class CoreUnavailable(AmbilinkError):
    """There is no linker core here; what wants it must do without, and say so."""


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


def core_sources(rtld: Path) -> HostLibrary:
    """The core's, and this folder's side of it."""
    files = (*sorted(HERE.glob("*.c")), *sorted((rtld / "src").glob("*.c")))
    return HostLibrary("linker core", "core", CORE_MACHINES, files, (rtld / "freestanding", rtld / "include"))

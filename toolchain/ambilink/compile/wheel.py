"""The ziglang wheel: compiler, linker, and the sources of musl and of the compiler's run-time."""

import importlib.metadata
import importlib.util
from pathlib import Path

from ambilink.errors import AmbilinkError

PACKAGE = "ziglang"


def wheel_folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise AmbilinkError(PACKAGE, "the package with musl is not installed", f"pip install {PACKAGE}==0.14.1")
    return Path(next(iter(spec.submodule_search_locations)))


def wheel_version() -> str:
    return importlib.metadata.version(PACKAGE)

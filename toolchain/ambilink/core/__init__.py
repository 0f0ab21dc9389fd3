"""The linker core (libs/rtld) on the development machine: compiled once for each user, called through ctypes.

`load_linker()` is what the commands call. sources.py finds the C sources, library.py compiles it, linker.py calls it.
"""

from functools import cache

from ambilink.core.library import core_library
from ambilink.core.linker import Linker
from ambilink.core.sources import CoreUnavailable

__all__ = ["CoreUnavailable", "Linker", "load_linker"]


@cache
def load_linker() -> Linker:
    """Raises CoreUnavailable where it cannot be compiled, kept or loaded."""
    return Linker(core_library())

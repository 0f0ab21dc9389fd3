"""The linker core (libs/rtld) on the development machine: compiled once for each user, called through ctypes.

`linker()` is what the commands call. sources.py finds the C sources, compiled.py makes the library, linker.py calls it.
"""

from functools import cache

from ambilink.core.compiled import compiled
from ambilink.core.linker import Linker
from ambilink.core.sources import CoreUnavailable

__all__ = ["CoreUnavailable", "Linker", "linker"]


@cache
def linker() -> Linker:
    """Raises CoreUnavailable where it cannot be compiled, kept or loaded."""
    return Linker(compiled())

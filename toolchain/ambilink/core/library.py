"""The linker core as a shared library of the development machine."""

from pathlib import Path

from ambilink.compile.host_library import HostLibrary, host_library
from ambilink.core.sources import as_unavailable, core_sources, rtld_folder


def core_library(sources: HostLibrary | None = None) -> Path:
    """Compiled now if it is not there; `sources` None: the product's own."""
    with as_unavailable():
        return host_library(sources or core_sources(rtld_folder()))

"""Projects that `ambilink new` of an installed wheel makes, and builds in them with nothing else on the PATH."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Installed:
    """An environment with the wheel; the checkout is not on its path, and on its PATH is nothing but sh."""

    python: Path
    home: Path
    cache: Path

    def run(self, folder: Path, *words: str, expect: int = 0, compilers: str = "") -> str:
        """`compilers`: more folders for the PATH."""
        path = f"{self.python.parent}:{self.home / 'bin'}:{compilers}".rstrip(":")
        variables = {"PATH": path, "HOME": str(self.home), "AMBILINK_CACHE": str(self.cache)}
        # The linker core and the compiler's run-time are kept there, by what they were made of.
        variables["XDG_CACHE_HOME"] = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        done = subprocess.run(
            [self.python, "-m", *words], cwd=folder, env=variables, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def new(self, folder: Path, *words: str, expect: int = 0) -> str:
        return self.run(folder, "ambilink", "new", *words, expect=expect)

    def scons(self, folder: Path, *words: str, expect: int = 0, compilers: str = "") -> str:
        return self.run(folder, "SCons", "-Q", *words, expect=expect, compilers=compilers)


@pytest.fixture(scope="session")
def installed(wheel_python, build_cache, tmp_path_factory) -> Installed:
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    (home / "bin/sh").symlink_to("/bin/sh")  # by which SCons runs commands
    return Installed(wheel_python, home, build_cache)

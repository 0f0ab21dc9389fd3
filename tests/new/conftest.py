"""Projects that `ambilink new` of an installed wheel makes, and builds in them with nothing else on the PATH."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Installed:
    """An environment with the wheel; the checkout is not on its path, and no compiler on its PATH."""

    python: Path
    cache: Path

    def run(self, folder: Path, *words: str, expect: int = 0) -> str:
        variables = {"PATH": str(self.python.parent), "HOME": str(folder), "AMBILINK_CACHE": str(self.cache)}
        done = subprocess.run(
            [self.python, "-m", *words], cwd=folder, env=variables, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def new(self, folder: Path, *words: str, expect: int = 0) -> str:
        return self.run(folder, "ambilink", "new", *words, expect=expect)

    def scons(self, folder: Path, *words: str, expect: int = 0) -> str:
        return self.run(folder, "SCons", "-Q", *words, expect=expect)


@pytest.fixture(scope="session")
def installed(wheel_python, tmp_path_factory) -> Installed:
    # The cache of the whole test run, where one is set: musl is then compiled once.
    cache = os.environ.get("AMBILINK_CACHE") or tmp_path_factory.mktemp("cache")
    return Installed(wheel_python, Path(cache))

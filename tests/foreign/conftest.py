"""Fern, built in a temporary folder from the installed wheel."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.new.conftest import Installed, installed  # noqa: F401 (a fixture)

PROJECT = Path(__file__).parent / "project"


@dataclass
class Fern:
    folder: Path
    installed: Installed
    output: str

    @property
    def build(self) -> Path:
        (folder,) = (self.folder / "build").glob("x86_64-*fern*")
        return folder

    def ambilink(self, *words: str) -> str:
        """The command, with the machine's programs on the PATH: QEMU is one."""
        command = [self.installed.python, "-m", "ambilink", *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def boot(self, machine: str) -> str:
        image = str(self.build / "fern.img")
        return self.ambilink("boot", "--memory", "32", "--profile", "fern.toml", "--machine", machine, image)


@pytest.fixture(scope="session")
def fern(installed, tmp_path_factory) -> Fern:  # noqa: F811
    folder = tmp_path_factory.mktemp("foreign") / "fern"
    shutil.copytree(PROJECT, folder)
    return Fern(folder, installed, installed.scons(folder))

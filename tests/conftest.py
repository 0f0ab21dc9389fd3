"""Fixtures that every kind of test shares. `./scons test` says what was built, and where, by environment."""

import os
import shutil
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "toolchain"))


@pytest.fixture(scope="session")
def top() -> Path:
    return TOP


@pytest.fixture(scope="session")
def build() -> Path:
    """The build folder: kernel, lib/, services/, boot.img."""
    path = Path(os.environ.get("AMBILINK_BUILD", TOP / "build/x86_64"))
    assert (path / "boot.img").is_file(), f"{path} holds no boot image: run the tests by ./scons test"
    return path


@pytest.fixture(scope="session")
def toolset():
    """The compiler that the build used."""
    from ambilink.compile.toolset import load_toolset

    return load_toolset(os.environ.get("AMBILINK_COMPILER", "hermetic"), os.environ.get("AMBILINK_TARGET", "x86_64"))


@pytest.fixture(params=["emulator", "qemu"])
def machine(request) -> str:
    if request.param == "qemu" and shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    return request.param

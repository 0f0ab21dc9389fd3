"""Fixtures that every kind of test shares. `./scons test` says what was built, and where, by environment."""

import os
import shutil
import subprocess
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


@pytest.fixture(scope="session")
def build_cache() -> Path:
    """A cache for trees that need libc: it is compiled once for all of them, and kept for the next run."""
    return Path(os.environ.get("AMBILINK_TEST_CACHE", TOP / "build/.ambilink/test-cache"))


@pytest.fixture(params=["emulator", "qemu"])
def machine(request) -> str:
    if request.param == "qemu" and shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    return request.param


@pytest.fixture(scope="session")
def wheel_python(top, tmp_path_factory) -> Path:
    """Python of an environment in which the wheel is installed; what it depends on is this environment's."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(top / "toolchain", source / "toolchain", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(top / "pyproject.toml", source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    offline = ["--no-index", "--no-deps"]
    subprocess.run([*pip, "wheel", *offline, "--no-build-isolation", "-w", folder, source], check=True)
    (wheel,) = folder.glob("ambilink-*.whl")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    # A path in such a file is searched, and the .pth files in it are not read: the checkout stays out.
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(here) + "\n")
    python = venv / "bin/python"
    subprocess.run([*pip, "--python", python, "install", *offline, wheel], check=True)
    return python

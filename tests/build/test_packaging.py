"""What the wheel and the sdist hold."""

import email
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.conftest import copy_sources, make_wheel

SDIST = "import setuptools.build_meta as backend; print(backend.build_sdist({folder!r}))"


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    sources = copy_sources(folder / "source")
    words = [sys.executable, "-c", SDIST.format(folder=str(folder))]
    subprocess.run(words, cwd=sources, check=True, capture_output=True)
    (path,) = folder.glob("ambilink-*.tar.gz")
    return path


def names(wheel) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def tracked(top, *folders: str) -> set[str]:
    if not (top / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no checkout of git's, or git is not installed: what belongs to it is not known")
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(words, cwd=top, capture_output=True, text=True, check=True).stdout.split("\n")
    return {name for name in listed if name and (top / name).is_file()}


def test_the_wheel_has_every_source_and_nothing_else(top, wheel):
    found = {name for name in names(wheel) if ".dist-info/" not in name}
    system = {f"ambilink/system/{name}" for name in tracked(top, "libs", "services", "boot")}
    package = {name.removeprefix("toolchain/") for name in tracked(top, "toolchain/ambilink")}
    assert found == system | package


def test_the_sdist_has_every_file(top, sdist):
    with tarfile.open(sdist) as archive:
        found = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    made = {"PKG-INFO", "setup.cfg"}
    assert {name for name in found - made if ".egg-info/" not in name} == tracked(top)


def test_a_wheel_of_the_sdist_is_the_same(wheel, sdist, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (sources,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert make_wheel(sources, tmp_path).read_bytes() == wheel.read_bytes()


def test_a_wheel_is_the_same_elsewhere_and_later(wheel, tmp_path):
    """Under another umask, at another time, in another folder, after a build that left its outputs."""
    sources = copy_sources(tmp_path / "another/place")
    for path in sources.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        if path.is_file():
            path.chmod(0o600)
    for name in ("libs/rtld/src/link.o", "libs/c/__pycache__/x.pyc", "build/lib/ambilink/stale.py", "boot/.sconsign"):
        (sources / name).parent.mkdir(parents=True, exist_ok=True)
        (sources / name).write_text("stale")
    before = os.umask(0o077)
    try:
        again = make_wheel(sources, tmp_path)
    finally:
        os.umask(before)
    assert again.read_bytes() == wheel.read_bytes()


def test_the_metadata(wheel, top):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        head, _, description = archive.read(name).decode().partition("\n\n")
        data = email.message_from_string(head)
        (licence,) = (name for name in archive.namelist() if name.endswith("/licenses/LICENSE"))
        assert archive.read(licence) == (top / "LICENSE").read_bytes()
    import ambilink

    assert data["Name"] == "ambilink" and data["Version"] == ambilink.__version__
    assert data["License-Expression"] == "MIT" and "Ambilink contributors" in data["Author"]
    assert data["Description-Content-Type"] == "text/markdown" and description == (top / "README.md").read_text()
    needed = {line.split(";")[0].strip() for line in data.get_all("Requires-Dist") if "extra ==" not in line}
    plain = {line for line in needed if not line.startswith(("unicorn==", "ziglang=="))}
    assert len(needed) == len(plain) + 2 and all("==" not in line and "<" in line for line in plain)
    assert not any(line.startswith(("lief", "pytest", "hypothesis", "mypy")) for line in needed)
    assert all(key in data for key in ("Summary", "Keywords", "Requires-Python", "Classifier"))


def test_twine_accepts_both(wheel, sdist):
    if importlib.util.find_spec("twine") is None:
        pytest.skip("twine is not installed (pip install twine)")
    words = [sys.executable, "-m", "twine", "check", "--strict", wheel, sdist]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout

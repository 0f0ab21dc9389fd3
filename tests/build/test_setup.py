"""`./scons`: the shared packages and the environment of each checkout, with a lock of two small wheels of our own."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

# Stands for SCons: says whose packages and whose tool it runs with.
SCONS = """\
import sys
import SCons, tool
from big import data
print("packages", SCons.__file__.rpartition("/SCons/")[0])
print("tool", tool.NAME, tool.__file__)
print("words", sys.argv[1:])
def main(): print("the command")
if __name__ == "__main__": sys.exit(0)
"""
LARGE = "big/data.py"


def make_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> str:
    """A line of a lock for it."""
    info = f"{name}-{version}.dist-info"
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@dataclass
class World:
    """Checkouts of one user."""

    folder: Path
    top: Path
    lock: str

    @property
    def wheels(self) -> Path:
        return self.folder / "wheels"

    def checkout(self, name: str) -> Path:
        folder = self.folder / name
        shutil.copytree(self.top / "toolchain/ambilink/incremental", folder / "toolchain/ambilink/incremental")
        shutil.copy(self.top / "scons", folder)
        (folder / "toolchain/tool.py").write_text(f"NAME = {name!r}\n")
        (folder / "requirements.lock").write_text(self.lock)
        return folder

    def start(self, checkout: Path, **more: str) -> subprocess.Popen[str]:
        own = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", **more}
        words = [sys._base_executable, str(checkout / "scons"), "-j2"]  # type: ignore[attr-defined]
        pipe = subprocess.PIPE
        return subprocess.Popen(words, cwd=checkout, env=own, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def run(self, checkout: Path, **more: str) -> str:
        process = self.start(checkout, **more)
        said = process.communicate(timeout=120)[0]
        assert process.returncode == 0, said
        return said

    @property
    def shared(self) -> Path:
        (path,) = (path for path in (self.folder / ".cache/ambilink/environments").iterdir() if path.is_dir())
        return path


@pytest.fixture
def world(top, tmp_path) -> World:
    return make_world(top, tmp_path)


def make_world(top: Path, folder: Path) -> World:
    entry = {"scons-0.dist-info/entry_points.txt": "[console_scripts]\nscons = SCons.__main__:main [extra]\n"}
    files = {"SCons/__init__.py": "", "SCons/__main__.py": SCONS, **entry}
    lock = make_wheel(folder / "wheels", "scons", "0", files)
    lock += make_wheel(folder / "wheels", "big", "0", {"big/__init__.py": "", LARGE: "#" * (2 << 20)})
    return World(folder, top, lock)


@pytest.fixture(scope="module")
def installed(top, tmp_path_factory) -> World:
    """A checkout was set up here from a folder of wheels, without a network; tests get copies of what is shared."""
    world = make_world(top, tmp_path_factory.mktemp("installed"))
    said = world.run(world.checkout("first"), AMBILINK_WHEELS=str(world.wheels))
    assert "installing the packages" in said and f"packages {world.shared}" in said
    return world


@pytest.fixture
def first(world, installed) -> Path:
    """A checkout, its packages being there."""
    world.lock = installed.lock
    shutil.rmtree(world.wheels)  # what follows may not install anything again, unless it says so
    shutil.copytree(installed.folder / ".cache", world.folder / ".cache")
    checkout = world.checkout("first")
    assert f"packages {world.shared}" in world.run(checkout)
    return checkout


def test_checkouts_share_packages_and_not_their_tools(world, first):
    second = world.checkout("second")
    said = world.run(second)
    assert "installing" not in said
    assert f"packages {world.shared}/site-packages" in said and f"tool second {second}/toolchain/tool.py" in said
    (second / "toolchain/tool.py").write_text("NAME = 'changed'\n")
    assert "tool changed" in world.run(second) and "tool first" in world.run(first)


def test_a_renamed_checkout_is_set_up(world, first):
    moved = first.rename(world.folder / "moved and renamed")
    stamp = (moved / ".venv/environment").stat().st_mtime_ns
    assert f"tool first {moved}/toolchain/tool.py" in world.run(moved)
    assert (moved / ".venv/environment").stat().st_mtime_ns == stamp
    done = subprocess.run([moved / ".venv/bin/scons"], capture_output=True, text=True)
    assert "the command" in done.stdout, done.stderr


def test_the_lock_decides_which_packages(world, first):
    (first / "requirements.lock").write_text(world.lock + "# another\n")
    process = world.start(first, AMBILINK_WHEELS=str(world.folder / "nowhere"))
    assert "nowhere, which is no folder" in process.communicate()[0] and process.returncode == 1
    (first / "requirements.lock").write_text(world.lock)
    assert "installing" not in world.run(first)


def damage(world: World, how: str) -> None:
    file = world.shared / "site-packages" / LARGE
    if how == "a file was cut":
        file.write_text("#")
    elif how == "a package was removed":
        shutil.rmtree(file.parent)
    elif how == "it was never completed":
        (world.shared / "complete.json").unlink()
    else:
        (world.shared / "watched.json").write_text("{")


@pytest.mark.parametrize(
    "how", ["a file was cut", "a package was removed", "it was never completed", "its list is damaged"]
)
def test_damaged_packages_are_installed_again(world, installed, first, how):
    damage(world, how)
    left = world.shared.with_name(world.shared.name + ".part-killed")
    left.mkdir()
    said = world.run(first, AMBILINK_WHEELS=str(installed.wheels))
    assert "is damaged, and is made anew" in said and "tool first" in said and not left.exists()
    assert "installing" not in world.run(first)


def test_a_set_up_that_fails_leaves_nothing(world):
    checkout = world.checkout("first")
    next(world.wheels.glob("big-*")).write_bytes(b"another file")
    process = world.start(checkout, AMBILINK_WHEELS=str(world.wheels))
    said = process.communicate()[0]
    assert process.returncode == 1 and "set-up failed at: installing the packages" in said and "Traceback" not in said
    folder = world.folder / ".cache/ambilink/environments"
    assert [path for path in folder.iterdir() if path.is_dir()] == [] and not (checkout / ".venv").exists()


def test_two_at_the_same_time(world):
    checkouts = [world.checkout(name) for name in ("one", "two")]
    processes = [world.start(checkout, AMBILINK_WHEELS=str(world.wheels)) for checkout in checkouts]
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert sum("scons: installing the packages\n" in text for text in said) == 1
    assert sum("another checkout is installing the packages; waiting for it" in text for text in said) == 1
    assert "tool one" in said[0] and "tool two" in said[1]


def test_a_checkout_keeps_its_environment_where_caches_lie_elsewhere(world, first):
    """As in a shell with another XDG_CACHE_HOME; it is no more looked for once it is gone."""
    elsewhere = {"XDG_CACHE_HOME": str(world.folder / "elsewhere"), "AMBILINK_WHEELS": str(world.folder / "nowhere")}
    assert f"packages {world.shared}/" in world.run(first, **elsewhere)
    shutil.rmtree(world.folder / ".cache")
    process = world.start(first, **elsewhere)
    assert "nowhere, which is no folder" in process.communicate()[0] and process.returncode == 1


def test_another_folder_may_be_chosen(world):
    checkout = world.checkout("first")
    place = world.folder / "elsewhere"
    said = world.run(checkout, AMBILINK_WHEELS=str(world.wheels), AMBILINK_ENVIRONMENTS=str(place))
    assert f"packages {place}/" in said and not (world.folder / ".cache").exists()
    place.joinpath("file").write_text("")
    process = world.start(checkout, AMBILINK_ENVIRONMENTS=str(place / "file"))
    text = process.communicate()[0]
    assert process.returncode == 1 and "AMBILINK_ENVIRONMENTS names another folder" in text and "Traceback" not in text

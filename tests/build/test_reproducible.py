"""The same bytes from another folder, at another time, with another -j, by another user: the whole system."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ambilink.compile.wheel import wheel_folder


def tracked(top: Path) -> list[str]:
    """Files of the checkout, as git or, without it, as the folders have them."""
    if shutil.which("git") and (top / ".git").exists():
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=top, capture_output=True, text=True)
        if out.returncode == 0:
            return out.stdout.splitlines()
    folders = ("boot", "libs", "services", "site_scons", "tests", "toolchain")
    return [
        "SConstruct",
        "SConscript",
        *(str(path.relative_to(top)) for name in folders for path in (top / name).rglob("*") if path.is_file()),
    ]


def may_start(user: str) -> bool:
    """Whether this Python, and the packages, lie where another user may use them."""
    try:
        return subprocess.run([sys.executable, "-c", "import SCons, ziglang"], user=user, check=False).returncode == 0
    except PermissionError:
        return False


@pytest.mark.skipif(os.environ.get("AMBILINK_COMPILER", "hermetic") != "hermetic", reason="once is enough: see CI")
def test_everything_built_twice(top, build):
    """Against the build that this test runs in. As root, by another user, where he may run Python."""
    with tempfile.TemporaryDirectory(prefix="another place ") as name:
        other = Path(name, "deeper", "tree")
        for path in tracked(top):
            if (top / path).is_file():
                (other / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(top / path, other / path)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nowhere",
            "TZ": "Asia/Kathmandu",
            "LC_ALL": "C",
            "USER": "nobody",
        }
        command = [sys.executable, "-m", "SCons", "-Q", "-j3", "image"]
        user = {"umask": 0o027}
        if os.getuid() == 0 and may_start("nobody"):
            user["user"] = "nobody"
            for folder in [Path(name), *(path for path in Path(name).rglob("*"))]:
                shutil.chown(folder, "nobody")
        done = subprocess.run(command, cwd=other, env=environment, capture_output=True, text=True, **user)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        theirs = other / "build/x86_64"
        files = [path for path in theirs.rglob("*") if path.is_file()]
        assert len(files) > 1400 and theirs / "boot.img" in files and theirs / "services/loader.debug" in files
        different = [
            str(path.relative_to(theirs))
            for path in files
            if path.read_bytes() != (build / path.relative_to(theirs)).read_bytes()
        ]
        assert different == []


@pytest.mark.compiler
def test_nothing_built_names_a_folder_of_this_machine(top, build):
    """By any compiler, in debug information too: it must be the same in another folder, and for another user."""
    folders = [os.fsencode(folder) for folder in (top, wheel_folder())]
    files = [path for name in ("lib", "services", "modules") for path in (build / name).iterdir() if path.is_file()]
    files = [path for path in files if path.suffix in (".so", ".a", ".debug") and not path.name.startswith("test-")]
    assert {"libc.so.debug", "libc.a", "loader.debug"} <= {path.name for path in files}
    assert [path.name for path in files if any(folder in path.read_bytes() for folder in folders)] == []

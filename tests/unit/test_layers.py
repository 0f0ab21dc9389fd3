"""The order of the toolchain's packages: it holds, and an import the wrong way is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT = Path(sys.executable).with_name("lint-imports")


@pytest.fixture
def package(top, tmp_path) -> Path:
    """A copy of the toolchain, to be spoilt."""
    shutil.copytree(top / "toolchain", tmp_path / "toolchain", ignore=shutil.ignore_patterns("__pycache__", "*.info"))
    return tmp_path / "toolchain"


def lint(toolchain: Path) -> tuple[int, str]:
    command = [LINT, "--no-cache", "--no-logo", toolchain / "layers.toml"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONPATH": str(toolchain), "PATH": "", "COLUMNS": "200"}
    )
    return done.returncode, done.stdout + done.stderr


def test_the_order_holds(package):
    status, output = lint(package)
    assert status == 0, output


@pytest.mark.parametrize(
    "module, line, broken",
    [
        ("elf/abi.py", "import ambilink.bootimage.pack", "ambilink.elf is not allowed to import ambilink.bootimage"),
        (
            "incremental/cache.py",
            "import ambilink.scons",
            "ambilink.incremental is not allowed to import ambilink.scons",
        ),
        ("incremental/cache.py", "import ambilink.compile.musl", "ambilink.incremental is not allowed to import"),
        ("machine/qemu.py", "def late():\n    import ambilink.elf.abi", "ambilink.machine is not allowed to import"),
        ("report/build.py", "import SCons.Node", "ambilink.report.build"),
        ("novelty/__init__.py", "", "ambilink.novelty"),
    ],
)
def test_an_import_the_wrong_way_fails(package, module, line, broken):
    path = package / "ambilink" / module
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as stream:
        stream.write(f"\n{line}\n")
    status, output = lint(package)
    assert status == 1 and broken in output, output

"""The kit: the order of its units, no state of its own, and an archive that needs nothing else."""

import re
import subprocess

import pytest

from ambilink.compile.toolset import load_toolset
from tests.unit.test_hostlink_layers import INCLUDE, STANDARD, compiled, state, wrong_calls


@pytest.fixture(scope="module")
def units(top, tmp_path_factory):
    sources = sorted((top / "libs/loaderkit/src").glob("*.c"))
    return compiled(top, tmp_path_factory.mktemp("loaderkit"), sources, "libs/loaderkit/include")


def test_includes(top):
    for path in sorted((top / "libs/loaderkit").rglob("*.[ch]")):
        for name in INCLUDE.findall(path.read_text()):
            assert name in STANDARD or re.match(r"internal\.h|ambilink/start\.h|(loaderkit|hostlink|rtld)/", name), path
    for path in sorted((top / "libs/hostlink").rglob("*.[ch]")):
        assert "loaderkit" not in path.read_text()


def test_no_unit_calls_what_lies_above_it(top, units):
    assert list(wrong_calls(top / "libs/loaderkit", units)) == []


def test_no_static_state(units):
    assert state(units) == []


def test_the_archive_needs_nothing_else(build, toolset, tmp_path):
    """As a freestanding loader is linked: whole, with no C library."""
    archive = build / "lib/libloaderkit.a"
    words = ["--whole-archive", str(archive), "-e", "loader_start", "-o", str(tmp_path / "whole")]
    done = subprocess.run([*toolset.ld, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", ["aarch64", "riscv64"])
def test_it_compiles_for_each_machine(top, target):
    toolset = load_toolset("hermetic", target)
    sources = [path for name in ("loaderkit", "hostlink") for path in sorted((top / "libs" / name / "src").glob("*.c"))]
    folders = ["boot/include", *(f"libs/{name}" for name in ("loaderkit/include", "hostlink/include", "rtld/include"))]
    words = [*(f"-I{top / folder}" for folder in [*folders, "libs/rtld/freestanding"]), "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*toolset.cc, *toolset.compile_flags, *words, "-fsyntax-only", *sources], check=True)

"""A tree built by the tool for each target, as a user of it would: musl, two libraries and programs (tree/)."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ambilink.compile.toolset import load_toolset
from ambilink.errors import AmbilinkError

from .machines import TARGETS, emulator, why_not_run
from .musl_source import Unreachable, dynamic_linker

HERE = Path(__file__).parent
STATIC = ("static", "exec")  # programs of the tree


def build_tree(source: Path, folder: Path, target: str, compiler: str, cache: Path, *words: str) -> Path:
    """Copy a tree and build it; the folder of its outputs."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    toolpath = HERE.parents[1] / "site_scons/site_tools"
    command = [sys.executable, "-m", "SCons", "-Q", "-j", str(os.cpu_count() or 1), f"toolpath={toolpath}"]
    command += [f"target={target}", f"compiler={compiler}", f"cache={cache}", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return folder / "out"


@dataclass(frozen=True)
class System:
    """What was built for a target, in a folder that is the `/` of its programs."""

    target: str
    root: Path
    no_linker: str  # why there is no dynamic linker ("": there is one)

    def program(self, name: str) -> Path:
        if name not in STATIC and self.no_linker:
            pytest.skip(self.no_linker)
        path = self.root / "bin" / name
        if not path.exists():
            pytest.skip(f"the compiler makes no {name} for {self.target}")
        return path

    def command(self, name: str) -> list[str]:
        """By an emulator PT_INTERP is found below the folder; without one the dynamic linker is the command."""
        program, libraries = str(self.program(name)), str(self.root / "lib")
        if found := emulator(self.target):
            return [found, "-L", str(self.root), "-E", f"LD_LIBRARY_PATH={libraries}", program]
        return [program] if name in STATIC else [f"{libraries}/libc.so", "--library-path", libraries, program]

    def run(self, name: str) -> tuple[str, int]:
        done = subprocess.run(self.command(name), capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr, done.returncode


@pytest.fixture(scope="session")
def musl_linker(build) -> tuple[Path | None, str]:
    """The source of musl's dynamic linker, or why it cannot be had."""
    try:
        return dynamic_linker(build / "tests/musl"), ""
    except Unreachable as reason:
        return None, str(reason)


@pytest.fixture(scope="session", params=TARGETS)
def system(request, build, build_cache, musl_linker) -> System:
    target, compiler = request.param, os.environ.get("AMBILINK_COMPILER", "hermetic")
    if why := why_not_run(target):
        pytest.skip(why)
    try:
        load_toolset(compiler, target)
    except AmbilinkError as error:
        pytest.skip(str(error))
    linker, why = musl_linker
    words = [f"dynlink={linker}"] if linker else []
    words += [f"own={HERE.parents[1] / 'libs/c/src'}"]
    root = build_tree(HERE / "tree", build / f"tests/{target}", target, compiler, build_cache, *words)
    interpreter = root / f"lib/ld-musl-{target}.so.1"
    if linker and not interpreter.exists():
        interpreter.symlink_to("libc.so")
    return System(target, root, why)

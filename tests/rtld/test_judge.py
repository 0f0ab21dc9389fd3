"""The machine's own programs and libraries, linked here as its C library links them (judge.py)."""

import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import SCons

from ambilink.core import Linker

from . import judge as judge_module
from .judge import MACHINES, elf_files, judge, judge_order, make_stopper, safely

FOLDERS = [Path("/usr/bin"), Path("/usr/sbin"), Path("/usr/lib"), Path("/usr/libexec"), Path(SCons.__file__).parents[1]]
NAMED = ("python3", "git", "gdb", "cmake", "node", "perl")
SHARE = 64  # one file in so many, by its path's checksum


def share(number: int) -> Callable[[str], bool]:
    return lambda path: zlib.crc32(path.encode()) % SHARE == number


def possible(name: str):
    machine = MACHINES[name]
    if why := machine.why_not():
        pytest.skip(why)
    return machine


def check(linker: Linker, paths: list[Path], machine) -> int:
    """How many files glibc took; each of them is bound alike, by the core and by the model."""
    taken = bindings = 0
    differences = []
    for path in paths:
        verdict = safely(judge, linker, path, machine)
        taken += not verdict.skipped
        bindings += verdict.bindings
        differences += [f"{path}: {difference}" for difference in verdict.differences]
    assert not differences, "\n".join(differences)
    assert bindings > taken
    return taken


def test_a_share_of_all_files(linker):
    machine = possible("x86_64")
    paths = list(elf_files(FOLDERS, machine, share(0)))
    if not paths:
        pytest.skip(f"no program or library under {', '.join(map(str, FOLDERS))}")
    assert check(linker, paths, machine) > 0


@pytest.mark.parametrize("name", NAMED)
def test_large_programs(linker, name):
    machine = possible("x86_64")
    path = shutil.which(name, path="/usr/bin:/usr/local/bin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    path = Path(path).resolve()
    if path.read_bytes()[:4] != b"\x7fELF":
        pytest.skip(f"{path} is no ELF file")
    assert check(linker, [path], machine) == 1


@pytest.mark.parametrize("name", ["aarch64", "riscv64"])
def test_other_machines(linker, name):
    """Their glibc, under an emulator of its processor."""
    machine = possible(name)
    paths = list(elf_files([machine.root / "lib"], machine))
    assert check(linker, paths, machine) == len(paths) > 10


def test_constructors_start_in_the_same_order(linker, toolset, tmp_path):
    possible("x86_64")
    stopper = make_stopper(tmp_path, [*toolset.cc, "-target", "x86_64-linux-gnu", "-ffreestanding"], list(toolset.ld))
    programs = list(elf_files([Path("/usr/bin")], wanted=share(1)))
    verdicts = [verdict for path in programs if (verdict := safely(judge_order, path, stopper))]
    assert [verdict.differences for verdict in verdicts if verdict.differences] == []
    assert sum(verdict.constructors for verdict in verdicts) > len(verdicts) > 0


def test_the_judge_sees_a_difference(linker, monkeypatch):
    """A binding that glibc does not report, or reports with another provider, is a difference."""
    machine = possible("x86_64")
    original = judge_module.glibc_bindings

    def altered(path, machine):
        bound, undefined, why = original(path, machine)
        victim = next(each for each in bound if each[0] == judge_module.same_file(path) and each[0] != each[3])
        del bound[victim]
        bound[(*victim[:3], victim[0])] += 1
        return bound, undefined, why

    monkeypatch.setattr(judge_module, "glibc_bindings", altered)
    differences = judge(linker, Path("/usr/bin/env"), machine).differences
    assert len(differences) == 2
    assert "only ours" in differences[0] and "only glibc's" in differences[1]


def test_the_command_prints_objects_and_bindings():
    possible("x86_64")
    command = [sys.executable, "-m", "ambilink", "link", "--bindings", "/usr/bin/env"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2] / "toolchain")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("bind /usr/bin/env ") and line.endswith(" libc.so.6") for line in lines)
    assert lines[-1].endswith("bindings by the core")
    assert any(line.startswith("start: ld-linux-x86-64.so.2 libc.so.6") for line in lines)


def test_the_command_refuses(tmp_path):
    text = tmp_path / "text"
    text.write_text("no program " * 20)
    command = [sys.executable, "-m", "ambilink", "link", text]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2] / "toolchain")
    assert done.returncode != 0 and "is not a 64-bit little-endian ELF file" in done.stderr

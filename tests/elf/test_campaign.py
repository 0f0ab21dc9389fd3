"""A slice of `./scons fuzz-elf`, what it found before, and files that are no ELF files at all."""

import os
import random
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from .commands import Case, attempt, base_of
from .mutate import Recipe

CASES = 1500
FOUND = tomllib.loads(Path(__file__).with_name("found.toml").read_text())["found"]


def test_a_slice_of_the_campaign(build, tmp_path):
    """Workers are children of this process; they fork from a program of its own, not from pytest's."""
    command = [sys.executable, Path(__file__).with_name("run.py"), build, "--count", str(CASES), "--first", "1"]
    done = subprocess.run([*command, "--findings", tmp_path / "findings.jsonl"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    total = next(line.split() for line in done.stdout.splitlines() if line.startswith("all "))
    assert int(total[1].replace(",", "")) > 0.9 * CASES and total[4] == "0"


@pytest.mark.parametrize("found", FOUND, ids=lambda found: f"{found['command']}: {found['damage'][:40]}")
def test_what_was_found(found, build, tmp_path):
    base = base_of(build, found["file"])
    if base is None:
        pytest.skip(f"no {found['file']} here")
    recipe = Recipe.parse(found["damage"])
    data = recipe.apply(base)
    if data is None:
        pytest.skip(f"{base} has no such field")
    started = time.process_time()
    attempt(found["command"], Case(build, tmp_path, random.Random(0), base, recipe, data))
    assert time.process_time() - started < 3


def test_a_traceback_a_hang_and_memory_are_findings(build, tmp_path, monkeypatch):
    """What watches the cases notices each kind."""
    code = (
        "import sys, signal, pathlib; sys.path[:0] = sys.argv[2:]\n"
        "from tests.elf import commands, run\n"
        "for number in (signal.SIGPROF, signal.SIGALRM): signal.signal(number, run._ring)\n"
        "def spin(case):\n    while True: pass\n"
        "def grow(case): return len(bytearray(3 << 30))\n"
        "def fall(case): return {}['x']\n"
        "def lie(case): return 3\n"
        "def die(case): import os; os.kill(os.getpid(), 11)\n"
        "for name, function in zip(run.NAMES, (spin, grow, fall, lie)):\n"
        "    run.COMMANDS[name] = commands.Command(function, (), 1, 0.2)\n"
        "    print(run.examine(name, None)[1].splitlines()[-1])\n"
        "run.COMMANDS['boot'] = commands.Command(die, (), 1, 1, True)\n"
        "print(run.examine('boot', None)[1])\n"
    )
    top = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code, "x", str(top / "toolchain"), str(top)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(top)})
    first, *others = done.stdout.splitlines()
    assert first.startswith("tests.elf.run.Hang: hangs"), done.stderr  # on a busy computer by the clock
    assert others == [
        "MemoryError",
        "KeyError: 'x'",
        "AssertionError: exit status 3",
        "the process died: -11",
    ], done.stderr


def ambilink(*words, cwd=None):
    command = [sys.executable, "-m", "ambilink", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


@pytest.mark.parametrize(
    "words", [["link"], ["abi", "show"], ["abi", "stub", "--output", "x"], ["image", "ls"], ["boot"]]
)
def test_what_is_no_file(words, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").write_bytes(b"")
    for name, rule in (
        ("absent", "cannot be read (No such file or directory)"),
        ("folder", "is a folder; give a file"),
        ("fifo", "is no regular file; give a file"),
        ("/dev/zero", "is no regular file; give a file"),
        ("empty", ""),
    ):
        done = ambilink(*words, tmp_path / name, cwd=tmp_path)
        if words[0] == "abi" and name == "empty":
            continue  # the text of an ABI without symbols
        assert done.returncode == (1 if name == "empty" else 2) and "Traceback" not in done.stderr, done.stderr
        assert f": {tmp_path / name}{': ' if name == 'empty' else f' {rule}'}" in done.stderr

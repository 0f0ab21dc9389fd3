"""Damaged files are refused or linked, never crashed on. Each slice runs in a process of its own, with the
file's last byte before a page that cannot be touched, so that a read beyond the end is a crash."""

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import host_library

HERE = Path(__file__).parent
ROUNDS = 4000


@pytest.mark.parametrize("seed", range(4))
def test_mutations(build, seed):
    library = host_library(build)
    files = [build / f"lib/lib{name}.so" for name in ("colour", "shape", "c", "posix", "ipc", "sys")]
    done = subprocess.run(
        [sys.executable, HERE / "mutate.py", library, str(seed), str(ROUNDS), *files],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"seed {seed}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    linked, refused = (int(word) for word in done.stdout.split()[-2:])
    assert linked + refused == ROUNDS
    assert linked > ROUNDS // 50 and refused > ROUNDS // 4  # the mutations reach deep, and are noticed

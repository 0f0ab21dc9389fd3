"""Breakpoints, general detect and int1 raise #DB as the manual says; what the helper alone has is warned of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ambilink.machine.emulator import native

TOP = Path(__file__).resolve().parents[2]
WITH_HELPER = """\
instruction: #DB at 1, DR6 0xffff0ff1, 6 instructions
write: #DB at 7, DR6 0xffff0ff1, 6 instructions
write, second of a block: #DB at 14, DR6 0xffff0ff1, 7 instructions
unaligned write: #DB at 8, DR6 0xffff0ff1, 6 instructions
read of what must be written: #DB at none, DR6 0xffff0ff0, 7 instructions
read: #DB at 7, DR6 0xffff0ff1, 6 instructions
unaligned read that ends before: #DB at none, DR6 0xffff0ff0, 7 instructions
read of the word before: #DB at none, DR6 0xffff0ff0, 7 instructions
write into the next page: #DB at 8, DR6 0xffff0ff1, 6 instructions
fxsave: #DB at 8, DR6 0xffff0ff1, 6 instructions
x87: #DB at 7, DR6 0xffff0ff1, 6 instructions
push: #DB at 6, DR6 0xffff0ff1, 7 instructions
xchg: #DB at 7, DR6 0xffff0ff1, 6 instructions
off: #DB at none, DR6 0xffff0ff0, 7 instructions
general detect: #DB at 0, DR6 0xffff2ff0, 6 instructions
int1: #DB at 2, DR6 0xffff0ff0, 7 instructions
"""


def run(**more: str) -> list[str]:
    values = {**os.environ, "PYTHONPATH": str(TOP / "toolchain"), **more}
    done = subprocess.run(
        [sys.executable, TOP / "tests/unit/debug_run.py"], env=values, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_debug_registers():
    if reason := native.missing():
        pytest.skip(f"there is no native helper ({reason})")
    assert run() == WITH_HELPER.splitlines()


def test_debug_registers_without_the_helper():
    lines = {name: rest for name, _, rest in (line.partition(": ") for line in run(AMBILINK_EMULATOR="python"))}
    wanted = {name: rest for name, _, rest in (line.partition(": ") for line in WITH_HELPER.splitlines())}
    for name in ("instruction", "off", "int1"):
        assert lines[name] == wanted[name]
    assert "#DB at none" in lines["write"] and "the guest set a breakpoint of data in DR7" in lines["write"]
    assert "#DB at none" in lines["general detect"] and "the guest set general detect in DR7" in lines["general detect"]

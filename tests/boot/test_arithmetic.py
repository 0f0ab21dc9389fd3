"""musl's functions, conversions of numbers and rounding modes give in a system what they give on this machine."""

import platform
import subprocess

import pytest

from ambilink.machine.emulator import native
from ambilink.machine.model import Verdict
from tests.arithmetic import functions

NAME = "functions"


def test_a_program_computes_what_it_computes_on_linux(system, tmp_path):
    if platform.machine() != "x86_64":
        pytest.skip("this machine's processor is the judge, and is no x86-64 one")
    if not functions.can_build():
        pytest.skip("no musl-gcc here (Debian: apt install musl-tools)")
    if reason := native.missing():
        pytest.skip(f"the emulator has no native helper here: {reason}")
    program = functions.build(tmp_path)
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    system.program(NAME, program=str(program), calls="linux", arguments=[], opens=[])
    result = system.boot("emulator", memory_megabytes=128)
    assert result.outcome.verdict is Verdict.PASS, result.failures
    linux = functions.lines_of(done.stdout.splitlines())
    assert len(linux) > 240
    prefix = f"{NAME}: "
    printed = [line.removeprefix(prefix) for line in result.outcome.text if line.startswith(prefix)]
    assert functions.differing(linux, functions.lines_of(printed)) == []

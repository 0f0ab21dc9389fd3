"""Pipes, local sockets, waiting for several descriptors: what calls answer, as on Linux; what services cannot take."""

import shutil
import subprocess

import pytest

from ambilink.machine.model import Verdict

PROGRAMS = ["pipes", "sockets"]


def printed(result, program):
    return [line.removeprefix(f"{program}:")[1:] for line in result.outcome.text if line.startswith(f"{program}:")]


def test_calls_answer_as_on_linux(system, machine, top):
    system.service("files", grants=["image"]).service("tmp").service("pipes")
    names = [f"test-{program}{form}" for program in PROGRAMS for form in ("", "-static")]
    for name in names:
        system.program(name, arguments=[name], stack=1 << 17)
    result = system.boot(machine, memory_megabytes=256)
    for name in names:
        program = name.removeprefix("test-").removesuffix("-static")
        assert printed(result, name) == (top / f"tests/boot/programs/{program}.txt").read_text().splitlines()
    assert result.outcome.verdict is Verdict.PASS and not result.failures


@pytest.mark.tools
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("compiler", ["gcc", "musl-gcc"])
def test_linux_says_so(top, tmp_path, compiler, program):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    source = top / f"tests/boot/programs/{program}.c"
    subprocess.run([compiler, "-w", "-D_GNU_SOURCE", source, "-o", tmp_path / "program"], check=True)
    ran = subprocess.run([tmp_path / "program", tmp_path], capture_output=True, text=True, check=True)
    assert ran.stdout == (top / f"tests/boot/programs/{program}.txt").read_text()

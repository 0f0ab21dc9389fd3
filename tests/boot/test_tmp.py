"""Files that can be written, in memory, below /tmp: what calls answer, as on Linux; what services cannot take of it."""

import shutil
import subprocess

import pytest

from ambilink.machine.model import Verdict

HOSTILE = ["hostile-tmp", "hostile-tmp-too"]


def printed(result, program):
    return [line.removeprefix(f"{program}:")[1:] for line in result.outcome.text if line.startswith(f"{program}:")]


def test_calls_answer_as_on_linux_and_nobody_takes_what_others_need(system, machine, top):
    expected = (top / "tests/boot/programs/tmp.txt").read_text().splitlines()
    system.service("files", grants=["image"]).service("tmp").file("etc/motd", "Good morning.\n")
    # Each takes all that it can get; the second begins when the first has, and so do those that are judged.
    system.program(HOSTILE[0], arguments=HOSTILE[:1])
    system.program(HOSTILE[1], program=HOSTILE[0], arguments=HOSTILE[::-1])
    for name in ("test-tmp", "test-tmp-static"):
        system.program(name, arguments=[name], stack=1 << 17)
    result = system.boot(machine, memory_megabytes=256)
    assert [printed(result, name) for name in HOSTILE] == [["took as many as it may files"]] * 2
    for name in ("test-tmp", "test-tmp-static"):
        assert printed(result, name) == expected
    assert result.outcome.verdict is Verdict.PASS and not result.failures


def test_without_the_service_there_is_no_tmp(system):
    result = system.service("files", grants=["image"]).program("test-tmp").boot()
    assert printed(result, "test-tmp")[:2] == ["base: -1 No such file or directory", "made: 0 "]
    assert result.outcome.verdict is Verdict.FAIL


@pytest.mark.tools
@pytest.mark.parametrize("compiler", ["gcc", "musl-gcc"])
def test_linux_says_so(top, tmp_path, compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    source = top / "tests/boot/programs/tmp.c"
    subprocess.run([compiler, "-w", "-D_GNU_SOURCE", source, "-o", tmp_path / "program"], check=True)
    ran = subprocess.run([tmp_path / "program", tmp_path, "judge"], capture_output=True, text=True, check=True)
    assert ran.stdout == (top / "tests/boot/programs/tmp.txt").read_text()

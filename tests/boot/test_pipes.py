"""Pipes, local sockets, waiting for several descriptors: what calls answer, as on Linux; what services cannot take."""

import shutil
import subprocess

import pytest

from ambilink.machine.model import Verdict
from tests.boot.test_shell import Terminal

PROGRAMS = ["pipes", "epoll", "sockets"]
PEERS = ["server", "client", "victim"]  # the last one ends by a fault


def printed(result, program):
    return [line.removeprefix(f"{program}:")[1:] for line in result.outcome.text if line.startswith(f"{program}:")]


def expected(top, program):
    return (top / f"tests/boot/programs/{program}.txt").read_text().splitlines()


def test_calls_answer_as_on_linux(system, machine, top):
    system.service("files", grants=["image"]).service("tmp").service("pipes")
    names = [f"test-{program}{form}" for program in PROGRAMS for form in ("", "-static")]
    for name in names:
        system.program(name, arguments=[name], stack=1 << 17)
    result = system.boot(machine, memory_megabytes=256)
    for name in names:
        program = name.removeprefix("test-").removesuffix("-static")
        assert printed(result, name) == expected(top, program)
    assert result.outcome.verdict is Verdict.PASS and not result.failures


def test_processes_share_what_they_pass_and_take_nothing_from_others(system, machine, top):
    system.service("files", grants=["image"]).service("tmp").service("pipes")
    system.kernel = "test-kernel-books"
    for name in ("hostile-pipes", "hostile-pipes-too"):
        system.program(name, program="hostile-pipes")
    for part in PEERS:
        system.program(part, program="test-peers", arguments=[part, "peers"], stack=1 << 17)
    result = system.boot(machine, memory_megabytes=256)
    assert [printed(result, part) for part in PEERS] == [expected(top, f"peers-{part}") for part in PEERS]
    assert printed(result, "hostile-pipes") == printed(result, "hostile-pipes-too") == ["took as much as it may"]
    assert [line for line in result.outcome.text if "was ended for a fault" in line] == [
        "loader: victim was ended for a fault, status -10"
    ]
    assert result.outcome.text[-1].startswith("books: balanced: ")


def test_poll_waits_for_keys_beside_a_pipe(build, system, machine):
    system.service("pipes").program("test-keys", grants=["input"])
    system.modules.append("input")
    with Terminal(system.pack(), build, machine) as terminal:
        seen = terminal.wait_for("press two keys\r\n")
        assert "the pipe: 1 0 1" in seen and "failed" not in seen
        terminal.type("k")
        assert "a key: 1 1 0 1 k" in terminal.wait_for(" k\r\n")
        terminal.type("l")
        assert "select: 1 1 l" in terminal.wait_for(" l\r\n")
        assert terminal.end()[0] == 0


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


@pytest.mark.tools
@pytest.mark.parametrize("compiler", ["gcc", "musl-gcc"])
def test_linux_says_so_of_processes(top, tmp_path, compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    program = tmp_path / "program"
    subprocess.run([compiler, "-w", "-D_GNU_SOURCE", top / "tests/boot/programs/peers.c", "-o", program], check=True)
    folder = tmp_path / "peers"
    running = [subprocess.Popen([program, part, folder], stdout=subprocess.PIPE, text=True) for part in PEERS]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert [text.splitlines() for text in said] == [expected(top, f"peers-{part}") for part in PEERS]

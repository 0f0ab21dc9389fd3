"""`ambilink boot A --diff B`: the first instructions and the first line in which two boots differ."""

import json
import subprocess
import sys
from array import array

import pytest

from ambilink.verify.difference import first_difference


def diff(one, other, *words):
    command = [sys.executable, "-m", "ambilink", "boot", one, "--diff", other, *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done


def test_the_same_boot_twice_is_the_same(build):
    done = diff(build / "test-stops", build / "test-stops", "--append", "read")
    assert done.returncode == 0 and "the boots are the same" in done.stdout


def test_another_command_line_parts_where_it_is_compared(build):
    done = diff(build / "test-stops", build / "test-stops", "--append", "ports", "--diff-append", "poets")
    assert done.returncode == 1
    # Both enter the kernel's main; the words are compared in stop_by.
    assert "goes on, after " in done.stdout and " stop_by+" in done.stdout and " main+" in done.stdout
    assert "line 2 of the console differs:\n  A: ports were written\n  B: (no more lines)" in done.stdout
    assert "A ended: the CPU halted for ever" in done.stdout


def test_another_seed_parts_in_the_kernel_and_in_what_services_write(build):
    """The service fortune draws a random line. Addresses and instants of the other boot are others, too, and no
    difference."""
    done = diff(build / "boot.img", build / "boot.img", "--diff-seed", "3", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and not found["same"] and found["boots"]["b"]["ending"] == "pass"
    lines = found["console"]["a"], found["console"]["b"]
    assert lines[0] != lines[1] and all(line.startswith("fortune: ") for line in lines)
    call = found["system_call"]
    assert call["process"] == "console" and call["a"]["function"] == call["b"]["function"] == "log_write"
    # Its third argument is the length of the line, with its end.
    assert [call[each]["arguments"][2] for each in "ab"] == [len(line) + 1 for line in lines]
    parting = found["instructions"]
    assert parting["before"] and parting["a"]["calls"][0]["where"] != parting["b"]["calls"][0]["where"]


def test_the_same_seed_is_the_same(build):
    done = diff(build / "boot.img", build / "boot.img", "--seed", "7", "--diff-seed", "7", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["same"] and found["instructions"] is found["system_call"] is None


def test_another_memory_size_parts_in_the_kernel(build):
    done = diff(build / "boot.img", build / "boot.img", "--diff-memory", "64")
    assert done.returncode == 1 and "A ended: pass\nB ended: pass" in done.stdout
    assert "the last block that both run lies in " in done.stdout and " kernel_place+" in done.stdout
    assert " -> process_create(" in done.stdout.partition("system call ")[2].partition("the console")[0]


@pytest.mark.parametrize(
    ("one", "other", "at"),
    [
        ([], [], None),
        ([1, 2], [1, 2], None),
        ([1, 2], [1, 3], 1),
        ([1], [1, 2], 1),
        ([5] * 70000 + [1], [5] * 70001, 70000),
    ],
)
def test_the_first_difference(one, other, at):
    assert first_difference(array("H", one), array("H", other)) == at


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--diff-seed", "1"], "--diff-seed needs --diff"),
        (["--diff", "IMAGE", "--machine", "qemu"], "needs the bundled emulator"),
        (["--diff", "IMAGE", "--record", "boot.json"], "--diff does not go with --record"),
        (["--diff", "nothing"], "cannot be read"),
    ],
)
def test_wrong_words(build, words, message):
    image = str(build / "test-stops")
    command = [sys.executable, "-m", "ambilink", "boot", image, *(image if each == "IMAGE" else each for each in words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and message in done.stderr

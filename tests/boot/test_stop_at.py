"""`ambilink boot --stop-at`: the machine stops behind so many instructions, and everything of it can be looked at."""

import json
import subprocess
import sys

import pytest


def ambilink(*words, env=None):
    return subprocess.run([sys.executable, "-m", "ambilink", *map(str, words)], capture_output=True, text=True, env=env)


def stop(build, at, *more, image="boot.img"):
    done = ambilink("boot", build / image, "--stop-at", at, "--json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_instruction_has_its_number(build):
    """Single steps of the test kernel lead along its code, whatever ran before."""
    whole = ambilink("boot", build / "test-stops", "--append", "write", "--void", "stop", "--json")
    last = json.loads(whole.stdout)["instructions"]  # with the one that writes to nowhere
    numbers = range(last - 4, last)
    records = [stop(build, at, "--append", "write", image="test-stops") for at in numbers]
    assert [record["instructions"] for record in records] == list(numbers)
    places = [record["cpu"]["rip"] for record in records]
    assert len(set(places)) == 4 and places[-1] == places[-2] + 5  # mov $..., %eax before the write
    assert records[-1]["cpu"]["calls"][0]["where"].startswith("write_nowhere+0x9 ")


def test_the_same_instruction_of_two_boots_finds_the_same_machine(build):
    one, two = (stop(build, 1_500_000, "--read", "kernel_record+64") for _ in range(2))
    assert one["verdict"] == "ended" and one["instructions"] == 1_500_000
    assert one["cpu"] == two["cpu"] and one["threads"] == two["threads"] and one["memory_read"] == two["memory_read"]
    assert bytes.fromhex(one["memory_read"][0]["bytes"]).startswith(b"ARECORD")


def test_threads_have_what_they_wait_for_and_their_callers(build):
    text = ambilink("boot", build / "boot.img", "--stop-at", 2_000_000, "--read", "rip+4").stdout
    assert "names (process 2), thread 2: waits for a request\n    in lib/libipc.so: sys_receive+" in text
    assert "by services/names: main+" in text and "where the CPU stopped:" in text and "memory at rip+4:" in text


def test_a_boot_that_ends_before_is_judged_as_ever(build):
    done = ambilink("boot", build / "boot.img", "--stop-at", 10**12)
    assert done.returncode == 0 and "emulator: passed" in done.stdout


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--stop-at", "-1"], 2, "is not 0 to"),
        (["--stop-at", "1", "--machine", "qemu"], 2, "needs the bundled emulator"),
        (["--read", "a b"], 2, "is not [SERVICE:]ADDRESS"),
        (["--stop-at", "1000000", "--read", "absent:0x1000"], 1, "no process absent is there"),
        (["--stop-at", "1000000", "--read", "no_such_symbol"], 1, "has no symbol no_such_symbol"),
        (["--read", "kernel_record"], 1, "the guest ended the machine"),
    ],
)
def test_wrong_words(build, words, status, message):
    done = ambilink("boot", build / "boot.img", *words)
    assert done.returncode == status and message in done.stdout + done.stderr and "Traceback" not in done.stderr

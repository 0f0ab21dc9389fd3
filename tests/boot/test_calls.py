"""`ambilink boot --calls`: who called a function of the kernel with what, and what it returned."""

import re
import subprocess
import sys


def calls(*words):
    command = [sys.executable, "-m", "ambilink", "boot", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done


def test_functions_of_another_kernel(build):
    text = calls(build / "test-stops", "--append", "read", "--calls", "stop_by", "--calls", "read_nowhere").stdout
    assert re.search(r"main\+0x\w+ \(.*main\.c:\d+\) -> stop_by\(0x\w+, 0x\w+, 0x\w+\) does not return", text)
    assert re.search(r"stop_by\+0x\w+ \(.*\) -> read_nowhere\(", text) and text.endswith("2 calls\n")


def test_functions_that_return_have_a_result(build):
    lines = calls(build / "boot.img", "--calls", "process_create", "--arguments", "1").stdout.splitlines()
    made = [line for line in lines if re.search(r"process_create\(0x\w+\) = 0xffff\w+$", line)]
    assert len(made) == 7 and sum("[loader] " in line for line in made) == 6


def test_system_calls_have_names_arguments_and_results(build, tmp_path):
    path = tmp_path / "calls.txt"
    done = calls(build / "boot.img", "--calls", "syscalls", "--calls-of", "greet", "--calls-to", path)
    lines = path.read_text().splitlines()
    assert done.returncode == 0 and len(lines) > 5 and all(" [greet] " in line for line in lines)
    assert any(re.search(r" call\(0x\w+, .* waits$", line) for line in lines)
    assert any(re.search(r" process_exit\(0x0", line) for line in lines)


def test_wrong_words(build):
    done = calls(build / "boot.img", "--calls", "proces_create")
    assert done.returncode == 1 and "did you mean 'process_create'?" in done.stderr
    assert calls(build / "boot.img", "--calls-of", "greet").returncode == 2
    assert calls(build / "boot.img", "--calls", "x", "--machine", "qemu").returncode == 2

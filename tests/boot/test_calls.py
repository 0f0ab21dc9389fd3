"""`ambilink boot --calls`: who called a function with what, and what it returned."""

import json
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from ambilink.bootimage.container import read
from ambilink.errors import AmbilinkError
from ambilink.verify.calls import services_among
from ambilink.verify.functions import Functions
from ambilink.verify.modules import Modules


def calls(*words):
    command = [sys.executable, "-m", "ambilink", "boot", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return done


def test_functions_of_another_kernel(build):
    words = ("--append", "read", "--void", "stop", "--calls", "stop_by", "--calls", "read_nowhere")
    text = calls(build / "test-stops", *words).stdout
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
    # A call that blocks has the result that comes when it goes on.
    assert any(re.search(r": sys_call\+0x\w+ .* -> call\(0x\w+, .*\) = 0x0, at [\d,]+$", line) for line in lines)
    assert re.search(r" -> process_exit\(0x0, .*\) does not return$", lines[-1])
    assert len([line for line in lines if line.endswith("does not return") or "waits" in line]) == 1


def test_calls_as_json(build):
    text = calls(build / "boot.img", "--calls", "strdup", "--calls-of", "greet", "--json", "--arguments", "1").stdout
    made = json.loads(text)
    assert made and all(call["process"] == "greet" and call["function"] == "strdup" for call in made)
    assert all(len(call["arguments"]) == 1 and call["result"] and not call["blocked"] for call in made)
    assert all(one["returned"] <= other["instructions"] for one, other in pairwise(made))


def test_system_calls_that_never_come_back_wait(build):
    lines = calls(build / "boot.img", "--calls", "syscalls", "--calls-of", "console").stdout.splitlines()
    assert re.search(r"\[console\] .* -> receive\(.*\) waits$", lines[-2])
    assert all(" = 0x" in line for line in lines[:-2])


def test_functions_of_a_library_in_a_service(build):
    lines = calls(build / "boot.img", "--calls", "malloc", "--calls-of", "greet").stdout.splitlines()
    shape = re.compile(r"\[greet\] lib/libc\.so: (\w+)\+0x\w+ .*-> malloc\((0x\w+), .*\) = (0x\w+)$")
    made = [shape.search(line) for line in lines[:-1]]
    assert made and all(made) and {"strdup"} <= {match[1] for match in made}
    blocks = sorted((int(match[3], 16), int(match[2], 16)) for match in made)  # none is freed before the next
    assert all(one + size <= other for (one, size), (other, _) in pairwise(blocks))


def test_functions_of_a_file_in_each_process(build):
    lines = calls(build / "boot.img", "--calls", "greet:*", "--calls", "libc.so:exit", "--arguments", "1").stdout
    assert re.search(r"\[greet\] lib/libc\.so: \w+\+0x\w+ .* -> main\(0x2\) = 0x0$", lines, re.MULTILINE)
    # All functions of the program, with whom they are called by: libc's sort calls back.
    assert re.search(r"\[greet\] lib/libc\.so: \w+\+0x\w+ \(.*qsort\.c:\d+\) -> compare_lines\(", lines)
    ended = re.findall(r"\[(\w+)\] .* -> exit\(0x0\) does not return$", lines, re.MULTILINE)
    assert sorted(ended) == ["audit", "fortune", "greet"] and lines.count(" -> main(") == 1


def test_all_functions_of_a_service(build, tmp_path):
    """In its program and its libraries, and in no other process; a function that is a service too is refused."""
    done = calls(build / "boot.img", "--calls", "fortune", "--arguments", "1", "--json")
    made = json.loads(done.stdout)
    assert {call["process"] for call in made} == {"fortune"}
    functions = [call["function"] for call in made]
    assert functions.count("main") == 1 and {"malloc", "exit", "sys_call"} <= {*functions}
    main = next(call for call in made if call["function"] == "main")
    inner = [call for call in made if main["instructions"] < call["instructions"] < (main["returned"] or 1 << 62)]
    assert any(call["caller"].startswith("services/fortune: main+") for call in inner)


def test_a_service_that_is_a_function_too_is_refused_by_name(build):
    image = read(build / "boot.img")
    functions = Functions(build / "boot.img", Modules(image), build)
    assert services_among(["malloc", "greet", "loader"], image, functions) == ["greet", "loader"]
    functions.files_with = lambda name: ["kernel", "lib/libc.so"]
    with pytest.raises(AmbilinkError, match=r"--calls greet: is a service, and a function, too; give kernel:greet "):
        services_among(["greet"], image, functions)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--calls", "proces_create"], "did you mean 'process_create'?"),
        (["--calls", "kernel:malloc"], "has no symbol malloc"),
        (["--calls", "libc.so:mallocs"], "lib/libc.so: has no function mallocs; did you mean 'malloc'?"),
        (["--calls", "lib/libcc.so:malloc"], "has no program or library lib/libcc.so"),
        (["--calls", "*"], "give kernel:* or FILE:*"),
        (["--calls", ":malloc"], "give FUNCTION alone, or FILE:FUNCTION"),
        (["--calls", "malloc", "--calls-of", "gret"], "'gret', which --calls-of names; did you mean 'greet'?"),
    ],
)
def test_names_that_nothing_has(build, words, message):
    done = calls(build / "boot.img", *words)
    assert done.returncode == 1 and message in done.stderr and not done.stdout


def test_wrong_words(build):
    kernel = calls(build / "test-stops", "--calls", "lib/libc.so:malloc")
    assert kernel.returncode == 1 and "has no program or library lib/libc.so" in kernel.stderr
    assert calls(build / "boot.img", "--calls-of", "greet").returncode == 2
    assert calls(build / "boot.img", "--calls", "x", "--machine", "qemu").returncode == 2
    assert "--calls does not go with --read" in calls(build / "boot.img", "--calls", "x", "--read", "rip").stderr

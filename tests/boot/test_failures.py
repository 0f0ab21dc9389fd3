"""What goes wrong is reported by name, and the rest of the system goes on."""

import json
import re
import subprocess
import sys

import pytest

from ambilink.bootimage.container import read
from ambilink.errors import AmbilinkError
from ambilink.machine.model import Verdict
from ambilink.report.boot import as_text

from .conftest import boot


def test_a_crash_ends_that_service_alone(system, machine):
    system.service("test-crash", registers=["crash"]).program("test-caller")
    system.program("test-binding-dynamic", arguments=["dynamic"])
    result = system.boot(machine)
    text = result.outcome.text
    assert result.outcome.verdict is Verdict.FAIL
    fault = next(line for line in text if line.startswith("kernel: fault in test-crash"))
    assert fault.endswith("page fault, write at 0x1234, not mapped")
    assert "test-caller: first call: status -7, second call: status -7" in text  # STATUS_PEER_GONE
    assert "loader: test-crash was ended for a fault, status -10" in text
    assert any(line.startswith("test-binding-dynamic: binding: ") and line.endswith(" 0 failed") for line in text)


def test_a_crash_is_explained_with_symbols(system, machine, toolset):
    faults = system.service("test-crash", registers=["crash"]).program("test-caller").boot(machine).faults
    assert re.match(r"fault in test-crash \(process \d+\): page fault, write at 0x1234", faults[0])
    assert re.search(r"services/test-crash: break_rule\+0x\w+ \(\S*programs/crash.c:\d+\)", faults[1])
    callers = faults[2:]
    if toolset.name != "gnu":  # gcc gives a leaf function no frame, so its caller is passed over
        assert "services/test-crash: on_request+0x" in callers.pop(0)
    assert "services/test-crash: main+0x" in callers[0]
    assert any("lib/libc.so: " in line for line in callers)


def test_a_service_that_never_answers_is_named(system, machine, build):
    image = system.service("test-mute", registers=["mute"]).program("test-caller", arguments=["mute"]).pack()
    command = [sys.executable, "-m", "ambilink", "boot", image, "--machine", machine, "--timeout", "3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    assert result["verdict"] == "fail"
    assert re.fullmatch(
        r"test-caller \(process \d+\) waits for the answer of test-mute \(operation 77\)", result["reasons"][0]
    )
    assert result["console"][-1]["text"] == "kernel: deadlock: every thread waits for another one"


def alter(image, where):
    data = bytearray(image.read_bytes())
    data[where] ^= 0x40
    image.write_bytes(data)


def file_offset(image, name):
    packed = read(image)
    return packed.archive_offset + packed.archive.file(name).offset


def test_an_altered_library_is_refused(system, machine, build):
    image = system.program("test-binding-dynamic").pack()
    alter(image, file_offset(image, "lib/libshape.so") + 0x500)
    result = boot(build, image, machine)
    assert "kernel: lib/libshape.so: page 0 is damaged: the boot image was altered" in result.outcome.text
    assert any("needs a library that is not there: libshape.so" in line for line in result.outcome.text)
    assert "loader: console started" in "\n".join(result.outcome.text)  # the rest came up
    assert result.outcome.verdict is Verdict.FAIL


def test_an_altered_loader_is_refused_by_the_kernel(system, machine, build):
    image = system.program("test-exit").pack()
    alter(image, file_offset(image, "services/loader") + 0x2000)
    result = boot(build, image, machine)
    assert result.outcome.text == [
        "kernel: services/loader: page 2 is damaged: the boot image was altered",
        "kernel: loader (process 1) needs a page that is damaged, and is ended",
        "kernel: the first process ended with status -12",
    ]
    assert result.outcome.verdict is Verdict.FAIL


def test_an_altered_directory_is_refused(system, machine, build):
    image = system.program("test-exit").pack()
    alter(image, read(image).archive_offset + 4096 + 200)
    result = boot(build, image, machine)
    assert result.outcome.text == ["kernel: panic: boot image refused: page 1, of its directory, is damaged"]


@pytest.mark.parametrize("name", ["ls", "verify", "extract"])
def test_an_altered_image_is_refused_on_the_development_machine(system, name, tmp_path):
    image = system.program("test-exit").pack()
    alter(image, read(image).archive_offset + 4096 + 200)
    words = ["--output", tmp_path / "out"] if name == "extract" else []
    done = subprocess.run(
        [sys.executable, "-m", "ambilink", "image", name, image, *words], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "the archive's directory does not match its digests: the image was altered" in done.stderr
    assert not (tmp_path / "out").exists()


def test_verify_names_the_altered_file(system):
    image = system.program("test-binding-dynamic").pack()
    alter(image, file_offset(image, "lib/libshape.so") + 0x500)
    done = subprocess.run([sys.executable, "-m", "ambilink", "image", "verify", image], capture_output=True, text=True)
    assert done.returncode == 1
    assert "lib/libshape.so: page 0 does not match its digest: the image was altered" in done.stderr


def test_a_truncated_image_is_refused(system, build):
    image = system.program("test-exit").pack()
    data = image.read_bytes()
    for size in (0, 10, 63, 5000, len(data) // 2):
        image.write_bytes(data[:size])
        with pytest.raises(AmbilinkError, match=r"truncated|not a boot image|holds no archive"):
            read(image)
        done = subprocess.run([sys.executable, "-m", "ambilink", "boot", image], capture_output=True, text=True)
        assert done.returncode == 1 and str(image) in done.stderr and "Traceback" not in done.stderr


def test_too_little_memory_is_told_before_the_boot(build):
    with pytest.raises(AmbilinkError, match=r"needs memory up to \d+ MB, the machine has 2 MB"):
        boot(build, build / "boot.img", memory_megabytes=2)


def test_memory_that_runs_out_is_told(system, machine, build):
    """Enough for the image, not for what the services want."""
    for number in range(40):
        system.service(f"mute-{number}", program="test-mute", stack=1 << 20, memory=3 << 19)
    image = system.program("test-exit").pack()
    result = boot(build, image, machine, memory_megabytes=24)
    assert result.outcome.verdict is Verdict.FAIL
    assert any(re.search(r"loader: mute-\d+: .*(no memory|status -4)", line) for line in result.outcome.text)
    assert any(line.startswith("loader: mute-0 started") for line in result.outcome.text)
    gives = "the manifest gives services 61440 KiB of memory, and the machine has"
    assert any(gives in line for line in result.outcome.text)


def test_a_missing_line_fails_the_boot(system, tmp_path):
    expect = tmp_path / "expect"
    expect.write_text("loader: names started*\nloader: this never comes\n")
    result = system.program("test-exit").boot(expect=expect)
    assert result.outcome.verdict is Verdict.PASS
    assert result.exit_status == 1
    (failure,) = result.failures
    assert failure == (
        f"{expect}:2: expected on the console and not found: loader: this never comes; "
        "correct this line, or what prints it"
    )
    assert as_text(result)[-1].endswith(f"instructions, {failure}")
    expect.write_text("# order\nloader: test-exit started*\n\nloader: names started*\n")
    (failure,) = system.boot(expect=expect).failures
    assert failure.startswith(f"{expect}:4: ") and f"it came before the line of {expect}:2, and " in failure

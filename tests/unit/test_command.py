"""The `ambilink` command: exit status, arguments, and the files that it writes."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

TEXT = "abi 1\nsoname libx.so\n"


def ambilink(*words, **options):
    command = [sys.executable, "-m", "ambilink", *map(str, words)]
    return subprocess.run(command, **({"capture_output": True, "text": True, "timeout": 60} | options))


@pytest.fixture
def library(build):
    return build / "lib/libc.so"


WRONG = {
    "no command": ([], "required"),
    "command": (["bot"], "bot is unknown; did you mean 'boot'?"),
    "action": (["image", "lss"], "lss is unknown; did you mean 'ls'?"),
    "option": (["boot", "FILE", "--timout", "3"], "--timout is no argument of this command; did you mean --timeout?"),
    "option with controls": (["boot", "FILE", "--x\x1b[2J"], r"'--x\x1b[2J' is no argument"),
    "machine": (["boot", "FILE", "--machine", "qemo"], "qemo is unknown; did you mean 'qemu'?"),
    "verify's machine": (["verify", "FILE", "--machine", "Emulator"], "Emulator is unknown; did you mean 'emulator'?"),
    "no file": (["boot", "no-such"], "no-such cannot be read (No such file or directory)"),
    "empty name": (["boot", ""], "'' cannot be the name of a file"),
    "control characters": (["boot", "a\x1b[2Jb"], r"'a\x1b[2Jb' cannot be read"),
    "name of 5,000 letters": (["boot", "x" * 5000], "cannot be the name of a file"),
    "no folder": (["boot", "FILE", "--root", "FILE"], "is no folder"),
    "append": (["boot", "FILE", "--append", "a\nb"], "has control characters"),
    "log in no folder": (["boot", "FILE", "--log", "no/such/log"], "does not exist; make it first"),
    "output below a file": (["abi", "stub", "FILE", "--output", "FILE/x"], "is no folder"),
    "output a folder": (["abi", "stub", "FILE", "--output", "."], "is a folder; give the name of a file"),
    "rows": (["profile", "FILE", "--top", "-3"], "-3 is not 1 to"),
    "seed": (["boot", "FILE", "--seed", "-1"], "-1 is not 0 to"),
    "elf flags": (["abi", "stub", "FILE", "--output", "x", "--elf-flags", "0x1ffffffff"], "no number of 32 bits"),
    "elf flags of letters": (["abi", "stub", "FILE", "--output", "x", "--elf-flags", "0b2"], "no number of 32 bits"),
    "shell": (["completion", "fish"], "fish is unknown; choose one of: bash"),
    "licence": (["licences", "FILE", "--own", "MIT"], "MIT is no PATH=LICENCE"),
    "template": (["new", "x", "--template", "sytem"], "sytem"),
    "profile": (["boot", "FILE", "--profile", "linux-msl"], "linux-msl"),
}
WRONG |= {
    f"timeout {text}": (["boot", "FILE", f"--timeout={text}"], "is no number of seconds")
    for text in ("nan", "inf", "-1", "0", "1e9", "x", "")
}
WRONG |= {
    f"memory {text}": (["boot", "FILE", f"--memory={text}"], "is not 1 to 1,048,576 MiB")
    for text in ("0", "-1", "1048577", "1e3", "9" * 5000, "٣")
}


@pytest.mark.parametrize("words, message", WRONG.values(), ids=WRONG)
def test_wrong_arguments_end_with_2(words, message, tmp_path):
    (tmp_path / "FILE").write_text(TEXT)
    done = ambilink(*words, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not done.stdout and os.listdir(tmp_path) == ["FILE"]


def test_the_version():
    done = ambilink("--version")
    assert done.returncode == 0 and done.stdout.startswith("ambilink ")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_an_output_obeys_the_umask(umask, library, tmp_path):
    done = ambilink("abi", "stub", library, "--output", tmp_path / "stub", umask=umask)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "stub").stat().st_mode) == 0o666 & ~umask
    assert os.listdir(tmp_path) == ["stub"]


def test_an_output_through_a_symlink_keeps_it(library, tmp_path):
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "new").symlink_to("later")
    for name in ("link", "new"):
        assert ambilink("abi", "stub", library, "--output", tmp_path / name).returncode == 0
        assert (tmp_path / name).is_symlink() and (tmp_path / name).read_bytes()[:4] == b"\x7fELF"
    assert sorted(os.listdir(tmp_path)) == ["later", "link", "new", "real"]


def test_a_device_is_written_to_and_stays(library, tmp_path):
    """As root, /dev/null itself would be lost."""
    (tmp_path / "null").symlink_to("/dev/null")
    for name in ("/dev/null", tmp_path / "null"):
        assert ambilink("abi", "stub", library, "--output", name).returncode == 0
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    done = ambilink("abi", "stub", library, "--output", "/dev/stdout", text=False)
    assert done.returncode == 0 and done.stdout[:4] == b"\x7fELF"


def test_a_fifo_is_written_to_and_stays(library, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    assert ambilink("abi", "stub", library, "--output", fifo).returncode == 0
    reader.join(60)
    assert read[0][:4] == b"\x7fELF" and stat.S_ISFIFO(fifo.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_reported(library):
    with open("/dev/full", "w") as full:
        done = ambilink("abi", "show", library, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and done.stderr == "ambilink: output: No space left on device\n"
    done = ambilink("abi", "stub", library, "--output", "/dev/full")
    assert done.returncode == 1 and done.stderr == "ambilink: /dev/full: No space left on device\n"


@pytest.mark.parametrize("words", [["abi", "show"], ["contract"], ["image", "ls"]])
def test_a_closed_pipe_ends_quietly(words, build):
    reading, writing = os.pipe()
    os.close(reading)
    file = build / ("boot.img" if words[0] == "image" else "lib/libc.so")
    done = ambilink(*words, file, capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert done.returncode == 141 and done.stderr == "", done.stderr


def test_extraction_does_not_leave_its_folder(build, tmp_path):
    image = build / "boot.img"
    inside, outside = tmp_path / "out", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "lib").symlink_to(outside)
    done = ambilink("image", "extract", image, "lib/libc.so", "--output", inside)
    assert done.returncode == 1 and "is a symlink" in done.stderr and not os.listdir(outside)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_commands_options_and_values(tmp_path):
    (tmp_path / "kernel.img").write_text("")
    (tmp_path / "complete").write_text(ambilink("completion", "bash").stdout)
    script = """
        source ./complete
        ask() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _shtab_ambilink ambilink "${@: -1}"; echo "${COMPREPLY[@]}"
        }
        ask ambilink li; ask ambilink boot --mach; ask ambilink boot --machine q; ask ambilink image ex
        ask ambilink boot ker
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["link", "licences"], ["--machine"], ["qemu"], ["extract"], ["kernel.img"],
    ], done.stdout + done.stderr  # fmt: skip


@pytest.mark.tools
@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_script_for_each_shell(shell):
    done = ambilink("completion", shell)
    assert done.returncode == 0 and "licences" in done.stdout and "Traceback" not in done.stderr
    if shutil.which(shell) and shell != "tcsh":
        assert subprocess.run([shell, "-n"], input=done.stdout, text=True).returncode == 0


def test_a_boot_prints_json(build):
    image = build / "boot.img"
    done = ambilink("boot", image, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["verdict"] == "pass"

"""Keys on the serial line, and the shell that takes them; by a pseudo terminal as a person does."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from ambilink.boot import boot_and_verify
from ambilink.machine.keys import Keys
from ambilink.machine.model import BootRequest, Verdict
from tests.boot.conftest import STRATEGIES, set_strategy

DEADLINE = 60
GRANTS = ["log", "input", "control", "inspect"]


class Terminal:
    """`ambilink boot --interactive` at a terminal of its own."""

    def __init__(self, image, root, machine) -> None:
        self.ours, self.theirs = pty.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self.text = ""
        words = [sys.executable, "-m", "ambilink", "boot", image, "--interactive", "--root", root, "--machine", machine]
        self.process = subprocess.Popen(
            words, stdin=self.theirs, stdout=self.theirs, stderr=self.theirs, start_new_session=True
        )

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)

    def wait_for(self, text: str) -> str:
        """What came before it, and it; nothing of that is looked at again."""
        end = time.monotonic() + DEADLINE
        while text not in self.text:
            assert time.monotonic() < end, f"{text!r} did not come: {self.text!r}"
            if select.select([self.ours], [], [], 1)[0]:
                self.text += os.read(self.ours, 65536).decode()
        at = self.text.index(text) + len(text)
        seen, self.text = self.text[:at], self.text[at:]
        return seen

    def type(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def end(self) -> tuple[int, str]:
        """Its status, and the rest of what it printed; the terminal is as before."""
        end = time.monotonic() + DEADLINE
        while self.process.poll() is None or select.select([self.ours], [], [], 0)[0]:
            assert time.monotonic() < end, f"it does not end: {self.text!r}"
            if select.select([self.ours], [], [], 0.1)[0]:
                self.text += os.read(self.ours, 65536).decode()
        assert termios.tcgetattr(self.theirs) == self.before
        return self.process.returncode, self.text

    def qemu(self) -> int:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it has ended
                if stat.read_text().rpartition(")")[2].split()[1] == str(self.process.pid):
                    return int(stat.parent.name)
        raise AssertionError("there is no QEMU")


@pytest.fixture
def terminal(build, machine):
    with Terminal(build / "shell.img", build, machine) as terminal:
        terminal.wait_for("\r\n> ")
        yield terminal


def test_a_person_lists_starts_stops_and_looks(terminal, machine):
    terminal.type("list\r")
    seen = terminal.wait_for("\r\n> ")
    assert re.search(r"  5  shell +runs", seen) and re.search(r"     fortune +not started", seen)
    terminal.type("run fortune\r")
    seen = terminal.wait_for("\r\n> ")
    assert "fortune: process 6 ended, status 0" in seen
    terminal.type("stop files\r")
    assert "loader: files (process 4) was stopped by shell" in terminal.wait_for("\r\n> ")
    terminal.type("stop files\rlist\r")
    assert "files: it has ended" in terminal.wait_for("\r\n> ")
    assert re.search(r"  4  files +stopped", terminal.wait_for("\r\n> "))
    # Started again, it has its name again: a client finds it.
    terminal.type("start files\rrun greet\r")
    terminal.wait_for("files: process 7")
    assert "greet: process 8 ended, status 0" in terminal.wait_for("ended, status 0")
    terminal.type("show shell\r")
    seen = terminal.wait_for("its own\r\n> ")
    assert "KiB read-only in 4 processes" in seen and re.search(
        r"services/shell +\d+ KiB read-only in 1 process,", seen
    )
    terminal.type("stop 4711\rfrobnicate\rstop\r")
    assert "4711: there is no such service or process" in terminal.wait_for("\r\n> ")
    assert "frobnicate: no such command" in terminal.wait_for("\r\n> ")
    assert "stop: name a service" in terminal.wait_for("\r\n> ")
    terminal.type("exit\r")
    status, rest = terminal.end()
    assert status == 0 and "every program of the manifest ended: passed" in rest and f"{machine}: passed" in rest


def test_a_line_is_edited(terminal, machine):
    terminal.type("lisx\x7ft\r")
    assert "shell" in terminal.wait_for("\r\n> ")
    terminal.type("nonsense\x15help\r")
    assert "start a service of the image" in terminal.wait_for("\r\n> ")
    terminal.type("nonsense\x03")
    assert "^C\r\n> " in terminal.wait_for("^C\r\n> ")  # the guest's: it neither ends the boot nor runs the line
    terminal.type("\x1b[A\x1b[1;5C\x1bOPhel\x08lp\r")
    assert "start a service of the image" in terminal.wait_for("\r\n> ")
    terminal.type("x" * 200 + "\x15\x08\x08\r\r")
    terminal.wait_for("\r\n> \r\n> ")
    terminal.type("\x04")
    status, rest = terminal.end()
    assert status == 0 and f"{machine}: passed" in rest


def test_the_shells_status_is_the_boots(terminal):
    terminal.type("exit 3\r")
    status, rest = terminal.end()
    assert status == 1 and "shell exited, status 3" in rest


def test_a_key_ends_the_machine(terminal, machine):
    """Neither passed nor failed: nothing was asked."""
    terminal.type("hel\x1d")
    status, rest = terminal.end()
    assert status == 0 and "FAILED" not in rest
    assert re.search(rf"{machine}: ended in .* at the terminal, by Ctrl-\] or a signal", rest)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_as_before(terminal, machine, number):
    qemu = terminal.qemu() if machine == "qemu" else None
    terminal.process.send_signal(number)
    assert terminal.end()[0] in (128 + number, -number)
    if qemu:
        with pytest.raises(ProcessLookupError):
            os.kill(qemu, 0)


def test_a_machine_that_breaks_leaves_the_terminal_as_before(terminal, machine):
    if machine != "qemu":
        pytest.skip("the emulator is no process of its own")
    os.kill(terminal.qemu(), signal.SIGKILL)
    status, rest = terminal.end()
    assert status == 99 and "QEMU ended with status -9" in rest


def boot(build, image, keys: bytes):
    request = BootRequest(image, seed=1, timeout=DEADLINE, keys=Keys(data=keys))
    return boot_and_verify("emulator", request, build)


@pytest.mark.parametrize("strategy", [each for each in STRATEGIES if "+" not in each])
def test_rights_come_from_the_manifest_under_each_strategy(build, system, strategy):
    set_strategy(system, strategy).service("files", grants=["image"]).program("shell", grants=GRANTS)
    system.modules.append("input")
    result = boot(build, system.pack(), b"stop files\rexit\r")
    text = "\n".join(result.outcome.text)
    assert re.search(r"^loader: files \(process \d+\) was stopped by shell$", text, re.MULTILINE)
    assert result.exit_status == 0


def test_without_control_nothing_is_stopped(build, system):
    system.service("files", grants=["image"]).program("shell", grants=["log", "input"])
    system.modules.append("input")
    result = boot(build, system.pack(), b"stop files\rlist\rexit\r")
    text = "\n".join(result.outcome.text)
    assert 'files: the manifest does not say grants = ["control"] for this shell (status -3)' in text
    assert re.search(r"  4  files +runs", text) and result.exit_status == 0


def test_without_input_no_key_comes(build, system):
    """Its standard input is empty: it ends at once."""
    system.program("shell", grants=["log", "control"])
    system.modules.append("input")
    result = boot(build, system.pack(), b"help\r")
    assert result.exit_status == 0 and "list          services and what became of them" not in result.outcome.text


def test_keys_come_whole_however_many(build, system, machine, tmp_path):
    """More than the kernel's buffer and the line's own hold, while the shell is busy."""
    system.program("shell", grants=GRANTS)
    system.modules.append("input")
    image, keys = system.pack(), tmp_path / "keys"
    keys.write_text("".join(f"word{number:05}\r" for number in range(800)) + "exit\r")
    words = [sys.executable, "-m", "ambilink", "boot", image, "--input", keys, "--root", build, "--timeout", "60"]
    words += ["--machine", machine]
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0
    assert re.findall(r"word(\d{5}): no such command", done.stdout) == [f"{number:05}" for number in range(800)]


@pytest.mark.parametrize("keys", ["/dev/null", "file", "pipe"])
def test_standard_input_need_be_no_terminal(build, machine, tmp_path, keys):
    path = tmp_path / "keys"
    path.write_bytes(b"list\rexit\r")
    with open("/dev/null" if keys == "/dev/null" else path, "rb") as stream:
        words = [sys.executable, "-m", "ambilink", "boot", build / "shell.img", "--interactive", "--machine", machine]
        limit = ["--timeout", "3" if keys == "/dev/null" else str(DEADLINE)]
        source = {"input": path.read_bytes()} if keys == "pipe" else {"stdin": stream}
        done = subprocess.run([*words, *limit], capture_output=True, **source)
    assert b"Traceback" not in done.stderr and done.returncode == (keys == "/dev/null"), done.stderr
    assert keys == "/dev/null" or b"not started" in done.stdout


def test_a_closed_standard_input_is_refused(build):
    words = f"{sys.executable} -m ambilink boot {build / 'shell.img'} --interactive <&-"
    done = subprocess.run(words, shell=True, capture_output=True)
    assert done.returncode == 2 and b"it is closed" in done.stderr


def test_a_service_that_waits_for_a_key_is_reported(build):
    result = boot_and_verify("emulator", BootRequest(build / "shell.img", seed=1, timeout=5), build)
    assert result.outcome.verdict is Verdict.TIMEOUT
    shell = next(each for each in result.state.processes if each.name == "shell")
    assert [each.describe() for each in shell.threads] == ["waits for a key"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--interactive", "--input", __file__], "does not go with"),
        (["--interactive", "--json"], "does not go with"),
        (["--input", "/"], "is a folder"),
        (["--gdb", "--accel", "kvm"], "--accel tcg"),
        (["--gdb", "70000"], "is no port"),
        (["--gdb", "x.img"], "write the image first"),
        (["-b", "main"], "-b needs --gdb"),
    ],
)
def test_options_that_do_not_go_together(build, words, message):
    command = [sys.executable, "-m", "ambilink", "boot", build / "shell.img", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr

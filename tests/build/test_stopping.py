"""Builds that end early: by an error, a signal, a reader that went away. Nothing is half-written, nothing goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ambilink.incremental.leftovers import RUNNING, end_all

# Starts compilers: writes down which source, and is as slow as the file `slow` says.
LAUNCHER = """\
#!/bin/sh
for last in "$@"; do :; done
echo "$last" >> {log}
case "$last" in */slow*) sleep "$(cat {slow})" & wait $!;; esac
exec "$@"
"""


@pytest.fixture
def many(tree) -> "Many":
    return Many(tree)


class Many:
    """Libraries of several sources, one of them slow, and one wrong where asked."""

    def __init__(self, tree):
        self.tree = tree
        self.log, self.slow = tree.folder / "started", tree.folder / "slowness"
        tree.write("launch", LAUNCHER.format(log=self.log, slow=self.slow)).chmod(0o755)
        tree.more = f"AMBILINK_LAUNCHER={str(tree.folder / 'launch')!r},"
        self.seconds("0")
        names = ["a", "b", "c"]
        for name in names:
            for part in range(5):
                tree.write(f"{name}/{name}{part}.c", f"int {name}{part}(void) {{ return {part}; }}\n")
        tree.write("a/slow.c", "int slow(void) { return 1; }\n")
        tree.sconstruct("".join(f'env.DualLibrary("{name}", Glob("{name}/*.c"))\n' for name in names))

    def seconds(self, text):
        self.slow.write_text(text)

    def started(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def start(self, *words, **how):
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **how}
        return subprocess.Popen([sys.executable, "-m", "SCons", *words], cwd=self.tree.folder, **how)

    def wait_for(self, source):
        for _ in range(3000):
            if any(line.endswith(source) for line in self.started()):
                return
            time.sleep(0.01)
        raise AssertionError(f"{source} was never started: {self.started()}")

    def nothing_half_written(self):
        wrong = [path for path in self.tree.out.rglob("*") if path.name.endswith((".part", ".tmp", ".d"))]
        assert wrong == []

    def builds_rightly(self):
        """The next build, and its outputs are those of a build from scratch."""
        self.seconds("0")
        self.tree.good("-Q")
        self.nothing_half_written()
        names = [f"lib/lib{name}.{form}" for name in "abc" for form in ("a", "so")]
        here = {name: (self.tree.out / name).read_bytes() for name in names}
        self.tree.good("-Q", "-c")
        self.tree.good("-Q")
        assert here == {name: (self.tree.out / name).read_bytes() for name in names}


def running_from(folder: Path) -> list[int]:
    """Processes that were started there."""
    found = []
    for each in Path("/proc").iterdir():
        try:
            if each.name.isdigit() and (each / "cwd").readlink() == folder and int(each.name) != os.getpid():
                found.append(int(each.name))
        except OSError:
            continue
    return found


def ended(folder: Path) -> bool:
    for _ in range(500):
        if not running_from(folder):
            return True
        time.sleep(0.01)
    return False


def test_an_error_stops_the_start_of_new_compilations(many):
    """All libraries stop, not only the one with the error; and the error comes last once more."""
    many.tree.write("a/a0.c", "#error wrong here\n")
    many.seconds("2")
    many.tree.sconstruct(
        "".join(f'env.DualLibrary("{name}", sorted(Glob("{name}/*.c"), key=str))\n' for name in "abc")
    )
    done = many.tree.scons("-Q", "-j2")
    lines = done.stdout.splitlines()
    first = next(index for index, line in enumerate(lines) if "wrong here" in line)
    later = [line for line in lines[first:] if line.startswith("  CC ") and not line.endswith(": failed")]
    assert done.returncode == 2 and len(later) <= 1, done.stdout
    assert len(many.started()) < 15
    assert done.stderr.count("scons: ***") == 1, done.stderr  # those that were only stopped did not fail
    summary = lines[lines.index("scons: 1 step failed:") :]
    assert any("a/a0.c:1:2: error" in line for line in summary)
    assert not any(line.startswith("  CC ") and not line.endswith(": failed") for line in summary)
    many.nothing_half_written()
    many.tree.write("a/a0.c", "int a0(void) { return 0; }\n")
    many.builds_rightly()


def test_keeping_going_lists_all_errors_last(many):
    for name in "abc":
        many.tree.write(f"{name}/{name}3.c", f"#error wrong in {name}\n")
    done = many.tree.scons("-Q", "-k", "-j4")
    assert done.returncode == 2 and len(many.started()) == 16
    summary = done.stdout[done.stdout.index("scons: 3 steps failed:") :]
    assert all(f"wrong in {name}" in summary for name in "abc"), summary


def test_a_failing_command_of_scons_stops_compilations_too(many):
    many.seconds("3")
    many.tree.sconstruct(
        'Default(env.Command("wrong", "a/a0.c", "sleep 0.5; false"))\n'
        + "".join(f'Default(env.DualLibrary("{name}", Glob("{name}/*.c")).shared)\n' for name in "abc")
    )
    many.tree.write("launch", LAUNCHER.format(log=many.log, slow=many.slow).replace("*/slow*", "*.c"))
    assert "[wrong] Error 1" in many.tree.bad("-Q", "-j2")
    assert len(many.started()) <= 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_runs_and_says_so(many, number):
    many.seconds("60")
    process = many.start("-Q", "-j2")
    many.wait_for("slow.c")
    process.send_signal(number)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 2, out + error
    assert f"scons: stopped by {number.name}; what was made is kept" in out
    assert "Traceback" not in out + error and "***" not in error
    assert ended(many.tree.folder)
    many.nothing_half_written()
    many.builds_rightly()


def test_nohup_lets_a_build_go_on(many):
    many.seconds("1")
    process = many.start("-Q", "-j2", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    many.wait_for("slow.c")
    process.send_signal(signal.SIGHUP)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0 and "stopped" not in out + error, out + error
    many.nothing_half_written()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_too_late(many, number):
    """All is made, and the records are being written: they are, and nothing is said of a stop."""
    many.tree.sconstruct(
        many.tree._text
        + "import atexit, os, signal, time\n"
        + f"atexit.register(lambda: (os.kill(os.getpid(), {int(number)}), time.sleep(0.2)))\n"
        # Of what is registered after the tool was loaded this runs first, so begin to finish before it.
        + 'atexit.register(env["AMBILINK"].running.finishing)\n'
    )
    done = many.tree.scons("-Q")
    assert (done.returncode, done.stderr) == (0, "") and "stopped by" not in done.stdout
    assert many.tree.built(many.tree.scons("-Q").stdout) == []


def test_a_killed_build_leaves_no_process_and_blocks_nobody(many):
    many.seconds("60")
    process = many.start("-Q", "-j2")
    many.wait_for("slow.c")
    process.kill()
    process.communicate()
    assert ended(many.tree.folder), "its compilers went on"
    many.builds_rightly()


def test_a_killed_build_whose_guard_was_killed_too(many):
    """The next build ends what it finds."""
    many.seconds("60")
    process = many.start("-Q", "-j2")
    many.wait_for("slow.c")
    guards = [
        each.parent.name
        for each in Path("/proc").glob("[0-9]*/cmdline")
        if (text := each.read_bytes()).startswith(sys.executable.encode())
        and b"leftovers.py" in text
        and f"{process.pid}-".encode() in text
    ]
    (guard,) = guards
    os.kill(int(guard), signal.SIGKILL)
    process.kill()
    process.communicate()
    assert running_from(many.tree.folder)
    many.seconds("0")
    many.tree.good("-Q")
    assert ended(many.tree.folder)
    many.builds_rightly()


def test_a_reader_that_goes_away_ends_the_build_quietly(many):
    many.seconds("2")
    process = many.start("-j2")
    assert process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait(120) == 128 + signal.SIGPIPE and error == ""
    assert ended(many.tree.folder)
    many.builds_rightly()


def test_a_reader_that_goes_away_before_the_last_lines(many):
    """What this tool prints when SCons has ended."""
    many.tree.good("-Q")
    many.tree.write("a/a0.c", "int a0(void) { return 8; }\n")
    reader, writer = os.pipe()
    process = many.start("-Q", "-s", stdout=writer)
    os.close(writer)
    os.close(reader)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGPIPE and error == ""
    many.builds_rightly()


def test_a_full_device_for_the_output_is_reported(many):
    with open("/dev/full", "w") as full:
        process = many.start("-Q", "-j2", stdout=full)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 2 and "scons: cannot write its output (No space left on device)" in error
    assert "Traceback" not in error
    many.builds_rightly()


def mounted(tmp_path, *options) -> Path:
    if shutil.which("mount") is None:
        pytest.skip("mount is not installed")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    return folder


@pytest.mark.parametrize("size", ["8k", "200k"])
def test_a_full_disk(many, tmp_path, size):
    """Whatever is the first that has no room, a record or an output: it is reported, and all is well once there is."""
    disk = mounted(tmp_path, f"size={size}")
    try:
        os.symlink(disk, many.tree.folder / "build")
        done = many.tree.scons("-Q", "-j2")
        assert done.returncode != 0
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        assert "No space left on device" in done.stdout + done.stderr and ".py" not in done.stderr
        wrong = [path for path in disk.rglob("*") if path.name.endswith((".part", ".tmp"))]
        assert wrong == [], done.stdout + done.stderr
        subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
        many.builds_rightly()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_folder_that_cannot_be_written(many, tmp_path):
    disk = mounted(tmp_path, "size=20m")
    try:
        os.symlink(disk, many.tree.folder / "build")
        many.tree.good("-Q")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        many.tree.write("a/a0.c", "int a0(void) { return 7; }\n")
        output = many.tree.bad("-Q")
        assert "cannot be written (Read-only file system)" in output and "Traceback" not in output
        assert "a/a0.c.o" in many.tree.good("-Q", "-n").replace("a0.c.o", "a/a0.c.o", 1)
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        many.builds_rightly()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_only_what_has_the_token_is_ended():
    words = [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"]
    ours = subprocess.Popen(words, env={**os.environ, RUNNING: "1-outer 2-token"}, stdout=subprocess.PIPE)
    other = subprocess.Popen(words, env={**os.environ, RUNNING: "2-token2"}, stdout=subprocess.PIPE)
    try:
        assert ours.stdout.readline() and other.stdout.readline()
        end_all("2-token")
        assert ours.wait(60) == -signal.SIGKILL and other.poll() is None
    finally:
        other.kill()
        other.wait()

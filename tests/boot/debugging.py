"""gdb on a machine that waits for it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

DEADLINE = 60  # seconds


def need_gdb(machine: str = "emulator") -> None:
    wanted = [("gdb", "gdb"), *([("qemu-system-x86_64", "qemu-system-x86")] if machine == "qemu" else [])]
    for program, package in wanted:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: {package})")
    if subprocess.run(["gdb", "-nx", "-batch", "-ex", "python 1"], capture_output=True).stderr:
        pytest.skip("this gdb has no Python")


@dataclass
class Debugged:
    text: str  # what gdb printed
    console: str  # what `ambilink boot` printed
    messages: str  # to its standard error
    status: int

    def has(self, *parts: str) -> bool:
        """These texts, in this order."""
        at = 0
        for part in parts:
            at = self.text.find(part, at)
            assert at >= 0, f"{part!r} is missing, or too early, in:\n{self.text}"
            at += len(part)
        return True


def gdb_words(script: Path, commands: list[str]) -> list[str]:
    # -nx: without the user's own start files.
    return ["gdb", "-nx", "-batch", "-x", str(script), *(word for each in commands for word in ("-ex", each))]


def debug(
    build: Path,
    image: Path,
    places: list[str],
    commands: list[str],
    root: Path | None = None,
    machine: str = "emulator",
    more: tuple[str, ...] = (),
) -> Debugged:
    """gdb executes the commands, then lets the machine go on to its end."""
    script = image.with_name("session.gdb")
    words = [sys.executable, "-m", "ambilink", "boot", image, "--gdb", "0", "--gdb-script", script, "--seed", "1"]
    words += ["--machine", machine, *more]
    words += ["--timeout", str(DEADLINE), "--root", root or build, *(word for each in places for word in ("-b", each))]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as boot:
        assert boot.stderr is not None
        try:
            said = []
            while not said or "waits for gdb" not in said[-1]:
                said.append(boot.stderr.readline())
                assert said[-1], f"it did not begin: {said} {boot.communicate()}"
            done = subprocess.run(
                gdb_words(script, commands), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE
            )
            console, more = boot.communicate(timeout=DEADLINE)
        finally:
            boot.kill()
    return Debugged(done.stdout + done.stderr, console, "".join(said) + more, boot.returncode)

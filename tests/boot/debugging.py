"""gdb on a machine that waits for it."""

import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from ambilink.boot import BootResult, boot_and_verify
from ambilink.debug.session import wait_for_gdb
from ambilink.machine.model import BootRequest

DEADLINE = 30  # seconds


def need_gdb() -> None:
    for program, package in (("qemu-system-x86_64", "qemu-system-x86"), ("gdb", "gdb")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: {package})")
    if subprocess.run(["gdb", "-nx", "-batch", "-ex", "python 1"], capture_output=True).stderr:
        pytest.skip("this gdb has no Python")


@dataclass
class Debugged:
    text: str  # what gdb printed
    boot: BootResult
    warnings: tuple[str, ...]

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


def debug(build: Path, image: Path, places: list[str], commands: list[str], **settings) -> Debugged:
    """gdb executes the commands, then lets the machine go on to its end."""
    request = BootRequest(image, **{"seed": 1, **settings})
    session = wait_for_gdb(request, build, 0, places, image.with_name("session.gdb"))
    results: list[BootResult] = []
    booting = threading.Thread(target=lambda: results.append(boot_and_verify("qemu", session.request, build)))
    booting.start()
    try:
        done = subprocess.run(
            gdb_words(session.script, commands), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE
        )
    finally:
        booting.join(DEADLINE)
    return Debugged(done.stdout + done.stderr, results[0], session.warnings)

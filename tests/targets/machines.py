"""The targets, and how their programs are started here."""

import platform
import shutil

TARGETS = ("x86_64", "aarch64", "riscv64")


def emulator(target: str) -> str | None:
    """QEMU's user emulation of a processor."""
    return shutil.which(f"qemu-{target}-static") or shutil.which(f"qemu-{target}")


def why_no_emulator(target: str) -> str:
    return "" if emulator(target) else f"qemu-{target} is not installed (Debian: qemu-user-static)"


def why_not_run(target: str) -> str:
    """Why its programs cannot run here ("": they can)."""
    return "" if target == platform.machine() else why_no_emulator(target)

"""The machines themselves: what a CPU must do, entry by each protocol, and the verdict."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, NoMachine, Verdict
from ambilink.machine.qemu import command
from ambilink.verify.kernel_file import with_kernel

pytestmark = pytest.mark.compiler

# Without KVM QEMU lacks some, and its qemu64 more: the sources of the checks say which.
CHECKS = {
    "emulator": "552 passed, 0 failed",
    "qemu": "479 passed, 0 failed, 15 of what this processor lacks",
    "qemu64": "472 passed, 0 failed, 18 of what this processor lacks",
}
PASSED = 0x10  # VERDICT_PASS of <ambilink/abi.h>
ATTEMPTS = {"emulator": 1, "qemu": 5}  # QEMU's timers follow the host's clock, so they are late on a busy host


def test_conformance(build, machine):
    for _ in range(ATTEMPTS[machine]):
        outcome = boot(machine, with_kernel(BootRequest(build / "conformance", timeout=300)))
        if outcome.verdict is Verdict.PASS:
            break
    assert outcome.text == [f"conformance: {CHECKS[machine]}"]
    assert outcome.verdict is Verdict.PASS


def test_a_processor_without_the_protections(build, tmp_path):
    """SMEP, SMAP and UMIP are used where they are: the checks read them back."""
    program = shutil.which("qemu-system-x86_64")
    if program is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    checks = f"conformance: {CHECKS['qemu64']}"
    for image, line in (("conformance", checks), ("boot.img", "loader: every program")):
        ram = tmp_path / "ram"
        ram.write_bytes(b"")
        ram.open("r+b").truncate(128 << 20)
        words = command(program, BootRequest(build / image), ram, tmp_path)
        words[words.index("-cpu") + 1] = "qemu64"
        for _ in range(ATTEMPTS["qemu"]):
            done = subprocess.run(words, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
            if done.returncode == PASSED << 1 | 1:
                break
        assert line in done.stdout and done.returncode == PASSED << 1 | 1, done.stdout


def entered(request, address):
    """As a kernel with this 64-bit entry."""
    request = with_kernel(request)
    return replace(request, kernel=replace(request.kernel, entry64=address))


def test_any_kernel_with_a_pvh_note_boots(build):
    """Without the 64-bit entry the emulator starts the kernel as QEMU does, in 32-bit protected mode."""
    request = BootRequest(build / "boot.img", seed=1)
    assert with_kernel(request).kernel.entry64 is not None
    assert boot("emulator", entered(request, None)).verdict is Verdict.PASS


def test_an_unknown_machine_is_a_wrong_argument(build):
    done = subprocess.run(
        [sys.executable, "-m", "ambilink", "boot", build / "boot.img", "--machine", "pdp11"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "pdp11 is unknown; choose one of: emulator, qemu" in done.stderr


def test_absent_qemu_exits_77(build):
    done = subprocess.run(
        [sys.executable, "-m", "ambilink", "boot", build / "boot.img", "--machine", "qemu"],
        capture_output=True,
        text=True,
        env={"PATH": "/nonexistent", "PYTHONPATH": str(build.parents[1] / "toolchain")},
    )
    assert done.returncode == 77 and "qemu-system-x86_64 is not on the PATH" in done.stderr


def test_kvm_is_used_only_after_its_probe(build, tmp_path):
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    image = tmp_path / "boot.img"  # no conformance kernel beside it
    shutil.copy(build / "boot.img", image)
    with pytest.raises(NoMachine, match=r"/dev/kvm cannot be opened|the probe kernel .* is not there"):
        boot("qemu", BootRequest(image, accelerator="kvm"))


def test_a_file_that_is_no_kernel_is_refused(tmp_path):
    for content in (b"", b"\x7fELF", b"text" * 100):
        path = tmp_path / "file"
        path.write_bytes(content)
        done = subprocess.run([sys.executable, "-m", "ambilink", "boot", path], capture_output=True, text=True)
        assert done.returncode == 1 and str(path) in done.stderr and "Traceback" not in done.stderr


def test_a_triple_fault_is_a_reset(build):
    """A kernel whose first instruction faults before there is an interrupt table."""
    outcome = boot("emulator", entered(BootRequest(build / "boot.img"), 0x3FFF_F000_0000))
    assert outcome.verdict is Verdict.RESET and "triple fault" in outcome.detail

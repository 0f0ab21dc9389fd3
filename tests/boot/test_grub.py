"""This project's own system, started by GRUB from an ISO, and by Multiboot2 without GRUB."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ambilink.boot import boot_and_verify
from ambilink.bootimage.grub import CONFIG, GrubTree, write_iso
from ambilink.bootimage.outputs import Outputs, make
from ambilink.compile.profile import load_profile
from ambilink.machine.firmware import find_uefi
from ambilink.machine.model import BootRequest, NoMachine, Verdict
from ambilink.verify.expect import missing_line, read_expected

from . import bochs
from .conftest import grub_lacks

PASSED = "loader: every program of the manifest ended: passed"


def test_multiboot2_enters_the_kernel(build, top, machine):
    """The same boot, but for the entry: everything that is verified after a boot holds."""
    request = BootRequest(build / "boot.img", seed=1, timeout=300.0)
    result = boot_and_verify(machine, request, build, top / "boot/system/boot.expect", protocol="multiboot2")
    assert result.exit_status == 0, (result.failures, result.outcome.text)
    other = boot_and_verify(machine, request, build, protocol="pvh")
    assert {view.process.name: view.pages for view in result.report.processes} == {
        view.process.name: view.pages for view in other.report.processes
    }


@pytest.fixture(scope="module")
def made(build, top, tmp_path_factory) -> Outputs:
    if missing := grub_lacks():
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("grub")
    outputs = Outputs(folder / "boot.img", folder / "boot.iso", folder / "tree")
    make(top / "boot/system/boot.toml", build, load_profile("ambilink"), outputs)
    return outputs


def boot_iso(iso: Path, firmware: str, expect: Path | None = None, **settings):
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    if missing := grub_lacks(firmware):
        pytest.skip(missing)
    return boot_and_verify("qemu", BootRequest(iso, firmware=firmware, timeout=90.0, **settings), iso.parent, expect)


def test_a_bios_machine_boots_it_from_an_iso(made, top):
    result = boot_iso(made.iso, "bios", top / "boot/system/boot.expect")
    assert result.outcome.verdict is Verdict.PASS and result.failures == [], result.outcome.text


def test_a_uefi_machine_boots_it_from_an_iso(made, top):
    """With so much memory that firmware and GRUB use what lies beyond the first GiB."""
    try:
        find_uefi()
    except NoMachine as error:
        pytest.skip(str(error))
    result = boot_iso(made.iso, "uefi", memory_megabytes=3072)
    assert result.outcome.verdict is Verdict.PASS, result.outcome.text
    # Firmware writes on the serial line, too.
    assert missing_line(result.outcome.text, read_expected(top / "boot/system/boot.expect")) is None


def test_the_image_boots_as_one_file(made, tmp_path):
    config = b"set timeout=0\nmenuentry x {\n  multiboot2 /boot.img seed=7\n}\n"
    write_iso(GrubTree({"boot.img": made.image.read_bytes(), CONFIG: config}), tmp_path / "x.iso")
    assert boot_iso(tmp_path / "x.iso", "bios").outcome.text[-1] == PASSED


def test_without_its_archive_the_kernel_says_so(made, build, tmp_path):
    config = b"set timeout=0\nmenuentry x {\n  multiboot2 /kernel\n  module2 /boot.img x\n}\n"
    files = {"kernel": (build / "kernel").read_bytes(), "boot.img": b"no archive", CONFIG: config}
    write_iso(GrubTree(files), tmp_path / "x.iso")
    outcome = boot_iso(tmp_path / "x.iso", "bios").outcome
    assert outcome.verdict is Verdict.FAIL
    assert "no boot image in memory: the machine is too small for it, or the kernel was not packed" in outcome.text[-1]


# With its own BIOS GRUB crashes.
def test_bochs_boots_it(made, top, tmp_path):
    """A third machine, which takes no short cut: its serial line has the 5 bits that a real one starts with."""
    if missing := bochs.bochs_lacks():
        pytest.skip(missing)
    text = bochs.boot(made.iso, tmp_path, PASSED)
    assert missing_line(text, read_expected(top / "boot/system/boot.expect")) is None, text


def test_grub_finds_the_header(build):
    """GRUB's own check of a file."""
    if shutil.which("grub-file") is None:
        pytest.skip("grub-file is not installed (Debian: grub-common)")
    for name in ("boot.img", "kernel", "test-multiboot"):
        assert subprocess.run(["grub-file", "--is-x86-multiboot2", build / name]).returncode == 0
    assert subprocess.run(["grub-file", "--is-x86-multiboot2", build / "services/loader"]).returncode == 1


def test_an_iso_that_fails_says_why(build, system):
    """As the boot image does: the archive is read from the machine's memory."""
    if missing := grub_lacks("bios"):
        pytest.skip(missing)
    system.program("test-wrong", arguments=["wait", "files"]).program(
        "test-wrong-2", program="test-exit", arguments=["3"]
    )
    system.pack()
    iso = system.folder / "system.iso"
    make(system.folder / "system.toml", build, load_profile("ambilink"), Outputs(system.folder / "x.img", iso))
    result = boot_iso(iso, "bios")
    assert result.outcome.verdict is Verdict.FAIL
    assert re.match(r"test-wrong \(process \d+\) waited for a service 'files', which is not", result.reasons[0])
    assert re.fullmatch(r"test-wrong-2 \(process \d+\) ended with exit status 3; .*", result.reasons[-1])

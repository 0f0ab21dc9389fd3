"""The conformance kernel in Bochs 2.7, the third machine. Listed is what it does otherwise than the data sheets and
Intel's manual say, which our emulator and QEMU do; all else must pass."""

import pytest
import toml

from ambilink.bootimage.outputs import Outputs, make
from ambilink.compile.profile import load_profile

from . import bochs
from .conftest import grub_lacks

pytestmark = pytest.mark.compiler

# Its FIFO is not cleared of what is on its way, and it has no time-out below the trigger level.
SERIAL = {"the FIFO is cleared", "received less, after a while", "then being ready to send"}
# It serves the line that asked first, whatever asks until the CPU answers, and cannot be polled.
PIC = {
    "the lower line first",
    "then the higher",
    "a lower line interrupts a higher",
    "a higher line does not interrupt a lower",
    "priorities that were set: first",
    "priorities that were set: second",
    "polled, line 0",
    "which acknowledges",
}
# Its firmware's tables say neither.
ACPI = {"which says how the machine is switched off", "whose pin 2 is the timer's"}
# It compares vectors, not their classes; the 8259As get through a masked LINT0.
APIC = {
    "the same class waits for the end",
    "a higher one does not",
    "all came",
    "in the order of their classes",
    "LINT0 masked keeps the 8259As out",
}
OTHERWISE = {
    *(f"serial: {name}" for name in SERIAL),
    *(f"8259: {name}" for name in PIC),
    *(f"ACPI: {name}" for name in ACPI),
    *(f"APIC: {name}" for name in APIC),
    "keyboard controller: no reset is asked for",
    "APIC timer: and reads 0 then",  # its deadline stays
}


def test_conformance_in_bochs(build, tmp_path):
    if missing := bochs.bochs_lacks() or grub_lacks("bios"):
        pytest.skip(missing)
    manifest = tmp_path / "system.toml"
    manifest.write_text(toml.dumps({"image": {"format": "multiboot2", "kernel": "conformance"}}))
    make(manifest, build, load_profile("ambilink"), Outputs(tmp_path / "system.elf", tmp_path / "system.iso"))
    lines = bochs.boot(tmp_path / "system.iso", tmp_path, "conformance: ")
    failed = {line[5:].rpartition(": got ")[0] for line in lines if line.startswith("FAIL ")}
    assert lines and lines[-1].startswith("conformance: ")
    assert failed - OTHERWISE == set()

"""A 32-bit kernel with its own IDT gets its exceptions and interrupts, as in QEMU: protected/kernel.S prints vector,
error code and CS of each."""

import pytest

from ambilink.boot import boot_and_verify
from ambilink.machine.model import BootRequest, Verdict

pytestmark = pytest.mark.compiler

EXCEPTIONS = ["0030 0000 {0}", "0006 0000 {0}", "0000 0000 {0}", "000d 0fe8 {0}", "000b {1} {0}", "0003 0000 {0}"]


def exceptions(error):
    return [each.format("0008", error) for each in EXCEPTIONS]


EXPECTED = [
    "flat",
    *exceptions("047a"),
    "paged",
    *exceptions("047a"),
    "000e 0002 0008",
    "0020 0000 0008",
    "ring 3",
    "0080 0000 001b",
    "000d 0000 001b",
    "000d 0182 001b",
    "0020 0000 001b",
    "000e 0006 001b",
    "0081 0000 001b",
    "on the task's stack",
    "compatibility mode",
    *exceptions("047a"),
    "0080 0000 001b",
    "000d 0000 001b",
    "0082 0000 001b",
]


def test_each_reaches_its_handler(build, machine):
    outcome = boot_and_verify(machine, BootRequest(build / "test-protected"), build).outcome
    seen = [line.rstrip() for line in outcome.text]
    if machine == "qemu":  # in long mode its error code of a gate is the vector times 16, the manual's times 8
        seen = [line.replace("000b 08f2", "000b 047a") for line in seen]
    assert seen == EXPECTED
    assert outcome.verdict is Verdict.PASS

"""A service that the kernel starts is started in steps: other threads run in between, and an end on the way, or a lack
of memory, gives everything back."""

import re

import pytest

from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, Verdict
from ambilink.verify.kernel_file import with_kernel

pytestmark = pytest.mark.compiler

BIG = "test-start-big"
WAYS = {"test-exit": "kernel", "test-binding-dynamic": "interp", BIG: "kernel", "start-big-interp": "interp"}


def test_starts_in_steps(system):
    """programs/starts.c is the first process, and kernel/starts.c measures, by the machine's own time."""
    system.kernel, system.loader = "test-kernel-starts", "test-starts"
    budget = {"memory": 24 << 20, "kernel-memory": 1 << 20}
    system.service("starter", program="test-starter", role="on-demand", linker="kernel", **budget)
    for name, linker in WAYS.items():
        system.service(name, program=BIG if "big" in name else name, role="on-demand", linker=linker)
    system.program("never", program="test-exit")  # an image has one at least
    outcome = boot("emulator", with_kernel(BootRequest(system.pack(), seed=1, timeout=300.0)))
    text = "\n".join(outcome.text)
    assert outcome.verdict is Verdict.PASS, text
    assert "books: balanced: " in outcome.text[-1], text
    ended = [int(count) for count in re.findall(r"steps, ended at (\d+) of them", text)]
    assert len(ended) == len(WAYS) and min(ended) > 5, text
    start, other = (int(time) for time in re.findall(r"(\d+) ns", text))
    # 1.8 of them by clang, 2.3 by gcc.
    assert 0 < start < 2.5 * other, "the longest entry is about as long as those of other calls"

"""Whether KVM on this computer can be trusted: nested or partial KVMs exist that run guests wrongly."""

import os
from pathlib import Path

from ambilink.machine.model import BootRequest, NoMachine, Verdict

DEVICE = Path("/dev/kvm")
PROBE_NAME = "conformance"  # the kernel that checks a machine; built beside the boot image
PROBE_TIMEOUT = 10.0


def probe(request: BootRequest) -> None:
    """Boot the conformance kernel under KVM; raises NoMachine unless all its checks pass."""
    from ambilink.machine.qemu import boot

    if not os.access(DEVICE, os.R_OK | os.W_OK):
        raise NoMachine(f"{DEVICE} cannot be opened; boot without --accel kvm")
    kernel = (request.made_of or request.image).with_name(PROBE_NAME)
    if request.image == kernel:
        return
    if not kernel.is_file():
        raise NoMachine(f"the probe kernel {kernel} is not there; build it with ./scons")
    outcome = boot(BootRequest(kernel, request.memory_megabytes, PROBE_TIMEOUT, accelerator="kvm"))
    if outcome.verdict is not Verdict.PASS:
        failed = next((line for line in outcome.text if line.startswith("FAIL")), outcome.detail)
        raise NoMachine(f"KVM on this computer runs guests wrongly ({failed}); boot without --accel kvm")

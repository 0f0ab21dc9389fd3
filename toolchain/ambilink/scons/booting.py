"""What is made for the processor of the machines that boot it, and for no other."""

from ambilink.scons.api import UserError
from ambilink.scons.builder import Call

BOOTED = "EM_X86_64"  # of kernels, boot images, the bundled emulator and the QEMU that is started


def refuse_other_processors(call: Call, what: str) -> None:
    target = call.context.toolset.target
    if target.machine != BOOTED:
        raise UserError(
            f"{call.location}: {what} for {target.name}: kernels, boot images and boots are for x86_64 only; "
            "libraries and programs can be built for this target, so declare this one where AMBILINK_TARGET is x86_64"
        )

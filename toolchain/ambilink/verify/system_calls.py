"""System calls of this project's kernel, as its function that handles them sees them."""

import re
from functools import cache

from ambilink.bootimage.layout import ArchiveService, Calls
from ambilink.sources import system_folder

HANDLER = "system_call_handle"  # gets a pointer to struct frame, and returns the frame to go on with
NUMBER = re.compile(r"^#define SYS_(\w+) (\d+)$", re.MULTILINE)
# Words of struct frame, boot/kernel/x86_64/cpu.h.
ARGUMENTS = (9, 10, 11, 5, 7, 6)  # rdi rsi rdx r10 r8 r9
RAX, RIP, RSP = 14, 17, 20


@cache
def _names() -> dict[int, str]:
    """By the sources of the target system."""
    text = (system_folder() / "boot/include/ambilink/abi.h").read_text(encoding="utf-8")
    return {int(number): name.lower() for name, number in NUMBER.findall(text)}


def name_of(number: int, service: ArchiveService | None) -> str:
    """`service`: who calls; None where that is not known: the first process."""
    if service and service.calls is Calls.LINUX:
        return f"linux_call_{number}"
    return _names().get(number, f"call_{number}")

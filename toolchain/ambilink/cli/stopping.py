"""Options of `ambilink boot` that stop the machine at an instruction and look."""

import argparse

from ambilink.cli.arguments import shown, whole_number
from ambilink.verify.memory_read import Asked, parse

INSTRUCTIONS_MAX = 1 << 60


def _place(text: str) -> Asked:
    asked = parse(text)
    if asked is None:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not [SERVICE:]ADDRESS[+BYTES]")
    return asked


def add_options(boot: argparse.ArgumentParser) -> None:
    boot.add_argument(
        "--stop-at",
        type=whole_number(0, INSTRUCTIONS_MAX, "instructions"),
        metavar="N",
        help="emulator: stop when N instructions were executed, and show registers and the calls of each thread",
    )
    boot.add_argument(
        "--read",
        type=_place,
        action="append",
        default=[],
        metavar="PLACE",
        help="show memory where it stopped: [SERVICE:]ADDRESS[+BYTES]; 0x..., a register or a symbol of the kernel",
    )


def check(options: argparse.Namespace) -> None:
    if options.stop_at is None:
        return
    if options.machine not in (None, "emulator"):
        options.usage.error("--stop-at needs the bundled emulator, which counts instructions")
    if options.gdb is not None:
        options.usage.error("--stop-at does not go with --gdb: break there")

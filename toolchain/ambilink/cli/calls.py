"""`ambilink boot --calls FUNCTION`: who calls a function, with what, and what it returns."""

import argparse
import json
from pathlib import Path

from ambilink.cli.arguments import ONE_BOOT, output_file, refuse_beside, whole_number
from ambilink.machine.model import EXIT_PASS, BootRequest

ARGUMENTS_MAX = 6
SHOWN_MAX = 2000  # on a terminal


def add_options(boot: argparse.ArgumentParser) -> None:
    boot.add_argument(
        "--calls",
        action="append",
        default=[],
        metavar="WHAT",
        help="emulator: show each call of this function: caller, arguments, result. The kernel's, or FILE:FUNCTION, of "
        "a program or library of the image; a service's name: each function of its files; `syscalls`: each system "
        "call of this project's kernel",
    )
    boot.add_argument(
        "--calls-of",
        action="append",
        default=[],
        metavar="SERVICE",
        help="with --calls: those that this service makes, also of functions of its own files",
    )
    boot.add_argument(
        "--calls-to", type=output_file, metavar="FILE", help="with --calls: write them there, and not to the terminal"
    )
    boot.add_argument(
        "--arguments",
        type=whole_number(0, ARGUMENTS_MAX, "arguments"),
        default=3,
        metavar="N",
        help="with --calls: how many arguments are shown (default 3)",
    )


def check(options: argparse.Namespace) -> None:
    for given, name in ((options.calls_to, "--calls-to"), (options.calls_of, "--calls-of")):
        if given and not options.calls:
            options.usage.error(f"{name} needs --calls")
    if options.calls and options.machine not in (None, "emulator"):
        options.usage.error("--calls needs the bundled emulator")
    if options.calls:
        refuse_beside(options, "--calls", (*ONE_BOOT, "diff"))


def run(options: argparse.Namespace, request: BootRequest, root: Path) -> int:
    from ambilink.files import write_output
    from ambilink.verify.calls import Wanted, calls_of

    wanted = Wanted(options.calls, options.arguments, options.calls_of)
    calls = calls_of(request, wanted, root)
    count = f"{len(calls):,} calls"
    if options.json:
        text = json.dumps([call.as_json() for call in calls], indent=1) + "\n"
    else:
        shown = calls if options.calls_to else calls[:SHOWN_MAX]
        text = "".join(f"{call.line()}\n" for call in shown)
        if len(calls) > len(shown):
            count += f", of which the first {len(shown):,} are shown; --calls-to FILE has all"
    if options.calls_to:
        write_output(Path(options.calls_to), text.encode())
        print(count)
    else:
        print(text if options.json else text + count, end="" if options.json else "\n")
    return EXIT_PASS

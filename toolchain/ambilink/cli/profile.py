"""`ambilink profile`."""

import argparse
import json
import sys

from ambilink.cli.arguments import Commands, folder, input_file, megabytes, rows, seconds, seed
from ambilink.machine.model import EXIT_NO_MACHINE


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    profile = commands.add_parser(
        "profile",
        help="boot an image and count where its instructions went",
        description="Boot an image in the bundled emulator and count each instruction by process, file and function. "
        "Exit status: 0 the image passed, 1 it failed, 77 there is no emulator here.",
    )
    profile.add_argument("image", type=input_file)
    profile.add_argument("--top", type=rows, default=20, metavar="N", help="rows of each table (default 20)")
    profile.add_argument("--timeout", type=seconds, default=300.0, metavar="S", help="seconds (default 300)")
    profile.add_argument(
        "--memory", type=megabytes, default=128, metavar="MB", help="memory of the machine (default 128)"
    )
    profile.add_argument("--seed", type=seed, default=1, help="seed of random addresses (default 1)")
    profile.add_argument("--root", type=folder, metavar="DIR", help="build folder with symbols (default: the image's)")
    profile.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    profile.set_defaults(run=_profile)


def _profile(options: argparse.Namespace) -> int:
    from ambilink.machine.model import BootRequest, NoMachine
    from ambilink.report.profile import as_json, as_text
    from ambilink.verify.profile import profile

    request = BootRequest(options.image, options.memory, options.timeout, options.seed)
    try:
        found = profile(request, options.root or options.image.parent)
    except NoMachine as error:
        print(f"ambilink: {error}", file=sys.stderr)
        return EXIT_NO_MACHINE
    print(json.dumps(as_json(found), indent=2) if options.json else "\n".join(as_text(found, options.top)))
    return found.outcome.verdict.exit_status

"""`ambilink licences`."""

import argparse
import json

from ambilink.cli.arguments import Commands, folder, input_file, licence_of
from ambilink.machine.model import EXIT_PASS


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    licences = commands.add_parser(
        "licences",
        help="list what is linked into an image, and under which licences",
        description="List the sources that are linked into the files of a boot image, or into one program or library, "
        "and their licences, by the debug information of the build. What is not known is listed as unknown.",
    )
    licences.add_argument("image", type=input_file)
    licences.add_argument("--root", type=folder, metavar="DIR", help="build folder with symbols (default: the image's)")
    licences.add_argument(
        "--own",
        type=licence_of,
        action="append",
        default=[],
        metavar="PATH=LICENCE",
        help="the licence of sources of your own, whose paths begin so; may be given several times",
    )
    licences.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    licences.set_defaults(run=_licences)


def _licences(options: argparse.Namespace) -> int:
    from ambilink.report.licences import as_json, as_text, licences

    found = licences(options.image, options.root or options.image.parent, dict(options.own))
    print(json.dumps(as_json(found), indent=2) if options.json else "\n".join(as_text(found)))
    return EXIT_PASS

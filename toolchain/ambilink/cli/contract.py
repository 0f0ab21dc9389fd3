"""`ambilink contract`."""

import argparse
import sys

from ambilink.cli.arguments import Commands, input_file, profile_name
from ambilink.machine.model import EXIT_FAIL, EXIT_PASS


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    contract = commands.add_parser(
        "contract",
        help="print what a loader must know for files, or check files against a profile",
        description="Print the [contract] table that a loader must keep for all these programs and libraries, for a "
        "profile. Exit status with --against: 0 all keep its contract, 1 one does not.",
    )
    contract.add_argument("files", type=input_file, nargs="+", metavar="FILE")
    contract.add_argument(
        "--against", type=profile_name, metavar="PROFILE", help="a profile's name, or the path of its TOML file"
    )
    contract.set_defaults(run=_contract)


def _contract(options: argparse.Namespace) -> int:
    from ambilink.compile.profile import load_profile
    from ambilink.report.contract import broken_lines, contract_lines

    if not options.against:
        print("\n".join(contract_lines(options.files)))
        return EXIT_PASS
    failed = False
    for is_error, line in broken_lines(options.files, load_profile(options.against)):
        failed |= is_error
        print(f"ambilink: {line}" if is_error else line, file=sys.stderr if is_error else sys.stdout)
    return EXIT_FAIL if failed else EXIT_PASS

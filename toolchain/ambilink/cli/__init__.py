"""The `ambilink` command: one file a group of subcommands, each with `add(commands)`."""

import io
import os
import sys

from ambilink import __version__
from ambilink.cli import (
    abi,
    boot,
    build,
    completion,
    contract,
    image,
    licences,
    link,
    new,
    profile,
    report,
    symbolize,
    watch,
)
from ambilink.cli.output import visible_output
from ambilink.cli.parser import Parser
from ambilink.errors import AmbilinkError
from ambilink.machine.model import EXIT_FAIL
from ambilink.report.visible import visible

GROUPS = (boot, report, symbolize, profile, image, link, abi, contract, licences, build, watch, new, completion)
EXIT_INTERRUPTED = 130  # as shells have it: 128 and the signal
EXIT_PIPE_CLOSED = 141


def parser() -> Parser:
    whole = Parser(prog="ambilink", description=__doc__.partition(":")[0] + ".")
    whole.add_argument("--version", action="version", version=f"ambilink {__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add(commands)
    return whole


def main(arguments: list[str] | None = None) -> None:
    with visible_output():
        status = _status(arguments)
    sys.exit(status)


def _status(arguments: list[str] | None) -> int:
    try:
        try:
            options = parser().parse(arguments)
            return int(options.run(options))
        finally:
            if sys.stdout:
                sys.stdout.flush()  # here, where a full disk or a closed pipe is reported
    except AmbilinkError as error:
        rest = f"{error.rule}; {error.remedy}" if error.remedy else error.rule
        print(f"ambilink: {visible(error.where)}: {rest}", file=sys.stderr)
        return EXIT_FAIL
    except BrokenPipeError:
        _discard_output()
        return EXIT_PIPE_CLOSED
    except OSError as error:
        name = visible(str(error.filename or "output"))
        print(f"ambilink: {name}: {error.strerror or error}", file=sys.stderr)
        _discard_output()
        return EXIT_FAIL
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _discard_output() -> None:
    """What is still buffered cannot be written; Python would try once more at its end, and complain."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):  # replaced by a stream that has no descriptor
        sys.stdout = io.StringIO()

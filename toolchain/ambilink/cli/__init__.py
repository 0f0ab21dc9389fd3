"""The `ambilink` command: one file a group of subcommands, each with `add(commands)`."""

import argparse
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
from ambilink.errors import AmbilinkError
from ambilink.machine.model import EXIT_FAIL

GROUPS = (boot, report, symbolize, profile, image, link, abi, contract, licences, build, watch, new, completion)
EXIT_INTERRUPTED = 130  # as shells have it: 128 and the signal
EXIT_PIPE_CLOSED = 141


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="ambilink", description=__doc__.partition(":")[0] + ".")
    whole.add_argument("--version", action="version", version=f"ambilink {__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for group in GROUPS:
        group.add(commands)
    return whole


def main(arguments: list[str] | None = None) -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names may have letters that the terminal's encoding has not
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            options = parser().parse_args(arguments)
            status = options.run(options)
        finally:
            sys.stdout.flush()  # here, where a full disk or a closed pipe is reported
    except AmbilinkError as error:
        print(f"ambilink: {error}", file=sys.stderr)
        status = EXIT_FAIL
    except BrokenPipeError:
        status = EXIT_PIPE_CLOSED
        _discard_output()
    except OSError as error:
        print(f"ambilink: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        status = EXIT_FAIL
        _discard_output()
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    sys.exit(status)


def _discard_output() -> None:
    """What is still buffered cannot be written; Python would try once more at its end, and complain."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):  # replaced by a stream that has no descriptor
        sys.stdout = io.StringIO()

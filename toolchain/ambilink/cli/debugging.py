"""Options of `ambilink boot` by which a person takes part: a debugger, keys."""

import argparse
import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ambilink.cli.arguments import input_file, output_file
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular
from ambilink.machine.keys import Keys, typed_keys
from ambilink.machine.model import BootRequest

PORT_DEFAULT = 1234  # QEMU's
PORT_MAX = 65535


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > PORT_MAX:
        raise argparse.ArgumentTypeError(
            f"{text!a} is no port, 0 to {PORT_MAX}; a file that follows is taken for it: write the image first"
        )
    return int(text)


def add_options(boot: argparse.ArgumentParser) -> None:
    boot.add_argument(
        "--gdb",
        type=_port,
        nargs="?",
        const=PORT_DEFAULT,
        metavar="PORT",
        help="start the machine stopped and wait for gdb, for which a script is written (default "
        f"{PORT_DEFAULT}, 0 any)",
    )
    boot.add_argument(
        "-b",
        "--break",
        dest="places",
        action="append",
        default=[],
        metavar="PLACE",
        help="with --gdb: stop at FILE:FUNCTION, FILE:SOURCE:LINE or FUNCTION, in every process that has it; FILE is "
        "a file of the image, a service or kernel",
    )
    boot.add_argument(
        "--gdb-script",
        type=output_file,
        metavar="FILE",
        help="where the script goes (default: the image's name + .gdb)",
    )
    boot.add_argument(
        "--interactive",
        action="store_true",
        help="hand what is typed to the machine's serial line, byte by byte; Ctrl-] ends it",
    )
    boot.add_argument(
        "--input", type=input_file, metavar="FILE", help="hand the file's bytes to the machine's serial line"
    )
    boot.set_defaults(usage=boot)


def check(options: argparse.Namespace) -> None:
    """Ends the command with status 2 where options do not go together."""
    if options.interactive and (options.input or options.json):
        options.usage.error(f"--interactive does not go with {'--input' if options.input else '--json'}")
    if options.interactive and sys.stdin is None:
        options.usage.error("--interactive needs a standard input, and it is closed")
    if options.gdb is None:
        for given, name in ((options.places, "-b"), (options.gdb_script, "--gdb-script")):
            if given:
                options.usage.error(f"{name} needs --gdb")
        return
    if options.accel == "kvm":
        options.usage.error(
            "--gdb needs --accel tcg: under KVM a breakpoint is written into pages that processes share"
        )


def has_time_limit(options: argparse.Namespace) -> bool:
    """A person takes their time."""
    return options.gdb is None and not options.interactive


@contextlib.contextmanager
def with_keys(options: argparse.Namespace, request: BootRequest) -> Iterator[BootRequest]:
    if options.interactive:
        with typed_keys() as keys:
            yield replace(request, keys=keys, rules=replace(request.rules, silence=None))
    elif options.input:
        yield replace(request, keys=Keys(data=read_regular(options.input)))
    else:
        yield request


def with_debugger(options: argparse.Namespace, request: BootRequest, root: Path) -> BootRequest:
    if options.gdb is None:
        return request
    from ambilink.debug.session import wait_for_gdb
    if options.machine == "qemu":
        from ambilink.machine.qemu import find_qemu

        find_qemu()
    try:
        session = wait_for_gdb(request, root, options.gdb, options.places, options.gdb_script)
    except AmbilinkError as error:
        if error.where == "-b":
            options.usage.error(str(error))
        raise
    for warning in session.warnings:
        print(f"ambilink: {warning}", file=sys.stderr)
    print(f"The machine waits for gdb, in another terminal: {session.command}", file=sys.stderr, flush=True)
    return session.request

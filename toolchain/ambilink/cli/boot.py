"""`ambilink boot` and `ambilink verify`."""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ambilink.cli import calls, debugging, difference, report, stopping
from ambilink.cli.arguments import (
    Commands,
    boot_module,
    folder,
    input_file,
    megabytes,
    output_file,
    printable,
    profile_name,
    seconds,
    seed,
)
from ambilink.machine.boot import MACHINES
from ambilink.machine.model import EXIT_NO_MACHINE, EXIT_PASS

TIMEOUT_DEFAULT = 20.0  # seconds

if TYPE_CHECKING:
    from ambilink.boot import BootResult
    from ambilink.report.record import Record
    from ambilink.verdict import VerdictRules


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    boot = commands.add_parser(
        "boot",
        help="boot an image, a kernel or an ISO and print the verdict",
        description="Boot an image, a kernel or an ISO. Exit status: 0 passed, or a person ended it, "
        "1 failed, 2 wrong arguments, 77 the machine is not installed here, 99 the machine broke.",
    )
    verify = commands.add_parser(
        "verify",
        help="boot an image and compare every process with what its files ask for",
        description="Boot an image and print what was verified: frames shared, protections, and all writable "
        "segments against what a second linker computes: the reference model, or for services that were linked at "
        "build time the linker core. The console is shown where something failed.",
    )
    for parser in (boot, verify):
        _add_machine_options(parser)
    debugging.add_options(boot)
    stopping.add_options(boot)
    difference.add_options(boot)
    calls.add_options(boot)
    boot.set_defaults(run=_boot, quiet=False)
    others = dict.fromkeys(("gdb", "input", "stop_at", "diff"))
    verify.set_defaults(run=_boot, quiet=True, interactive=False, read=[], calls=[], **others)


def _add_machine_options(boot: argparse.ArgumentParser) -> None:
    boot.add_argument("image", type=input_file, help="a boot image, a kernel (PVH, multiboot2, multiboot) or an ISO")
    boot.add_argument("--machine", choices=MACHINES, help="what boots it (default emulator)")
    boot.add_argument(
        "--profile",
        type=profile_name,
        metavar="NAME",
        help="by whose [verdict] it is judged: a profile's name or TOML file",
    )
    boot.add_argument(
        "--protocol", choices=("pvh", "multiboot2", "multiboot1"), help="how a kernel is entered that knows several"
    )
    boot.add_argument("--firmware", choices=("bios", "uefi"), default="bios", help="for an ISO (default bios)")
    boot.add_argument(
        "--timeout",
        type=seconds,
        metavar="S",
        help=f"seconds until the boot fails (default {TIMEOUT_DEFAULT:g}, with --gdb, --interactive none)",
    )
    boot.add_argument("--memory", type=megabytes, default=128, metavar="MB", help="memory of the machine (default 128)")
    boot.add_argument(
        "--seed", type=seed, help="seed of random addresses, for this project's kernel (default: 1 in the emulator)"
    )
    boot.add_argument(
        "--append", type=printable, default="", metavar="WORDS", help="more words for the kernel's command line"
    )
    boot.add_argument(
        "--module",
        type=boot_module,
        action="append",
        default=[],
        metavar="FILE[=WORDS]",
        help="hand the kernel this file, with these words: its initial RAM disk, for example; may be given more than "
        "once",
    )
    boot.add_argument("--accel", choices=("tcg", "kvm"), default="tcg", help="for qemu (default tcg)")
    boot.add_argument(
        "--void",
        choices=("ones", "stop"),
        help="emulator: physical addresses with nothing behind them read all ones, or end the boot (default: ones; "
        "stop for this project's images and with --gdb)",
    )
    boot.add_argument("--expect", type=input_file, metavar="FILE", help="lines that must come on the console, in order")
    boot.add_argument(
        "--manifest", type=input_file, metavar="FILE", help="of which the image was packed: its lines are named"
    )
    boot.add_argument("--root", type=folder, metavar="DIR", help="build folder with symbols (default: the image's)")
    boot.add_argument("--log", type=output_file, metavar="FILE", help="write console and verdict there")
    boot.add_argument("--record", type=output_file, metavar="FILE", help="write the record of the boot (JSON)")
    boot.add_argument(
        "--before",
        type=input_file,
        metavar="FILE",
        help="the record to compare sizes with (default: what --record replaces)",
    )
    report.add_outputs(boot)
    boot.add_argument("--json", action="store_true", help="print the record instead of text")


def _verdict_rules(profile: str | None) -> "tuple[VerdictRules, str]":
    """By a profile's name or path, and its file."""
    from ambilink.verdict import AMBILINK_RULES

    if not profile:
        return AMBILINK_RULES, ""
    from ambilink.compile.profile import load_profile

    loaded = load_profile(profile)
    return loaded.verdict, loaded.files[0]


def _boot(options: argparse.Namespace) -> int:
    from ambilink.boot import boot_and_verify
    from ambilink.machine.model import BootRequest, ConsoleLine, NoMachine
    from ambilink.report.boot import as_text
    from ambilink.report.record import as_json

    def show(line: ConsoleLine) -> None:
        if not options.quiet:
            print(line.shown, flush=True)

    if not options.quiet:
        debugging.check(options)
        stopping.check(options)
        difference.check(options)
        calls.check(options)
    machine = options.machine or "emulator"
    if options.void and machine != "emulator":
        options.parser.error("--void needs the bundled emulator")
    rules, rules_from = _verdict_rules(options.profile)
    request = BootRequest(
        image=options.image,
        memory_megabytes=options.memory,
        timeout=options.timeout or (TIMEOUT_DEFAULT if debugging.has_time_limit(options) else math.inf),
        seed=options.seed,
        arguments=options.append,
        accelerator=options.accel,
        rules=rules,
        rules_from=rules_from,
        firmware=options.firmware,
        stop_at=options.stop_at,
        modules=tuple(options.module),
        stops_at_nothing=options.void and options.void == "stop",
    )
    root = options.root or options.image.parent
    if options.diff:
        return difference.run(options, request, root)
    if options.calls:
        return calls.run(options, request, root)
    before = _before(options.before, options.record)
    sink = None if options.json or options.interactive else show
    try:
        request = debugging.with_debugger(options, request, root)
        with debugging.with_keys(options, request) as keyed:
            result = boot_and_verify(
                machine, keyed, root, options.expect, sink, options.protocol, options.manifest, options.read
            )
    except NoMachine as error:
        print(f"ambilink: {error}", file=sys.stderr)
        report.write_without_machine(options, options.image.name, machine, str(error))
        return EXIT_NO_MACHINE
    text = as_text(result)
    if options.json:
        print(json.dumps(as_json(result, before), indent=2))
    else:
        if options.quiet and result.exit_status != EXIT_PASS:
            print("\n".join(result.outcome.text))
        print("\n".join(text))
    _write(options, result, text, before)
    return result.exit_status


def _before(named: Path | None, replaced: Path | None) -> "Record | None":
    """The record to compare with. One that is only to be replaced may be of another version, or damaged."""
    from ambilink.errors import AmbilinkError
    from ambilink.report.record import read_record

    if named:
        return read_record(named)
    try:
        return read_record(replaced) if replaced and replaced.is_file() else None
    except AmbilinkError:
        return None


def _write(options: argparse.Namespace, result: "BootResult", text: list[str], before: "Record | None") -> None:
    """All files that were asked for, of a boot that passed or failed."""
    from ambilink.files import write_output
    from ambilink.report.record import as_json

    if options.log:
        write_output(options.log, ("\n".join([*result.outcome.text, *text]) + "\n").encode())
    if options.record or report.wanted(options):
        record = as_json(result, before)
        if options.record:
            write_output(options.record, (json.dumps(record, indent=1) + "\n").encode())
        report.write(options, record)

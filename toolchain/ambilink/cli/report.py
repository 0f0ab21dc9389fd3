"""`ambilink report`, and what it shares with `ambilink boot`: the page, the JUnit file and the trace of a boot."""

import argparse
from typing import Any

from ambilink.cli.arguments import Commands, input_file, output_file
from ambilink.machine.model import EXIT_FAIL, EXIT_PASS


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    report = commands.add_parser(
        "report",
        help="write page, JUnit XML or trace of a boot from its record",
        description="Write what is asked for from a record, as `ambilink boot --record` leaves it. Exit status: 0 the "
        "boot passed, 1 it failed.",
    )
    report.add_argument("record", type=input_file, help="boot.json")
    add_outputs(report)
    report.set_defaults(run=_report, usage=report)


def add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--html", type=output_file, metavar="FILE", help="write one page with everything")
    parser.add_argument("--junit", type=output_file, metavar="FILE", help="write JUnit XML: a test case for each check")
    parser.add_argument("--trace", type=output_file, metavar="FILE", help="write the timeline for ui.perfetto.dev")


def wanted(options: argparse.Namespace) -> bool:
    return bool(options.html or options.junit or options.trace)


def write(options: argparse.Namespace, record: dict[str, Any]) -> None:
    from ambilink.files import write_output

    if options.html:
        from ambilink.report.page.document import page

        write_output(options.html, page(record).encode())
    if options.junit:
        from ambilink.report.junit import junit

        write_output(options.junit, junit(record))
    if options.trace:
        from ambilink.report.boot_trace import boot_trace

        write_output(options.trace, boot_trace(record))


def write_without_machine(options: argparse.Namespace, image: str, machine: str, reason: str) -> None:
    """Nothing was booted: the JUnit file has one test case, which is skipped."""
    from ambilink.files import write_output
    from ambilink.report.junit import junit_without_machine

    if options.junit:
        write_output(options.junit, junit_without_machine(image, machine, reason))


def _report(options: argparse.Namespace) -> int:
    from ambilink.report.record import read_record

    if not wanted(options):
        options.usage.error("give --html, --junit or --trace")  # ends with status 2
    record = read_record(options.record)
    write(options, record)
    return EXIT_PASS if record["passed"] else EXIT_FAIL

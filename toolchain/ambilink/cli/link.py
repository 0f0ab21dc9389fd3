"""`ambilink link`."""

import argparse
import sys
from pathlib import Path

from ambilink.cli.arguments import Commands, input_file
from ambilink.machine.model import EXIT_FAIL, EXIT_PASS


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    link = commands.add_parser(
        "link",
        help="link programs or libraries in memory and print what each reference is bound to",
        description="Find the DT_NEEDED closure of each file as this machine does, place, bind and relocate it in "
        "memory, run nothing, and print the result. The linker core links, and the reference model must bind alike. "
        "Exit status: 0 linked, 1 not.",
    )
    link.add_argument("files", type=input_file, nargs="+", metavar="FILE")
    link.add_argument("--bindings", action="store_true", help="print a line for each binding")
    link.add_argument(
        "--core",
        type=input_file,
        metavar="LIBRARY",
        help="another build of the linker core (default: compiled at the first use, in the user's cache folder)",
    )
    link.add_argument("--library-path", default="", metavar="DIRS", help="folders to search first, with : between")
    link.set_defaults(run=_link)


def _link(options: argparse.Namespace) -> int:
    from ambilink.core import CoreUnavailable, Linker, load_linker
    from ambilink.report.link import link_lines

    failed, core = False, None
    try:
        core = Linker(_whole(options.core)) if options.core else load_linker()
    except CoreUnavailable as error:
        if options.core:
            raise
        print(f"ambilink: {error} (the reference model links alone)", file=sys.stderr)
    for file in options.files:
        for is_error, line in link_lines(file, core, options.library_path, bindings=options.bindings):
            failed |= is_error
            print(f"ambilink: {line}" if is_error else line, file=sys.stderr if is_error else sys.stdout)
    return EXIT_FAIL if failed else EXIT_PASS


def _whole(library: Path) -> Path:
    """Loading a file that lacks a part ends the process."""
    from ambilink.elf.file import ElfFile

    elf = ElfFile.open(library)
    if any(load.offset + load.file_size > len(elf.data) for load in elf.loads):
        raise elf.refuse("has a segment that lies behind the file's end", "build it again")
    return library

"""`ambilink symbolize`."""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ambilink.cli.arguments import Commands, folder, input_file
from ambilink.machine.model import EXIT_PASS

if TYPE_CHECKING:
    from ambilink.verify.symbolize import Symbolizer

# Control characters, and bytes that are no text.
HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\udc80-\udcff]|\r(?!\n)")
BUILD = Path("build")
PART_MAX = 1 << 20  # bytes of a line that are read at once


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "symbolize",
        help="name functions and lines for the addresses in a saved console",
        description="Print a saved console, and behind lines with addresses the functions and source lines where they "
        "lie. Files are found by the build-ids that the kernel prints with a fault. Exit status: 0 the log was read, 1 "
        "it was not.",
    )
    parser.add_argument("log", nargs="?", default="-", metavar="LOG", help="a file; - (default): standard input")
    parser.add_argument(
        "--symbols",
        type=folder,
        action="append",
        default=[],
        metavar="DIR",
        help="a build folder, or one with .build-id/; may be given several times (default: build)",
    )
    parser.add_argument(
        "--image",
        type=input_file,
        action="append",
        default=[],
        metavar="IMAGE",
        help="a boot image: the dynamic symbols of its files, and its kernel's addresses",
    )
    parser.set_defaults(run=_symbolize, usage=parser)


def _symbolize(options: argparse.Namespace) -> int:
    from ambilink.verify.symbol_files import SymbolFiles, extract, kernel_symbols
    from ambilink.verify.symbolize import Symbolizer

    if options.log != "-":
        try:
            input_file(options.log)
        except argparse.ArgumentTypeError as error:
            options.usage.error(f"LOG: {error}")
    folders = options.symbols or ([BUILD] if BUILD.is_dir() else [])
    with tempfile.TemporaryDirectory(prefix="ambilink-symbols-") as scratch:
        for number, image in enumerate(options.image):
            place = Path(scratch, str(number))
            extract(image, place)
            folders.append(place)
        kernel = kernel_symbols(options.image[0], options.image[0].parent) if options.image else None
        symbolizer = Symbolizer(SymbolFiles(folders), kernel)
        if options.log == "-":
            _print(symbolizer.lines(_texts(sys.stdin.buffer)))
        else:
            with open(options.log, "rb") as stream:
                _print(symbolizer.lines(_texts(stream)))
    _report(symbolizer)
    return EXIT_PASS


def _texts(stream: BinaryIO) -> Iterator[str]:
    while part := stream.readline(PART_MAX):
        yield part.decode("utf-8", "surrogateescape")


def _print(lines: Iterator[str]) -> None:
    """As in the log, but for what a terminal would obey: that may be where it ends."""
    for line in lines:
        line = HIDDEN.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", line)
        sys.stdout.buffer.write(line.encode())
    sys.stdout.buffer.flush()


def _report(symbolizer: "Symbolizer") -> None:
    for build_id, name in symbolizer.missing.items():
        print(
            f"ambilink: no file with build-id {build_id.hex()} ({name}); name its folder with --symbols",
            file=sys.stderr,
        )
    if not symbolizer.counts.addresses:
        print("ambilink: no address of the log lies in a file that it names by a build-id", file=sys.stderr)

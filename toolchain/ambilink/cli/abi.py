"""`ambilink abi`: show, diff, stub."""

import argparse
import sys

from ambilink.cli.arguments import EXIT_WRONG, Commands, elf_flags, input_file, output_file
from ambilink.errors import AmbilinkError
from ambilink.machine.model import EXIT_FAIL, EXIT_PASS


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    abi = commands.add_parser("abi", help="print, compare or stub the ABI of shared objects")
    actions = abi.add_subparsers(required=True, metavar="ACTION")
    show = actions.add_parser("show", help="print the ABI of a shared object as text")
    show.add_argument("file", type=input_file)
    show.set_defaults(run=_abi_show)
    diff = actions.add_parser(
        "diff",
        help="compare two",
        description="Compare two shared objects or texts of ABIs. Exit status: 0 programs that were linked against OLD "
        "work with NEW, 1 they may not, 2 a file cannot be read.",
    )
    diff.add_argument("old", type=input_file)
    diff.add_argument("new", type=input_file)
    diff.set_defaults(run=_abi_diff)
    stub = actions.add_parser("stub", help="write a shared object to link against that holds an ABI and nothing else")
    stub.add_argument("file", type=input_file, help="shared object or text of an ABI")
    stub.add_argument("--machine", help="e_machine, as EM_... (default: the shared object's, for a text EM_X86_64)")
    stub.add_argument(
        "--elf-flags",
        type=elf_flags,
        metavar="FLAGS",
        help="e_flags (default: the shared object's, for a text 0); RISC-V's linkers compare them",
    )
    stub.add_argument("--output", type=output_file, required=True)
    stub.set_defaults(run=_abi_stub)


def _abi_show(options: argparse.Namespace) -> int:
    from ambilink.elf.abi import load_abi

    print(load_abi(options.file).text, end="")
    return EXIT_PASS


def _abi_diff(options: argparse.Namespace) -> int:
    from ambilink.elf.abi import abi_changes, load_abi

    try:
        changes = abi_changes(load_abi(options.old), load_abi(options.new))
    except AmbilinkError as error:
        print(f"ambilink: {error}", file=sys.stderr)
        return EXIT_WRONG
    for change in changes:
        print(f"{' ' if change.compatible else '!'} {change.text}")
    breaking = sum(not change.compatible for change in changes)
    if breaking:
        print(f"incompatible: {breaking} of {len(changes)} changes may break programs linked against {options.old}")
    else:
        print(f"compatible: {len(changes)} changes" if changes else "compatible: the same")
    return EXIT_FAIL if breaking else EXIT_PASS


def _abi_stub(options: argparse.Namespace) -> int:
    from ambilink.elf.abi import load_abi
    from ambilink.elf.inspect import inspect
    from ambilink.elf.stub import stub
    from ambilink.files import read_regular, write_output

    machine, flags = "EM_X86_64", 0
    if read_regular(options.file)[:4] == b"\x7fELF":
        library = inspect(options.file)
        machine, flags = library.machine, library.flags
    machine = options.machine or machine
    flags = flags if options.elf_flags is None else options.elf_flags
    write_output(options.output, stub(load_abi(options.file), machine, flags=flags))
    return EXIT_PASS

"""`ambilink completion`."""

import argparse
from collections.abc import Iterator

from ambilink.cli.arguments import Commands, folder, input_file, output_file, output_folder
from ambilink.machine.model import EXIT_PASS

SHELLS = ("bash", "zsh", "tcsh")


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    completion = commands.add_parser(
        "completion",
        help="print a script that completes this command in a shell",
        description='Print a script for a shell. In ~/.bashrc: eval "$(ambilink completion bash)".',
    )
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(run=_completion)


def _completion(options: argparse.Namespace) -> int:
    import shtab

    from ambilink.cli import parser

    whole = parser()
    for action in _actions(whole):
        if action.type in (input_file, output_file):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.type in (folder, output_folder):
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(whole, shell=options.shell))
    return EXIT_PASS


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)

"""The parser of the command line: what is misspelt gets near names, and nothing that was typed is printed raw."""

import argparse
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from ambilink.cli.arguments import shown
from ambilink.errors import choices
from ambilink.report.visible import visible


class Parser(argparse.ArgumentParser):
    def parse(self, args: Sequence[str] | None) -> argparse.Namespace:
        options, unknown = self.parse_known_args(args)
        if unknown:
            parser = getattr(options, "parser", self)
            word = unknown[0].partition("=")[0]
            near = get_close_matches(word, list(parser.option_names()), 1) if word.startswith("-") else []
            hint = f"; did you mean {near[0]}?" if near else ""
            parser.error(f"{shown(unknown[0])} is no argument of this command{hint}")
        return options

    def option_names(self) -> Iterator[str]:
        return (name for action in self._actions for name in action.option_strings)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(each) for each in action.choices]
            raise argparse.ArgumentError(action, f"{shown(str(value))} is unknown; {choices(names, str(value))}")

    def set_defaults(self, **values: Any) -> None:
        """Commands are known by their function `run`; each knows its parser."""
        super().set_defaults(**values, **({"parser": self} if "run" in values else {}))

    def error(self, message: str) -> NoReturn:
        super().error(re.sub(r"^argument (COMMAND|ACTION): ", "", visible(message)))

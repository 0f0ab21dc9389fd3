"""Code blocks of the documents, and the marks that say what a test does with each.

A mark is a comment in the line before the block: `<!-- try: ACTION -->`. Actions:

    run                  commands, each after "$ ", or a line each where none has that; output is compared in kind
    output               what the last command printed, compared in kind
    fails COMMAND        a command that fails, and prints this
    file PATH            the contents of a file
    append PATH          the end of a file
    insert PATH          what is added under a table of a TOML file
    manifest, profile, verdict, compiler, call
                         what the reader of such a text takes without a mistake
    not REASON           nothing, and why
    held by TEST         nothing here: that test runs it

`, but for: TEXT (REASON)` behind run and output leaves lines out that begin with TEXT. A mark with no block behind it
is a command that does what the text around it says: `<!-- try: prose COMMAND -->`. `<!-- try all: ... -->` marks every
block of a document.
"""

import re
from dataclasses import dataclass
from pathlib import Path

MARK = re.compile(r"<!-- try: (?P<text>.*?) -->")
WHOLE = re.compile(r"<!-- try all: (?P<text>.*?) -->")
BUT_FOR = re.compile(r"(?P<head>.*?), but for: (?P<start>.+?) \((?P<why>.+)\)")
PLAIN = ("run", "output", "manifest", "profile", "verdict", "compiler", "call")
WITH_ARGUMENT = ("fails", "file", "append", "insert", "prose", "not", "held by")


@dataclass(frozen=True)
class Block:
    document: Path
    line: int
    action: str  # empty: there is no mark
    argument: str
    left_out: str  # lines that begin so
    text: str

    @property
    def place(self) -> str:
        return f"{self.document.name}:{self.line}"

    @property
    def sessions(self) -> list[tuple[str, list[str]]]:
        """Commands, each with what is shown behind it."""
        lines = self.text.splitlines()
        has_prompt = any(line.startswith("$ ") for line in lines)
        found: list[tuple[str, list[str]]] = []
        for line in lines:
            if line.startswith("$ ") or not has_prompt:
                command = line.removeprefix("$ ").partition("  #")[0].strip()
                found.append((command, []))
            else:
                found[-1][1].append(line)
        return [(command, shown) for command, shown in found if not self.leaves_out(command)]

    def leaves_out(self, line: str) -> bool:
        return bool(self.left_out) and line.startswith(self.left_out)


def _parse(text: str) -> tuple[str, str, str]:
    """Action, argument, what is left out."""
    if match := BUT_FOR.fullmatch(text):
        return (*_parse(match["head"])[:2], match["start"])
    for action in WITH_ARGUMENT:
        if text.startswith(f"{action} "):
            return action, text.removeprefix(f"{action} "), ""
    return text, "", ""


def blocks_of(document: Path) -> list[Block]:
    """With the commands of the prose, in their order."""
    text = document.read_text()
    whole = WHOLE.search(text)
    found: list[Block] = []
    mark: tuple[str, str, str] | None = None
    lines: list[str] | None = None  # of the block that is open
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if lines is not None:
            if line.startswith("```"):
                action = mark or (_parse(whole["text"]) if whole else ("", "", ""))
                found.append(Block(document, start, *action, "\n".join(lines) + "\n"))
                mark = lines = None
            else:
                lines.append(line)
        elif line.startswith("```"):
            lines, start = [], number
        elif match := MARK.fullmatch(line.strip()):
            mark = _parse(match["text"])
            if mark[0] == "prose":
                found.append(Block(document, number, *mark, ""))
                mark = None
        elif line.strip():
            mark = None
    return found


def documents(top: Path) -> list[Path]:
    """What a user reads; what is written by `./scons docs` has no blocks to try."""
    return [
        top / "README.md",
        top / "CONTRIBUTING.md",
        *sorted((top / "docs").glob("*.md")),
        *sorted((top / "libs").glob("*/README.md")),
    ]

"""nasm, the assembler of .asm files: no part of any compiler, so it comes from the PATH."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ambilink.compile.identity import behind, identity_of, scripts_of
from ambilink.compile.toolset import Answers, places_before
from ambilink.errors import AmbilinkError

FORMATS = {"EM_X86_64": "elf64", "EM_386": "elf32"}  # by e_machine


@dataclass(frozen=True)
class Nasm:
    words: tuple[str, ...]  # the program, and the format of its output
    version: str
    files: tuple[str, ...]  # the program, and paths where another would have been found first

    @property
    def identity(self) -> str:
        """Which program exactly: another file of the same name is another one."""
        return f"{identity_of(self.words[:1])} {identity_of(behind(self.words[:1])[0])}".rstrip()

    @property
    def version_words(self) -> list[str]:
        """What a shared cache knows it by, wherever it is installed."""
        script = scripts_of(self.words[:1])
        return [f"nasm={self.version}", *([f"nasm={script}"] if script else [])]


def find_nasm(name: str, machine: str, path: str | None, answers_file: Path | None) -> Nasm:
    """`name` is looked up on `path`."""
    if machine not in FORMATS:
        raise AmbilinkError(name, f"makes no code for {machine}", "write this source in the compiler's assembly, as .S")
    program = shutil.which(name, path=path)
    if program is None:
        raise AmbilinkError(
            name,
            "is not on the PATH",
            "install nasm (Debian: nasm; PyPI's package of that name is another program), or set NASM to its path",
        )
    answers = Answers(answers_file)
    said = answers.ask((program, "-v"))
    answers.save()
    match = re.match(r"NASM version (\S+)", said)
    if match is None:
        raise AmbilinkError(program, "does not say which version of nasm it is", "set NASM to the path of nasm itself")
    return Nasm((program, "-f", FORMATS[machine]), match[1], tuple(places_before(program)))

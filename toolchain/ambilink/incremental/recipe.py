"""What is to be compiled, and how."""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property

from ambilink.files import as_argument


@dataclass(frozen=True)
class Recipe:
    """How all objects of a set are compiled; the source is added at the end."""

    words: tuple[str, ...]
    search: tuple[str, ...]  # folders of headers, in the compiler's order
    compiler: str  # which program exactly, beyond its name
    launcher: tuple[str, ...] = ()  # starts the program
    versions: tuple[str, ...] = ()  # what a shared cache knows the program by, wherever it is installed
    depfile_flags: tuple[str, ...] = ("-MD", "-MT", "x", "-MF")  # followed by the depfile's name
    lists_apart: bool = False  # with these flags it writes the depfile and nothing else: it is started once more
    searches_beside: bool = True  # by itself it searches the source's folder, too
    colour_flags: tuple[str, ...] = ()  # by which it prints in colour; they change no object
    moving: tuple[str, ...] = ()  # of the words: they name where the tree lies, and objects are the same wherever
    files: tuple[str, ...] = ()  # that the words name: response files, profiles
    unfollowed: str = ""  # a flag because of which it is not known what a compilation reads
    settings: tuple[str, ...] = ()  # variables of the environment that compilers obey, NAME=value

    @cached_property
    def key(self) -> str:
        parts = [self.compiler, *self.launcher, *(word for word in self.words if word not in self.moving)]
        return _digest([*parts, *self.settings])

    def key_of(self, job: "Job") -> str:
        return _digest([self.key, job.extra]) if job.extra else self.key

    def command(self, source: str, output: str) -> list[str]:
        beside = [] if self.searches_beside else [f"-I{os.path.dirname(source) or '.'}/"]
        return [*self.launcher, *self.words, *beside, "-o", as_argument(output), as_argument(source)]

    def commands(self, source: str, output: str, depfile: str, *, coloured: bool = False) -> list[list[str]]:
        """What makes an object and its depfile, one after the other."""
        words, listing = self.command(source, output), [*self.depfile_flags, as_argument(depfile)]
        if coloured:
            words[-3:-3] = self.colour_flags
        if self.lists_apart:
            return [words, [*words[:-3], *listing, words[-1]]]
        return [[*words[:-3], *listing, *words[-3:]]]

    @property
    def is_late(self) -> bool:
        """Whether objects are turned into code when programs are linked."""
        return any(word.startswith("-flto") for word in self.words)

    @property
    def at_once(self) -> "Recipe":
        return replace(self, words=(*self.words, "-fno-lto"))

    def earlier(self, source: str, output: str, *stage: str) -> list[str]:
        """The command for an earlier stage of the same compilation: -E or -S."""
        words = [each for word in self.words for each in (stage if word == "-c" else [word])]
        return [*words, "-fno-lto", "-w", "-o", as_argument(output), as_argument(source)]


@dataclass(frozen=True)
class Job:
    target: str
    source: str
    inputs: tuple[str, ...] = ()  # files that it depends on, as was declared, whatever the compiler says
    extra: str = ""  # what else it depends on: another text is another command


@dataclass(frozen=True)
class Stale:
    """An object that must be compiled, and why."""

    job: Job
    reason: str  # in words: "libs/x.c changed"
    cause: str  # the file that changed, or ""
    recipe: Recipe


def _digest(parts: list[str]) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

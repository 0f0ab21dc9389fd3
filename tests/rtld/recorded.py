"""The same cases as services: what is built and what glibc answers is kept, for an image that holds them all.

The files are the very ones that glibc linked, but for names: in one image two cases cannot both have a liba.so. So the
second and third letter of each library's name give way to the case's number, in the file's strings as well.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ambilink.elf.inspect import inspect

from .semantics import LIBC, Case, Toolchain

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
THEIRS, OURS = b"libc.so.6\0", b"libc.so\0\0\0"


@dataclass(frozen=True)
class Recorded:
    """A program with its libraries as they were when it was judged."""

    label: str  # the test
    number: int
    files: dict[str, bytes]  # by the test's names; "program"
    preload: str
    arguments: tuple[str, ...]
    output: str  # expected; empty: it is refused
    refusal: str

    @property
    def service(self) -> str:
        return f"case{self.number}"

    def name(self, library: str) -> str:
        high, low = divmod(self.number, len(DIGITS))
        return f"{library[0]}{DIGITS[high]}{DIGITS[low]}{library[3:]}"

    @property
    def names(self) -> dict[str, str]:
        return {each: self.name(each) for each in self.files if each != "program"}

    def contents(self, file: str) -> bytes:
        data = self.files[file].replace(THEIRS, OURS)
        for old, new in self.names.items():
            data = re.sub(rb"(?<!\w)" + re.escape(old.encode()) + rb"(?=\0)", new.encode(), data)
        return data

    def named(self, text: str) -> str:
        """A message of the test's, as it is about the image's files."""
        for old, new in self.names.items():
            text = text.replace(old, new)
        return text.replace("program needs", f"{self.service} needs")

    def spoken(self, lines: list[str]) -> str:
        """What a console's lines say, in the test's names. Where a line was interrupted, it goes on in another."""
        own = [line.partition(": ")[2] for line in lines if line.startswith(f"{self.service}: ")]
        text = "".join(own)
        for old, new in self.names.items():
            text = text.replace(new, old)
        return text


class RecordedCase(Case):
    """`ours` is the build folder."""

    def __init__(self, folder: Path, tools: Toolchain, build: Path, label: str, numbers: Iterator[int]) -> None:
        super().__init__(folder, tools, build)
        self.label, self.numbers = label, numbers
        self.found: list[Recorded] = []

    @property
    def programs(self) -> list[Path]:
        return [self.folder / "program", self.folder / "service"]

    def _linked(self, flags: tuple[str, ...], inputs: list[Path], needs: tuple[str, ...]) -> None:
        start = [*self.ours.glob("obj/start/pic/start/**/*.o"), self._start("service")]
        own = [self.ours / f"lib/{name}" for name in ("librtld.a", "libc.so", "libsys.so")]
        libraries = [path for path in self._needs(needs) if path != LIBC]
        words = ["--build-id=sha1", *flags, "/lib/ld.so", "-o", self.folder / "service", *inputs, *start]
        self._run(*self.tools.ld, "-z", "relro", "-z", "noexecstack", *words, *libraries, *own)

    def _record(self, output: str, preload: str = "", refusal: str = "") -> None:
        files = {path.name: path.read_bytes() for path in self.folder.glob("*.so")}
        files["program"] = (self.folder / "service").read_bytes()
        number = next(self.numbers)
        self.found.append(Recorded(self.label, number, files, preload, self.arguments, output, refusal))

    def compare(self, preload: str = "") -> str:
        output = self.machine_says(preload).output
        self._record(output, preload)
        return output

    def says(self, text: str) -> None:
        self._record(text)

    def refuses(self, text: str, judged: bool = False) -> None:
        self._record("", refusal=text)


def record(modules: list[ModuleType], tools: Toolchain, build: Path, folder: Path, linker: object) -> list[Recorded]:
    """All tests of these modules, run once with cases that only record."""
    found: list[Recorded] = []
    numbers = count()
    for module in modules:
        for name, test in vars(module).items():
            if not name.startswith("test_"):
                continue
            for values in _parameters(test):
                subject = module.__name__.rpartition("_")[2]
                label = f"{subject}: {name.removeprefix('test_')}{list(values.values()) or ''}"
                place = folder / f"case{len(list(folder.iterdir()))}"
                place.mkdir()
                case = RecordedCase(place, tools, build, label, numbers)
                wanted = {"case": case, "linker": linker} | values
                names = test.__code__.co_varnames[: test.__code__.co_argcount]
                try:
                    test(**{each: wanted[each] for each in names})
                except pytest.skip.Exception:
                    continue
                found += case.found
    return found


def _parameters(test: Callable[..., Any]) -> Iterator[dict[str, object]]:
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    for values in product(*(mark.args[1] for mark in marks)):
        yield {mark.args[0]: value for mark, value in zip(marks, values, strict=True)}


def needed(files: dict[str, Path], program: Path, preload: list[str]) -> set[str]:
    """The names among these that a program loads when it starts."""
    found: set[str] = set(preload)
    waiting = [program, *(files[name] for name in preload)]
    while waiting:
        info = inspect(waiting.pop())
        for name in [*info.needed, *(each for each, _ in info.filtees)]:
            if name in files and name not in found:
                found.add(name)
                waiting.append(files[name])
    return found

"""Boots of images whose digests are right, and one of whose ELF files is malformed.

`./scons malformed-boot count=252` draws a file and how it is damaged (tests/elf/mutate.py), for each linking strategy,
boots each, and prints a table; tests/boot/test_never_comes.py does a few. Each boot must come to a verdict: passed
where nothing uses what is damaged, else failed with its cause; a program that is damaged so that it loops must be
named. Exit status: 1 if one is not so."""

import random
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ambilink.bootimage.container import ImageFile, read
from ambilink.bootimage.layout import FileKind
from ambilink.machine.model import Verdict
from tests.elf.mutate import Recipe, draw

from . import campaign
from .conftest import STRATEGIES, System, boot, repack, set_strategy, whole

SECONDS = 20.0  # of the machine's own time, in which these systems end hundreds of times
COLUMNS = ("boots", "passed", "failed, with a cause", "loops, is named", "without a cause")
Contents = dict[str, tuple[FileKind, bytes]]


@dataclass(frozen=True)
class Malformed:
    strategy: str
    name: str
    recipe: Recipe

    def __str__(self) -> str:
        return f"{self.strategy}: {self.name}: {self.recipe}"


@dataclass(frozen=True)
class Judged:
    case: Malformed
    verdict: Verdict
    reasons: tuple[str, ...]
    text: tuple[str, ...]

    @property
    def column(self) -> str:
        if self.verdict is Verdict.PASS:
            return COLUMNS[1]
        if not self.reasons:
            return COLUMNS[4]
        return {Verdict.FAIL: COLUMNS[2], Verdict.TIMEOUT: COLUMNS[3]}.get(self.verdict, COLUMNS[4])


def contents_of(image: ImageFile) -> Contents:
    return {file.name: (file.kind, image.archive.contents(file)) for file in image.archive.files}


def prepare(build: Path, folder: Path, strategy: str) -> ImageFile:
    """A sound image, and its ELF files beside it."""
    image = read(set_strategy(whole(System(build, folder)), strategy).pack())
    for name, (kind, data) in contents_of(image).items():
        if kind.is_elf:
            (folder / "sound" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "sound" / name).write_bytes(data)
    return image


def draws(chance: random.Random, strategy: str, folder: Path) -> Iterator[Malformed]:
    sound = folder / "sound"
    names = sorted(str(path.relative_to(sound)) for path in sound.rglob("*") if path.is_file())
    while True:
        name = chance.choice(names)
        yield Malformed(strategy, name, draw(chance, sound / name))


def judge(build: Path, folder: Path, image: ImageFile, case: Malformed) -> Judged:
    data = case.recipe.apply(folder / "sound" / case.name)
    assert data is not None
    contents = contents_of(image)
    with TemporaryDirectory(dir=folder) as own:
        copy = read_copy(image, Path(own))
        repack(build, copy, {**contents, case.name: (contents[case.name][0], data)})
        result = boot(build, copy.path, timeout=SECONDS)
    return Judged(case, result.outcome.verdict, tuple(result.reasons), tuple(result.outcome.text))


def read_copy(image: ImageFile, folder: Path) -> ImageFile:
    path = folder / image.path.name
    path.write_bytes(image.data)
    return read(path)


def table(judged: list[Judged]) -> list[str]:
    rows: dict[str, Counter[str]] = {}
    for each in judged:
        rows.setdefault(each.case.strategy, Counter()).update((COLUMNS[0], each.column))
    return campaign.table("strategy", COLUMNS, rows)


def main() -> int:
    run = campaign.Campaign.of_arguments(__doc__, 252)
    found: list[Judged] = []
    with TemporaryDirectory() as scratch, ProcessPoolExecutor() as pool:
        for number, strategy in enumerate(STRATEGIES):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            image, cases = prepare(run.build, folder, strategy), draws(run.chance, strategy, folder)
            share = run.share(number, len(STRATEGIES))
            jobs = [pool.submit(judge, run.build, folder, image, next(cases)) for _ in range(share)]
            for job in jobs:
                found.append(each := job.result())
                if each.column == COLUMNS[4]:
                    print(each.case, each.verdict.value, *each.text[-8:], sep="\n    ", flush=True)
        print("\n".join(table(found)))
    without = sum(each.column == COLUMNS[4] for each in found)
    print(f"{len(found)} boots, {without} without a verdict or its cause")
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main())

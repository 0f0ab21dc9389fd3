"""Images in which bits are flipped: what `image verify` and a boot make of them.

`./scons flip-image count=2000` flips bits all over images of each strategy, verifies and boots each of them, and prints
a table by region; tests/boot/test_flip_image.py does a few. What a boot uses is taken from a boot of the image as it
is: the kernel's own list of the pages that it compared."""

import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ambilink.bootimage.container import damaged, parse, read, signing_code
from ambilink.bootimage.keys import make_keys, read_private
from ambilink.bootimage.layout import PAGE_SIZE, round_up
from ambilink.bootimage.signing import resign
from ambilink.bootimage.tree import DigestKind
from ambilink.elf.file import ElfFile
from ambilink.elf.layout import PT_LOAD
from ambilink.errors import AmbilinkError
from ambilink.machine.boot import boot
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import BootRequest, Outcome, Verdict
from ambilink.verify.kernel_file import with_kernel
from ambilink.verify.kernel_state import read_kernel_state
from ambilink.verify.page_tables import kernel_pages

from . import campaign
from .conftest import STRATEGIES, System, set_strategy, whole

SECONDS = {"emulator": 20.0, "qemu": 10.0}
INTACT = 1  # TREE_INTACT of libs/imagetree
GUARD_STATE = 8  # offset of `state` in struct page_guard of boot/kernel/memory/guard.h
SIGNED = "signed"  # and linked by the loader service
SIGNING = "kernel: signatures, not used"
MACHINES_OWN = ("ELF headers", "sections and symbols", "space outside of segments")  # nothing at boot checks them
REPORTED = re.compile(r"is damaged|boot image refused|no boot image in memory|the kernel is damaged")


@dataclass(frozen=True)
class Region:
    name: str
    start: int
    end: int  # in the file

    @property
    def size(self) -> int:
        return self.end - self.start


def regions(path: Path) -> list[Region]:
    """Every byte of an image, in order."""
    image = read(path)
    elf = ElfFile(path, image.data)
    at, header = image.archive_offset, image.archive.header
    found = [Region("ELF headers", 0, 64 + 56 * len(elf.segments))]
    signing = signing_code(elf)
    if header.digest_kind is DigestKind.BLAKE3:  # a part of the kernel as any other
        signing = range(0)
    found += [Region(SIGNING, signing.start, signing.stop)] if signing else []
    for each in elf.segments:
        if each.type == PT_LOAD and each.offset != at and each.file_size:
            end = each.offset + each.file_size
            start = signing.stop if signing.start == each.offset else each.offset
            found.append(Region("kernel", start, end))
    found += [
        Region("header", at, at + PAGE_SIZE),
        Region("directory", at + PAGE_SIZE, at + header.directory_size),
        Region("tree of digests", at + header.tree_offset, at + header.total_size),
        Region("sections and symbols", at + header.total_size, len(image.data)),
    ]
    seen = set()
    for file in image.archive.files:
        start, end = at + file.offset, at + file.offset + file.size
        if file.offset in seen:
            continue
        seen.add(file.offset)
        done = start
        for first, count in file.unread:
            code, code_end = start + first * PAGE_SIZE, start + (first + count) * PAGE_SIZE
            found += [Region("files: the rest", done, code), Region("files: code and constants", code, code_end)]
            done = code_end
        found += [Region("files: the rest", done, end), Region("padding", end, start + round_up(file.size))]
    found = sorted((each for each in found if each.size), key=lambda each: each.start)
    gaps, end = [], 0
    for each in found:
        gaps += [Region("space outside of segments", end, each.start)] if each.start > end else []
        end = max(end, each.end)
    return sorted(found + gaps, key=lambda each: each.start)


def _kernel_bytes(memory: PhysicalMemory, table: int, address: int, size: int) -> bytes:
    """What the kernel has at an address of its own."""
    pages = {page.address: page.frame for page in kernel_pages(memory, table) if page.size == PAGE_SIZE}
    return b"".join(
        memory.read(
            pages[here & -PAGE_SIZE] + here % PAGE_SIZE, min(PAGE_SIZE - here % PAGE_SIZE, address + size - here)
        )
        for here in range(address, address + size, PAGE_SIZE)
    )


def used_pages(path: Path, outcome: Outcome) -> frozenset[int]:
    """Pages of the archive that a boot compared."""
    image = read(path)
    assert outcome.memory is not None
    state = read_kernel_state(image, outcome.memory)
    place = image.physical(image.symbols["page_guard"])
    assert state is not None and place is not None
    table = state.processes[0].page_table
    states = _kernel_bytes(
        outcome.memory, table, outcome.memory.word(place + GUARD_STATE), image.archive.header.total_size // PAGE_SIZE
    )
    return frozenset(page for page, known in enumerate(states) if known == INTACT)


@dataclass(frozen=True)
class Flipped:
    """One case: bits of one image, by byte and bit."""

    region: str
    bits: tuple[tuple[int, int], ...]
    page: int  # of the archive; -1: outside

    def apply(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for at, bit in self.bits:
            changed[at] ^= 1 << bit
        return bytes(changed)


@dataclass(frozen=True)
class Judged:
    case: Flipped
    unseen: bool  # by verify
    verdict: str
    wrong: str | None
    text: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """An image as it is, and what a boot of it uses."""

    path: Path
    regions: tuple[Region, ...]
    used: frozenset[int]

    @classmethod
    def of(cls, path: Path) -> "Subject":
        outcome = _boot(path, "emulator")
        assert outcome.verdict is Verdict.PASS, outcome.text
        return cls(path, tuple(regions(path)), used_pages(path, outcome))

    def flips(self, chance: random.Random) -> Iterator[Flipped]:
        """Half of them by size, half of them by region; most flip one bit."""
        image = read(self.path)
        names = sorted({each.name for each in self.regions})
        while True:
            weights = [each.size for each in self.regions]
            if chance.random() < 0.5:
                name = chance.choice(names)
                weights = [each.size if each.name == name else 0 for each in self.regions]
            region = chance.choices(self.regions, weights)[0]
            start = chance.randrange(region.start, region.end)
            count = chance.choice((1, 1, 1, 2, 8))
            places = {min(start + chance.randrange(16), region.end - 1) if i else start for i in range(count)}
            bits = tuple((at, chance.randrange(8)) for at in sorted(places))
            at = start - image.archive_offset
            page = at // PAGE_SIZE if 0 <= at < len(image.archive.data) else -1
            yield Flipped(region.name, bits, page)

    def is_used(self, case: Flipped) -> bool:
        """By a boot, which checks it then."""
        return case.page in self.used if case.page >= 0 else case.region not in (*MACHINES_OWN, SIGNING)

    def judge(self, case: Flipped, machine: str = "emulator") -> Judged:
        data = case.apply(self.path.read_bytes())
        with TemporaryDirectory() as folder:
            path = Path(folder) / "boot.img"
            path.write_bytes(data)
            try:
                unseen = not damaged(parse(path, data))
            except AmbilinkError:
                unseen = False
            try:
                outcome = _boot(path, machine)
            except AmbilinkError as error:  # no machine is handed such a file
                return Judged(case, unseen, "refused", None, (str(error),))
        return Judged(case, unseen, outcome.verdict.value, self._wrong(case, outcome), tuple(outcome.text))

    def _wrong(self, case: Flipped, outcome: Outcome) -> str | None:
        used, text = self.is_used(case), outcome.text
        if outcome.verdict is Verdict.PASS:
            return "passed, and used what was altered" if used else None
        if not used:
            # What the machine reads of the file may keep it from starting; pages that are not used must do no harm.
            return None if case.region in MACHINES_OWN else "failed for a page that it does not use"
        if case.page < 0:
            return None  # the kernel may be too damaged to say so
        return None if any(REPORTED.search(line) for line in text) else "failed, and no message names the page"


def _boot(path: Path, machine: str) -> Outcome:
    return boot(machine, with_kernel(BootRequest(path, seed=1, timeout=SECONDS[machine])))


def pack(build: Path, folder: Path, strategy: str) -> Path:
    return set_strategy(whole(System(build, folder)), strategy).pack()


def judge(subject: Subject, cases: Iterable[Flipped], machine: str = "emulator") -> Iterator[Judged]:
    with ProcessPoolExecutor() as pool:
        yield from pool.map(partial(_judge, subject, machine), list(cases), chunksize=4)


def _judge(subject: Subject, machine: str, case: Flipped) -> Judged:
    return subject.judge(case, machine)


def table(subjects: dict[str, Subject], judged: list[tuple[str, Judged]]) -> list[str]:
    """By region: how many, and what became of them."""
    rows: dict[str, Counter[str]] = {}
    for name, each in judged:
        row = rows.setdefault(each.case.region, Counter())
        used = subjects[name].is_used(each.case)
        passed = each.verdict == Verdict.PASS.value
        reported = any(REPORTED.search(line) for line in each.text)
        row["flips"] += 1
        row["unseen"] += each.unseen
        row["unused, passed"] += passed and not used
        row["used, passed"] += passed and used
        row["refused, named"] += not passed and reported
        row["failed otherwise"] += not passed and not reported
    columns = ("flips", "unseen", "unused, passed", "used, passed", "refused, named", "failed otherwise")
    return campaign.table("region", columns, rows)


def main() -> int:
    run = campaign.Campaign.of_arguments(__doc__, 200)
    subjects: dict[str, Subject] = {}
    found: list[tuple[str, Judged]] = []
    with TemporaryDirectory() as scratch:
        kinds = [*STRATEGIES, SIGNED]
        for number, strategy in enumerate(kinds):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            path = pack(run.build, folder, "loader" if strategy == SIGNED else strategy)
            if strategy == SIGNED:
                make_keys(folder / "key.pem", folder / "public.pem")
                path.write_bytes(resign(read(path), read_private(folder / "key.pem"), 1, 1))
            subjects[strategy] = subject = Subject.of(path)
            share, flips = run.share(number, len(kinds)), subject.flips(run.chance)
            for each in judge(subject, [next(flips) for _ in range(share)]):
                found.append((strategy, each))
                if each.unseen or each.wrong:
                    what = "unseen by verify" if each.unseen else each.wrong
                    print(f"{strategy}: {each.case}: {what}", *each.text[-12:], sep="\n    ", flush=True)
            print(f"{strategy}: {share} images", flush=True)
        print("\n".join(table(subjects, found)))
    bad = sum(each.unseen or each.wrong is not None for _, each in found)
    wrong = "unseen by verify, passed although what was altered was used, or failed without a cause"
    print(f"{len(found)} images, {bad} {wrong}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

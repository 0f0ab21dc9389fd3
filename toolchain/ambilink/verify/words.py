"""Whether every word that a relocation touched is what the reference model computes for the addresses found.

The guest is asked for nothing: addresses come from page tables, files from the boot image, and words from frames.
A process is looked at when it begins, where the machine can stop there: its linker is done, and no instruction of its
own has run. What relocates itself later, and every process of a machine that cannot stop, is looked at after the boot:
words that a program may not change (RELRO) must be right then too, and those that it changed since are counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.start_block import link_at
from ambilink.elf.inspect import ElfInfo
from ambilink.elf.layout import PAGE
from ambilink.link.module import Module
from ambilink.link.relocate import Link, slots_of
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import Stops
from ambilink.verify.kernel_state import KernelState, Process, read_kernel_state
from ambilink.verify.modules import MappedModule, Modules
from ambilink.verify.page_tables import Page, user_pages

STOP_SYMBOL = "process_begins"  # of the kernel


@dataclass(frozen=True)
class Snapshot:
    """A process at one moment: its pages, and the contents of those that are not the image's."""

    image: ImageFile
    process: Process
    pages: Mapping[int, Page]
    contents: Mapping[int, bytes]  # by frame
    began: bool  # it may have written what it may write

    @classmethod
    def take(cls, image: ImageFile, memory: PhysicalMemory, process: Process, *, began: bool) -> "Snapshot":
        pages = {page.address: page for page in user_pages(memory, process.page_table)}
        own = {page.frame for page in pages.values() if image.file_at(page.frame) is None}
        return cls(image, process, pages, {frame: memory.read(frame, PAGE) for frame in own}, began)

    def read(self, address: int, size: int) -> bytes | None:
        """None where nothing is mapped."""
        result = b""
        while len(result) < size:
            page = self.pages.get(address & -PAGE)
            if page is None:
                return None
            contents, at = self.contents.get(page.frame), address % PAGE
            if contents is None:
                # The image is only read; whose frame it is, others check.
                contents, at = self.image.archive.data, page.frame - self.image.archive_address + at
            part = contents[at : at + min(size - len(result), PAGE - address % PAGE)]
            result += part
            address += len(part)
        return result


class Beginnings:
    """Takes a snapshot of each process that begins while a machine runs."""

    def __init__(self, image: ImageFile) -> None:
        self.image = image
        self.snapshots: list[Snapshot] = []

    @property
    def stops(self) -> Stops:
        address = self.image.symbols.get(STOP_SYMBOL)
        return {} if address is None else {address: self._take}

    def _take(self, memory: PhysicalMemory) -> None:
        state = read_kernel_state(self.image, memory)
        if state and state.beginning:
            self.snapshots.append(Snapshot.take(self.image, memory, state.beginning, began=False))


@dataclass
class WordReport:
    """Sums over processes."""

    processes: int = 0
    objects: int = 0
    equal: int = 0  # words that relocations touched
    changed: int = 0  # by the program, before anybody looked
    unresolved: int = 0  # that the program's own functions fill when it starts (IRELATIVE)
    failures: list[str] = field(default_factory=list)


class Comparison:
    def __init__(self, image: ImageFile) -> None:
        self.image, self.modules = image, Modules(image)
        self.report = WordReport()

    def images(self, process: Process, names: Sequence[str]) -> list[Module]:
        found = {}
        for name in names:
            file = self.image.archive.file(name)
            assert file is not None
            found[name] = Module(name, Path(f"{self.image.path}:{name}"), self.image.archive.contents(file))
        for each in found.values():
            each.needed = [found[self.modules.provider(process, soname)] for soname in each.needed_names]
        return list(found.values())

    def expected(self, process: Process, found: Sequence[MappedModule]) -> Link | None:
        """None where a file of the closure is not mapped, which others report."""
        biases = {module.file.name: module.base for module in found}
        names = self.modules.closure(process)
        if not names or any(name not in biases for name in names):
            return None
        return link_at(self.images(process, names), [biases[name] for name in names])

    def compare(self, snapshot: Snapshot, result: Link, *, again: bool) -> None:
        """`again`: the process was counted before; only what went wrong since is of interest."""
        process = snapshot.process
        report = WordReport(failures=self.report.failures) if again else self.report
        report.processes += 1
        report.objects += len(result.modules)
        waiting = {ifunc.place for ifunc in result.ifuncs}
        for image in result.modules:
            for address, want in slots_of(image):
                place = image.bias + address
                if place in waiting:
                    report.unresolved += 1
                    continue
                have = snapshot.read(place, len(want))
                page = snapshot.pages.get(place & -PAGE)
                if have == want:
                    report.equal += 1
                elif (
                    snapshot.began and page and page.writable and not _in_relro(self.modules.elves[image.name], address)
                ):
                    report.changed += 1
                else:
                    found = "not mapped" if have is None else f"{int.from_bytes(have, 'little'):#x}"
                    report.failures.append(
                        f"{process.name} (process {process.number}): {image.name}: the word at {address:#x} is "
                        f"{found}, and its relocation makes it {int.from_bytes(want, 'little'):#x}"
                    )


def _in_relro(elf: ElfInfo, address: int) -> bool:
    """In whole pages of it; the rest of the last one stays writable."""
    start, size = elf.relro or (0, 0)
    return start <= address < (start + size) & -PAGE


def verify_words(
    image: ImageFile, beginnings: Sequence[Snapshot], memory: PhysicalMemory, state: KernelState
) -> WordReport:
    """Each process as it began, and each that is there after the boot."""
    comparison = Comparison(image)
    after = [Snapshot.take(image, memory, process, began=True) for process in state.processes]
    seen: set[int] = set()
    for snapshot in (*beginnings, *after):
        if comparison.modules.links_itself(snapshot.process) and not snapshot.began:
            continue
        result = comparison.expected(snapshot.process, comparison.modules.find(snapshot.pages))
        if result is not None:
            comparison.compare(snapshot, result, again=snapshot.process.number in seen)
            seen.add(snapshot.process.number)
    return comparison.report

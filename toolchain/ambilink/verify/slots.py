"""Whether every process has in its writable segments what a second linker computes for the addresses found.

The guest is asked for nothing: addresses come from page tables, files from the boot image, contents from frames.
A process is looked at when it begins, where the machine can stop there: its linker is done, and no instruction of its
own has run, so every byte must be right. What relocates itself later, and every process of a machine that cannot stop,
is looked at after the boot: what a program may not change (RELRO) must be right then too, and slots that it changed
since are counted.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.layout import BindTime, Linker
from ambilink.bootimage.start_block import MASK
from ambilink.core import Linker as CoreLinker
from ambilink.core import load_linker
from ambilink.elf.layout import STT_GNU_IFUNC
from ambilink.link.closure import load_needed
from ambilink.link.lazy import Waiting, relro_pages
from ambilink.link.module import Module
from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory
from ambilink.verify.expected import Expected, Judge, Judges, Slot, slots_of
from ambilink.verify.kernel_state import KernelState, Process
from ambilink.verify.modules import MappedModule, Modules
from ambilink.verify.snapshot import Snapshot
from ambilink.verify.start_tables import read_start_block


@dataclass
class Counts:
    """Sums over the processes that one linker judged."""

    processes: int = 0
    objects: int = 0
    equal: int = 0  # relocated slots
    changed: int = 0  # by the program, before it was looked at
    pending: int = 0  # that the program's own functions fill when it starts (IRELATIVE)
    waiting: int = 0  # after the boot: of functions that are bound when they are called
    bound: int = 0  # of these


@dataclass(frozen=True)
class Bound:
    """A function that a program called, and that was bound then."""

    process: str
    object: str
    symbol: str
    provider: str  # "": it came after the start


@dataclass
class SlotReport:
    judges: dict[Judge, Counts] = field(default_factory=dict)
    missing: str = ""  # why the model judged itself: there is no linker core here
    bound: list[Bound] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    at_start: list[str] = field(default_factory=list)  # of these, what was wrong before a process began

    @property
    def total(self) -> Counts:
        sums: Counter[str] = Counter()
        for counts in self.judges.values():
            sums.update(vars(counts))
        return Counts(**sums)


class Comparison:
    def __init__(self, image: ImageFile, linker: Callable[[], CoreLinker] = load_linker) -> None:
        self.image, self.modules = image, Modules(image)
        self.report = SlotReport()
        self.judges = Judges(linker)
        self._files: dict[str, Module] = {}
        self._slots: dict[str, list[Slot]] = {}

    def judge_of(self, process: Process) -> Judge:
        """Another one than wrote: see expected.py. The core does not know preloads, which glibc judges in tests."""
        service = self.modules.service_of(process)
        return Judge.CORE if service and service.linker is Linker.PACK and not service.preload else Judge.MODEL

    def _file(self, name: str) -> Module:
        if name not in self._files:
            file = self.image.archive.file(name)
            assert file is not None
            self._files[name] = Module(name, Path(f"{self.image.path}:{name}"), self.image.archive.contents(file))
        return self._files[name]

    def slots(self, module: Module) -> list[Slot]:
        if module.name not in self._slots:
            self._slots[module.name] = slots_of(module)
        return self._slots[module.name]

    def expected(self, process: Process, found: Sequence[MappedModule]) -> Expected | None:
        """None where a file of the closure is not mapped, which others report."""
        biases = {module.file.name: module.base for module in found}
        names = self.modules.closure(process)
        if not names or any(name not in biases for name in names):
            return None
        closure = [self._file(name) for name in (names[0], *self.modules.preload(process))]

        def need(module: Module, soname: str, optional: bool) -> Module | None:
            name = self.modules.provider(process, soname)
            return self._file(name) if name in biases or not optional else None

        load_needed(closure, need)
        service = self.modules.service_of(process)
        return self.judges.expected(
            self.judge_of(process),
            closure,
            [biases[module.name] for module in closure],
            lazy=service is not None and service.binding is BindTime.LAZY,
        )

    def compare(self, snapshot: Snapshot, expected: Expected, *, again: bool) -> None:
        """`again`: the process was counted before; only what went wrong since is of interest."""
        counts = Counts() if again else self.report.judges.setdefault(expected.judge, Counts())
        counts.processes += 1
        counts.objects += len(expected.modules)
        known = self._check_start(snapshot, expected)
        for module, bias, contents in zip(expected.modules, expected.biases, expected.contents, strict=True):
            for start, want in contents:
                view = _Segment(snapshot, module, bias, start, want, known)
                self._compare_segment(view, expected, counts)

    def _fail(self, snapshot: Snapshot, text: str) -> None:
        line = f"{snapshot.process.name} (process {snapshot.process.number}): {text}"
        if line not in self.report.failures:
            self.report.failures.append(line)
            self.report.at_start += [] if snapshot.began else [line]

    def _check_start(self, snapshot: Snapshot, expected: Expected) -> dict[int, bytes]:
        """The start block; what belongs into memory beside the slots, by address."""
        program, bias = expected.modules[0], expected.biases[0]
        debug = bias + program.debug_address if program.debug_address else None
        if self.modules.links_itself(snapshot.process):
            # Its own dynamic linker chose where DT_DEBUG leads.
            found = snapshot.read(debug, 8) if debug else None
            return {debug: found} if debug and found else {}
        block = read_start_block(snapshot)
        if block is None:
            self._fail(snapshot, "has no start block")
            return {}
        for what, want in vars(expected.tables).items():
            if text := _difference(getattr(block.tables, what), want):
                self._fail(snapshot, f"its start block: {what.replace('_', ' ')}: {text.format(expected.judge.value)}")
        return {debug: block.link.to_bytes(8, "little")} if debug else {}

    def _check_waiting(self, view: "_Segment", expected: Expected) -> None:
        """Each slot of a function that is bound when it is called has one of two values; what they lead on by stays."""
        counts = self.report.judges[expected.judge]
        for place, value in expected.kept.items():
            if view.holds(place) and view.word(place) != value:
                what = f"the word at {place:#x}, which its calls lead on by, is another"
                self._fail(view.snapshot, f"{view.module.name}: {what}")
        for place, waiting in expected.waiting.items():
            if not view.holds(place):
                continue
            counts.waiting += 1
            if view.word(place) == waiting.unbound:
                continue
            counts.bound += 1
            found = waiting.found
            self.report.bound.append(
                Bound(view.snapshot.process.name, view.module.name, waiting.symbol, found.module.name if found else "")
            )
            if not view.may_hold(place, waiting):
                self._fail(
                    view.snapshot,
                    f"{view.module.name}: the slot of {waiting.symbol}, which is bound at its first call, holds "
                    f"{view.word(place):#x}, which is neither its PLT entry nor what {expected.judge.value} computes",
                )
            view.take_over([place])

    def _compare_segment(self, view: "_Segment", expected: Expected, counts: Counts) -> None:
        slots = self.slots(view.module)
        first = bisect_left(slots, view.start, key=lambda slot: slot.address)
        last = bisect_left(slots, view.start + len(view.want), key=lambda slot: slot.address)
        slots = slots[first:last]
        if view.have is None:
            self._fail(view.snapshot, f"{view.module.name}: not all writable pages from {view.start:#x} on are mapped")
            return
        if view.snapshot.began:
            self._check_waiting(view, expected)
        view.take_over(expected.pending)
        counts.pending += sum(view.bias + slot.address in expected.pending for slot in slots)
        wrong = [] if view.have == view.want else [slot for slot in slots if view.differs(slot)]
        changed = [slot for slot in wrong if view.may_change(slot.address)]
        counts.changed += len(changed)
        counts.equal += len(slots) - len(wrong) - sum(view.bias + slot.address in expected.pending for slot in slots)
        for slot in wrong:
            if slot not in changed:
                have, want = (int.from_bytes(data[view.at(slot)], "little") for data in (view.have, view.want))
                self._fail(
                    view.snapshot,
                    f"{view.module.name}: {slot} holds {have:#x}, and {expected.judge.value} computes {want:#x}",
                )
            view.want[view.at(slot)] = view.have[view.at(slot)]
        # Linkers of Linux keep data of their own there, and glibc's alters dynamic sections.
        is_foreign = self.modules.calls_linux(view.snapshot.process)
        address = None if is_foreign else view.first_difference()
        if address is not None:
            self._fail(
                view.snapshot, f"{view.module.name}: the byte at {address:#x}, which no relocation touches, is another"
            )


class _Segment:
    """A writable segment of a module: what is there, and what must be."""

    def __init__(
        self, snapshot: Snapshot, module: Module, bias: int, start: int, want: bytes, known: Mapping[int, bytes]
    ) -> None:
        self.snapshot, self.module, self.bias, self.start = snapshot, module, bias, start
        self.have = snapshot.read(bias + start, len(want))
        self.want = bytearray(want)
        for place, data in known.items():
            at = place - bias - start
            if 0 <= at <= len(want) - len(data):
                self.want[at : at + len(data)] = data

    def take_over(self, places: Iterable[int]) -> None:
        """What is there may be anything."""
        for place in places:
            at = place - self.bias - self.start
            if self.have is not None and 0 <= at <= len(self.want) - 8:
                self.want[at : at + 8] = self.have[at : at + 8]

    def holds(self, place: int) -> bool:
        return self.have is not None and 0 <= place - self.bias - self.start <= len(self.want) - 8

    def word(self, place: int) -> int:
        assert self.have is not None
        at = place - self.bias - self.start
        return int.from_bytes(self.have[at : at + 8], "little")

    def may_hold(self, place: int, waiting: Waiting) -> bool:
        """What its function's definition says; of one that another function chooses, or that came after the start, any
        code."""
        found, value = waiting.found, self.word(place)
        if found and found.symbol.type != STT_GNU_IFUNC:
            return value == found.address & MASK
        page = self.snapshot.page(value)
        return page is not None and page.executable

    def at(self, slot: Slot) -> slice:
        return slice(slot.address - self.start, slot.address - self.start + slot.size)

    def differs(self, slot: Slot) -> bool:
        return self.have is not None and self.have[self.at(slot)] != self.want[self.at(slot)]

    def _fixed(self) -> range:
        """p_vaddr of what the program may not have changed: all before it began, RELRO since."""
        if not self.snapshot.began:
            return range(self.start, self.start + len(self.want))
        start, end = relro_pages(self.module)
        return range(max(start, self.start), min(end, self.start + len(self.want)))

    def may_change(self, address: int) -> bool:
        page = self.snapshot.page(self.bias + address)
        return address not in self._fixed() and page is not None and page.writable

    def first_difference(self) -> int | None:
        """p_vaddr of the first fixed byte of the segment that is another. The rest of its pages is padding, where a
        linker that maps files leaves what the file has there."""
        fixed = self._fixed()
        load = next(load for load in self.module.loads if load.writable and load.address & -PAGE_SIZE == self.start)
        fixed = range(max(fixed.start, load.address), min(fixed.stop, load.end))
        part = slice(fixed.start - self.start, fixed.stop - self.start)
        if self.have is None or not fixed or self.have[part] == self.want[part]:
            return None
        pairs = zip(self.have[part], self.want[part], strict=True)
        return next(fixed.start + index for index, (have, want) in enumerate(pairs) if have != want)


def _difference(have: object, want: object) -> str:
    """Where two values, or two sequences, differ, with {} for who computes the wanted one; "": nowhere."""
    if not isinstance(have, list) or not isinstance(want, list):
        return "" if have == want else f"{have}, and {{}} computes {want}"
    for index, (one, other) in enumerate(zip(have, want, strict=False)):
        if one != other:
            return f"entry {index} is {_hex(one)}, and {{}} computes {_hex(other)}"
    return "" if len(have) == len(want) else f"{len(have)} entries, and {{}} computes {len(want)}"


def _hex(value: object) -> str:
    return " ".join(f"{word:#x}" for word in value) if isinstance(value, tuple) else f"{value:#x}"


def verify_slots(
    image: ImageFile,
    starts: Sequence[Snapshot],
    memory: PhysicalMemory,
    state: KernelState,
    linker: Callable[[], CoreLinker] = load_linker,
) -> SlotReport:
    """Each process as it began, and each that is there after the boot. `linker`: the C core."""
    comparison = Comparison(image, linker)
    kept = [process for process in state.processes if process.page_table]
    after = [Snapshot.take(image, memory, process, began=True) for process in kept]
    seen: set[int] = set()
    for snapshot in (*starts, *after):
        if comparison.modules.links_itself(snapshot.process) and not snapshot.began:
            continue
        expected = comparison.expected(snapshot.process, comparison.modules.find(snapshot.pages, snapshot.process))
        if expected is not None:
            comparison.compare(snapshot, expected, again=snapshot.process.number in seen)
            seen.add(snapshot.process.number)
    comparison.report.missing = comparison.judges.missing
    return comparison.report

"""Whether a booted system is what was promised: shared read-only pages, no W+X, RELRO applied.

Nothing that the guest says is believed: which file lies where is found from the page tables and the frames
of the boot image, and compared with what the image's own files ask for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.layout import FileKind
from ambilink.elf.inspect import ElfInfo
from ambilink.errors import AmbilinkError
from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory
from ambilink.verify.kernel_state import KernelState, Process
from ambilink.verify.modules import MappedModule, Modules
from ambilink.verify.page_tables import Page, kernel_pages, user_pages


class Rule(Enum):
    """What is promised of every process."""

    WRITE_OR_EXECUTE = "no page is writable and executable"
    MAPPED = "every page of a program and its libraries is mapped"
    SHARED = "read-only pages are the image's own frames"
    PROTECTED = "pages have the protection of their segments"
    PRIVATE = "writable pages lie outside the boot image"
    RELRO = "RELRO is read-only"
    ALIASES = "what is executed is writable by no address, the kernel's own included"


@dataclass(frozen=True)
class ProcessView:
    process: Process
    modules: list[MappedModule]
    pages: int  # mapped pages in all
    private_pages: int  # in frames that are not the image's
    frames: frozenset[int]  # all that it maps
    executed: frozenset[int]  # those of them that it may execute
    written: frozenset[int]


@dataclass
class LibraryUse:
    """One file of the image, over all processes."""

    name: str
    kind: FileKind
    read_only_pages: int  # of one copy
    processes: list[str] = field(default_factory=list)


@dataclass
class SystemReport:
    processes: list[ProcessView]
    files: list[LibraryUse]
    failures: list[str]
    unreadable: list[str]  # why a file of the image cannot be verified: no linker accepts it
    looked_at: Mapping[Rule, int]  # pages
    broken: Mapping[Rule, list[str]]  # of the failures
    given_back: list[Process]  # they ended, and others needed their memory: there is nothing to look at

    @property
    def shared_pages_saved(self) -> int:
        """Pages that further copies would have taken."""
        return sum(use.read_only_pages * (len(use.processes) - 1) for use in self.files if use.processes)


def _page_down(value: int) -> int:
    return value & ~(PAGE_SIZE - 1)


def _page_up(value: int) -> int:
    return _page_down(value + PAGE_SIZE - 1)


class _Checker:
    def __init__(self, image: ImageFile, memory: PhysicalMemory, state: KernelState) -> None:
        self.image, self.memory, self.state = image, memory, state
        self.failures: list[str] = []
        self.looked_at: Counter[Rule] = Counter({rule: 0 for rule in Rule})
        self.broken: dict[Rule, list[str]] = {}
        self.modules = Modules(image)
        self.uses = {
            file.name: LibraryUse(file.name, file.kind, self._read_only_pages(self.modules.elves[file.name]))
            for file in image.archive.files
            if file.name in self.modules.elves and self.modules.first_names[file.name] == file.name
        }

    @staticmethod
    def _read_only_pages(elf: ElfInfo) -> int:
        return sum(
            (_page_up(load.address + load.memory_size) - _page_down(load.address)) // PAGE_SIZE
            for load in elf.loads
            if not load.writable
        )

    def check(self, rule: Rule, holds: bool, process: Process, text: str) -> bool:
        self.looked_at[rule] += 1
        if not holds:
            line = f"{process.name} (process {process.number}): {text}"
            self.failures.append(line)
            self.broken.setdefault(rule, []).append(line)
        return holds

    def _is_finished(self, page: Page) -> bool:
        """A page that was relocated at build time, and is only read."""
        found = self.image.file_at(page.frame)
        return found is not None and found[0].kind is FileKind.PAGES and not page.writable

    def check_aliases(self, views: Sequence[ProcessView]) -> None:
        """Of all address spaces: processes share frames, and the kernel's map of all memory has them once more."""
        if not views:
            return
        kernel = list(kernel_pages(self.memory, views[0].process.page_table))
        executed = {frame for view in views for frame in view.executed}
        executed |= {page.frame + at for page in kernel if page.executable for at in range(0, page.size, PAGE_SIZE)}
        written = {frame for view in views for frame in view.written}
        large = [page for page in kernel if page.writable and page.size > PAGE_SIZE]
        written |= {page.frame for page in kernel if page.writable and page.size == PAGE_SIZE}
        written |= {each for each in executed if any(page.frame <= each < page.frame + page.size for page in large)}
        for frame in sorted(executed):
            self.looked_at[Rule.ALIASES] += 1
            if frame in written:
                line = f"the frame at {frame:#x} is executable, and writable by another address"
                self.failures.append(line)
                self.broken.setdefault(Rule.ALIASES, []).append(line)

    def check_module(self, process: Process, module: MappedModule, pages: dict[int, Page]) -> None:
        name = module.file.name
        file_frame = self.image.archive_address + module.file.offset
        # A page of two segments is the later one's.
        taken = {_page_down(each.address) for each in module.elf.loads if each.writable}
        for load in module.elf.loads:
            start = _page_down(load.address)
            for address in range(start, _page_up(load.address + load.memory_size), PAGE_SIZE):
                if not load.writable and address in taken:
                    continue
                page = pages.get(module.base + address)
                frame = file_frame + _page_down(load.offset) + address - start
                here = f"page at {address:#x}"
                mapped = self.check(Rule.MAPPED, page is not None, process, f"{name}: the {here} is not mapped")
                if page is None or not mapped:
                    continue
                if load.writable:
                    outside = not self.image.file_at(page.frame) or self._is_finished(page)
                    self.check(Rule.PRIVATE, outside, process, f"{name}: the writable {here} lies in the boot image")
                    continue
                text = f"{name}: the read-only {here} is a private copy, not the image's frame"
                if self.check(Rule.SHARED, page.frame == frame, process, text):
                    protected = not page.writable and page.executable == load.executable
                    text = f"{name}: the {here} has other protection than its segment"
                    self.check(Rule.PROTECTED, protected, process, text)
        if module.elf.relro:
            start, size = module.elf.relro
            for address in range(_page_down(start), _page_down(start + size), PAGE_SIZE):
                page = pages.get(module.base + address)
                if page:
                    text = f"{name}: the RELRO page at {address:#x} is writable"
                    self.check(Rule.RELRO, not page.writable, process, text)

    def view(self, process: Process) -> ProcessView:
        pages = {page.address: page for page in user_pages(self.memory, process.page_table)}
        for page in pages.values():
            text = f"the page at {page.address:#x} is writable and executable"
            self.check(Rule.WRITE_OR_EXECUTE, not (page.writable and page.executable), process, text)
        modules = self.modules.find(pages, process)
        for module in modules:
            self.check_module(process, module, pages)
            self.uses[module.file.name].processes.append(process.name)
        found = {module.file.name for module in modules}
        for name in self.modules.closure(process):
            text = f"{name} is needed and not mapped from the image's frames"
            # What no linker accepts is reported as such.
            if name not in self.modules.unreadable:
                self.check(Rule.MAPPED, name in found, process, text)
        private = sum(1 for page in pages.values() if self.image.file_at(page.frame) is None)
        return ProcessView(
            process,
            modules,
            len(pages),
            private,
            frozenset(page.frame for page in pages.values()),
            frozenset(page.frame for page in pages.values() if page.executable),
            frozenset(page.frame for page in pages.values() if page.writable),
        )


def verify_system(image: ImageFile, memory: PhysicalMemory, state: KernelState) -> SystemReport:
    if state.image_size and state.image_address != image.archive_address:
        raise AmbilinkError(image.path, "is not the image that the machine booted", "give the same file")
    checker = _Checker(image, memory, state)
    views = [checker.view(process) for process in state.processes if process.page_table]
    checker.check_aliases(views)
    unreadable = list(checker.modules.unreadable.values())
    return SystemReport(
        processes=views,
        files=list(checker.uses.values()),
        failures=checker.failures,
        unreadable=unreadable,
        looked_at=checker.looked_at,
        broken=checker.broken,
        given_back=[process for process in state.processes if not process.page_table],
    )

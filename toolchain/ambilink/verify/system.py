"""Whether a booted system is what was promised: shared read-only pages, no W+X, RELRO applied.

Nothing that the guest says is believed: which file lies where is found from the page tables and the frames
of the boot image, and compared with what the image's own files ask for.
"""

from dataclasses import dataclass, field

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.layout import FileKind
from ambilink.elf.inspect import ElfInfo
from ambilink.errors import AmbilinkError
from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory
from ambilink.verify.kernel_state import KernelState, Process
from ambilink.verify.modules import MappedModule, Modules
from ambilink.verify.page_tables import Page, user_pages


@dataclass(frozen=True)
class ProcessView:
    process: Process
    modules: list[MappedModule]
    pages: int  # mapped pages in all
    private_pages: int  # in frames of this process alone


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
        self.modules = Modules(image)
        self.uses = {
            file.name: LibraryUse(file.name, file.kind, self._read_only_pages(self.modules.elves[file.name]))
            for file in image.archive.files
            if file.kind.is_elf and self.modules.first_names[file.name] == file.name
        }

    @staticmethod
    def _read_only_pages(elf: ElfInfo) -> int:
        return sum(
            (_page_up(load.address + load.memory_size) - _page_down(load.address)) // PAGE_SIZE
            for load in elf.loads
            if not load.writable
        )

    def fail(self, process: Process, text: str) -> None:
        self.failures.append(f"{process.name} (process {process.number}): {text}")

    def _is_finished(self, page: Page) -> bool:
        """A page that was relocated at build time, and is only read."""
        found = self.image.file_at(page.frame)
        return found is not None and found[0].kind is FileKind.PAGES and not page.writable

    def check_module(self, process: Process, module: MappedModule, pages: dict[int, Page]) -> None:
        name = module.file.name
        file_frame = self.image.archive_address + module.file.offset
        for load in module.elf.loads:
            start = _page_down(load.address)
            for address in range(start, _page_up(load.address + load.memory_size), PAGE_SIZE):
                page = pages.get(module.base + address)
                frame = file_frame + _page_down(load.offset) + address - start
                if page is None:
                    self.fail(process, f"{name}: the page at {address:#x} is not mapped")
                elif not load.writable and page.frame != frame:
                    self.fail(
                        process, f"{name}: the read-only page at {address:#x} is a private copy, not the image's frame"
                    )
                elif not load.writable and (page.writable or page.executable != load.executable):
                    self.fail(process, f"{name}: the page at {address:#x} has other protection than its segment")
                elif load.writable and self.image.file_at(page.frame) and not self._is_finished(page):
                    self.fail(process, f"{name}: the writable page at {address:#x} lies in the boot image")
        if module.elf.relro:
            start, size = module.elf.relro
            for address in range(_page_down(start), _page_down(start + size), PAGE_SIZE):
                page = pages.get(module.base + address)
                if page and page.writable:
                    self.fail(process, f"{name}: the RELRO page at {address:#x} is writable")

    def view(self, process: Process) -> ProcessView:
        pages = {page.address: page for page in user_pages(self.memory, process.page_table)}
        for page in pages.values():
            if page.writable and page.executable:
                self.fail(process, f"the page at {page.address:#x} is writable and executable")
        modules = self.modules.find(pages)
        for module in modules:
            self.check_module(process, module, pages)
            self.uses[module.file.name].processes.append(process.name)
        found = {module.file.name for module in modules}
        for name in self.modules.closure(process):
            if name not in found:
                self.fail(process, f"{name} is needed and not mapped from the image's frames")
        private = sum(1 for page in pages.values() if self.image.file_at(page.frame) is None)
        return ProcessView(process, modules, len(pages), private)


def verify_system(image: ImageFile, memory: PhysicalMemory, state: KernelState) -> SystemReport:
    if state.image_size and state.image_address != image.archive_address:
        raise AmbilinkError(image.path, "is not the image that the machine booted", "give the same file")
    checker = _Checker(image, memory, state)
    views = [checker.view(process) for process in state.processes]
    return SystemReport(views, list(checker.uses.values()), checker.failures)

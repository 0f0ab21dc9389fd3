"""Where the instructions of a boot go: by process, file and function, exactly, in the bundled emulator.

Which file lies where in a process is found from its page tables, when it begins and after the boot.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage.container import ImageFile, read
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, Counts, Outcome
from ambilink.verify.backtrace import function_at
from ambilink.verify.kernel_file import with_kernel
from ambilink.verify.kernel_place import distance_of, following
from ambilink.verify.kernel_state import Process, read_kernel_state
from ambilink.verify.modules import MappedModule, Modules
from ambilink.verify.page_tables import Page, user_pages
from ambilink.verify.snapshot import StartSnapshots

KERNEL = "kernel"
UNKNOWN = "?"


@dataclass(frozen=True)
class Place:
    process: str
    file: str
    function: str


@dataclass(frozen=True)
class Profile:
    outcome: Outcome
    places: Counter[Place]


class _Finder:
    """Files by page table and address."""

    def __init__(self, image: ImageFile, root: Path, distance: int) -> None:
        """`distance`: how far the kernel moved."""
        self.root, self.modules, self.distance = root, Modules(image), distance
        self.found: dict[int, tuple[str, list[MappedModule]]] = {}

    def add(self, process: Process, pages: dict[int, Page]) -> None:
        before = self.found.get(process.page_table, ("", []))[1]
        self.found[process.page_table] = (process.name, [*self.modules.find(pages), *before])

    def place(self, table: int, address: int) -> Place:
        if not table or table not in self.found:  # the boot loader's table, or the kernel's first one
            kernel = self.root / KERNEL
            function = function_at(kernel, address - (self.distance if not table else 0))
            return Place(KERNEL, KERNEL, function[1]) if function else Place(KERNEL, "kernel's modules", UNKNOWN)
        process, modules = self.found.get(table, (UNKNOWN, []))
        for module in modules:
            if module.base <= address < module.end:
                function = function_at(self.root / module.file.name, address - module.base)
                return Place(process, module.file.name, function[1] if function else UNKNOWN)
        return Place(process, UNKNOWN, UNKNOWN)


def profile(request: BootRequest, root: Path) -> Profile:
    """`root` is the build folder, for symbols. Raises what `boot` does; AmbilinkError for an image without archive."""
    image = read(request.image)
    counts: Counts = {}
    starts = StartSnapshots(image)
    outcome = boot("emulator", with_kernel(request), None, following(image, starts.stops), counts)
    finder = _Finder(image, root, distance_of(image, outcome.memory))
    for snapshot in starts.snapshots:
        finder.add(snapshot.process, dict(snapshot.pages))
    memory = outcome.memory
    state = read_kernel_state(image, memory) if memory else None
    if memory and state:
        for process in state.processes:
            finder.add(process, {page.address: page for page in user_pages(memory, process.page_table)})
    places: Counter[Place] = Counter()
    for (table, address), count in counts.items():
        places[finder.place(table, address)] += count
    return Profile(outcome, places)

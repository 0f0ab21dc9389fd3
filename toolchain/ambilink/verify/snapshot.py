"""What a process has in memory at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.layout import FileKind
from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory
from ambilink.machine.model import Moment, Stops
from ambilink.verify.kernel_state import Process, read_kernel_state
from ambilink.verify.page_tables import Page, user_pages

STOP_SYMBOL = "process_begins"  # of the kernel


@dataclass(frozen=True)
class Snapshot:
    """The pages of a process, and the contents of those that are not files of the image as they were built."""

    image: ImageFile
    process: Process
    pages: Mapping[int, Page]
    contents: Mapping[int, bytes]  # by frame
    began: bool  # it may have written what it may write

    @classmethod
    def take(cls, image: ImageFile, memory: PhysicalMemory, process: Process, *, began: bool) -> "Snapshot":
        pages = {page.address: page for page in user_pages(memory, process.page_table)}
        own = set()
        for page in pages.values():
            found = image.file_at(page.frame)
            if found is None or found[0].kind is FileKind.PAGES:  # these were relocated at build time
                own.add(page.frame)
        return cls(image, process, pages, {frame: memory.read(frame, PAGE_SIZE) for frame in own}, began)

    def page(self, address: int) -> Page | None:
        return self.pages.get(address & -PAGE_SIZE)

    def read(self, address: int, size: int) -> bytes | None:
        """None where not all of it is mapped."""
        parts = []
        while size > 0:
            page = self.page(address)
            if page is None:
                return None
            contents, at = self.contents.get(page.frame), address % PAGE_SIZE
            taken = min(size, PAGE_SIZE - at)
            if contents is None:
                # A segment of a file, which is only read; whose frame it is, others check.
                contents, at = self.image.archive.data, page.frame - self.image.archive_address + at
            parts.append(contents[at : at + taken])
            address, size = address + taken, size - taken
        return b"".join(parts)


class StartSnapshots:
    """Takes a snapshot of each process that begins while a machine runs."""

    def __init__(self, image: ImageFile) -> None:
        self.image = image
        self.snapshots: list[Snapshot] = []

    @property
    def stops(self) -> Stops:
        address = self.image.symbols.get(STOP_SYMBOL)
        return {} if address is None else {address: self._take}

    def _take(self, moment: Moment) -> None:
        memory = moment.memory
        state = read_kernel_state(self.image, memory)
        if state and state.beginning:
            self.snapshots.append(Snapshot.take(self.image, memory, state.beginning, began=False))

"""Which process had which page table when, and which files lay where in it: noted while a machine runs."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from ambilink.bootimage.container import ImageFile
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import Moment, Stops
from ambilink.verify.kernel_state import KernelState, Process, ProcessState, read_kernel_state
from ambilink.verify.lives import STOP_SYMBOL as LIFE_CHANGES
from ambilink.verify.modules import MappedModule, Modules
from ambilink.verify.page_tables import user_pages
from ambilink.verify.snapshot import STOP_SYMBOL as PROCESS_BEGINS


@dataclass
class AddressSpace:
    process: Process
    since: int  # instructions executed before
    modules: list[MappedModule]


class AddressSpaces:
    """A process is looked at when it begins, when it ended (one that links itself has its libraries only then), and if
    it is still there after the boot. Its page table may be another one's later."""

    def __init__(self, image: ImageFile | None) -> None:
        """None: not of this project's format, which has no processes that we know."""
        self._image, self.modules = image, Modules(image) if image else None
        self._spaces: dict[int, AddressSpace] = {}  # by the process' number
        self._by_table: dict[int, list[AddressSpace]] = {}
        self._ended: set[int] = set()

    def __iter__(self) -> Iterator[AddressSpace]:
        return iter(self._spaces.values())

    @property
    def stops(self) -> Stops:
        symbols = self._image.symbols if self._image else {}
        functions = {PROCESS_BEGINS: self._begin, LIFE_CHANGES: self._change}
        return {symbols[name]: function for name, function in functions.items() if name in symbols}

    def at(self, page_table: int, instructions: int) -> AddressSpace | None:
        """Whose page table it was then."""
        spaces = self._by_table.get(page_table, [])
        found = bisect_right(spaces, instructions, key=lambda space: space.since)
        return spaces[found - 1] if found else None

    def _state(self, memory: PhysicalMemory) -> KernelState | None:
        return read_kernel_state(self._image, memory) if self._image else None

    def _look(self, memory: PhysicalMemory, process: Process) -> list[MappedModule]:
        assert self.modules is not None
        return self.modules.find({page.address: page for page in user_pages(memory, process.page_table)})

    def _begin(self, moment: Moment) -> None:
        state = self._state(moment.memory)
        if state and state.beginning:
            process = state.beginning
            space = AddressSpace(process, moment.instructions, self._look(moment.memory, process))
            self._spaces[process.number] = space
            self._by_table.setdefault(process.page_table, []).append(space)

    def _change(self, moment: Moment) -> None:
        state = self._state(moment.memory)
        for process in state.processes if state else []:
            if process.state is not ProcessState.ALIVE and process.number not in self._ended:
                self._ended.add(process.number)
                self._look_again(moment.memory, process)

    def _look_again(self, memory: PhysicalMemory, process: Process) -> None:
        space = self._spaces.get(process.number)
        if space and (found := self._look(memory, process)):
            space.modules = found

    def finish(self, memory: PhysicalMemory) -> None:
        """After the boot."""
        state = self._state(memory)
        for process in state.processes if state else []:
            self._look_again(memory, process)

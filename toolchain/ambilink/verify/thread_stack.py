"""Where a thread is: the chain of its stack frames, read from the machine's memory."""

from collections.abc import Mapping
from dataclasses import dataclass

from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory
from ambilink.verify.kernel_state import Process, Registers
from ambilink.verify.modules import MappedModule, Modules
from ambilink.verify.page_tables import Page, user_pages

DEPTH_MAX = 1_000_000
RED_ZONE = 256  # a function may use so much below its stack pointer


@dataclass(frozen=True)
class UserSpace:
    """The address space of a process, when the machine ended."""

    memory: PhysicalMemory
    pages: Mapping[int, Page]
    modules: list[MappedModule]

    @classmethod
    def of(cls, modules: Modules, memory: PhysicalMemory, process: Process) -> "UserSpace":
        pages = {page.address: page for page in user_pages(memory, process.page_table)}
        return cls(memory, pages, modules.find(pages))

    def read(self, address: int, size: int) -> bytes | None:
        """None where not all of it is mapped."""
        parts = []
        while size > 0:
            page, at = self.pages.get(address & -PAGE_SIZE), address % PAGE_SIZE
            if page is None:
                return None
            taken = min(size, PAGE_SIZE - at)
            try:
                parts.append(self.memory.read(page.frame + at, taken))
            except IndexError:
                return None
            address, size = address + taken, size - taken
        return b"".join(parts)

    def word(self, address: int) -> int | None:
        data = self.read(address, 8)
        return None if data is None else int.from_bytes(data, "little")

    def text(self, address: int, size: int) -> str | None:
        data = self.read(address, size)
        return None if data is None else data.split(b"\0")[0].decode("utf-8", "replace")

    def calls(self, registers: Registers) -> list[int]:
        """Addresses of code, the innermost first; but for that one they are those of the calls."""
        found, link = [registers.rip], registers.rbp
        while len(found) < DEPTH_MAX:
            caller, address = self.word(link), self.word(link + 8)
            if not caller or not address:
                break
            found.append(address - 1)  # a return address belongs to the call before it
            if caller <= link:
                break
            link = caller
        return found

    def overflowed(self, registers: Registers, fault: int) -> bool:
        """Whether an access to an address that is not mapped left a stack at its lower end."""
        if fault & -PAGE_SIZE in self.pages or not registers.rsp - RED_ZONE <= fault:
            return False
        lowest = min((address for address in self.pages if address > fault), default=None)
        if lowest is None or registers.rsp > lowest + RED_ZONE:
            return False
        page = self.pages[lowest]
        return page.writable and not any(module.base <= lowest < module.end for module in self.modules)

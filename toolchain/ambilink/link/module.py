"""One object of a link: a file, where it lies, what it needs, and its writable segments as linking leaves them."""

import mmap
from pathlib import Path

from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.layout import PAGE, Data
from ambilink.files import map_regular

ADDRESS_END = 1 << 47
LARGE = 1 << 20  # bytes from which memory is mapped, so that what is not touched costs nothing
Memory = bytearray | mmap.mmap


class Module(DynamicFile):
    def __init__(self, name: str, path: Path, data: Data) -> None:
        super().__init__(path, data)
        if self.high > ADDRESS_END:
            raise self.refuse(f"has a segment beyond {ADDRESS_END:#x}, where user memory ends")
        for each in self.loads:
            if each.file_size and (each.address - each.offset) % PAGE:
                raise self.refuse(f"has a segment at {each.address:#x} that cannot be mapped from {each.offset:#x}")
        for what, (address, size) in (
            ("PT_TLS", (self.tls.address, self.tls.size) if self.tls else (0, 0)),
            ("PT_GNU_RELRO", self.relro or (0, 0)),
        ):
            if address + size > ADDRESS_END:
                raise self.refuse(f"has a {what} at {address:#x} that goes beyond {ADDRESS_END:#x}")
        self.name = name
        self.bias = 0
        self.needed: list[Module] = []  # with filtees, those that are there
        self.filtees: dict[str, Module] = {}  # by name, those that are there
        self.tls_module = 0
        self.tls_offset = 0  # of the block's start from the thread pointer
        self.writable: dict[int, Memory] = {}  # by p_vaddr of the first page
        self.touched: dict[int, int] = {}  # sizes of what relocations wrote, by p_vaddr

    @classmethod
    def load(cls, name: str, path: Path) -> "Module":
        return cls(name, path, map_regular(path))

    def needed_by_name(self) -> dict[str, "Module"]:
        """Filtees, too."""
        own = [*self.filtees]
        names = [*self.needed_names, *own] if self.filtees_last else [*own, *self.needed_names]
        return dict(zip(names, self.needed, strict=True))

    def fill_writable(self) -> None:
        """From the file, as nothing is relocated yet."""
        self.writable, self.touched = {}, {}
        before = None
        for each in self.loads:
            if each.writable:
                start = each.address & -PAGE
                memory = self._memory(-(-each.end // PAGE) * PAGE - start)
                head = each.address - start
                joined = before is not None and start < before.end
                taken = head if joined else 0  # the page's file contents, as mmap shows them
                if taken > each.offset:
                    raise self.refuse(f"has a segment at {each.address:#x} that shares a page, and none in the file")
                data = self.data[each.offset - taken : each.offset + each.file_size]
                memory[head - taken : head + each.file_size] = data
                self.writable[start] = memory
            before = each

    def _memory(self, size: int) -> Memory:
        try:
            return mmap.mmap(-1, size) if size >= LARGE else bytearray(size)
        except (OSError, OverflowError, MemoryError, ValueError) as error:
            raise self.refuse(f"has {size:,} bytes of writable memory, more than there is here") from error

    def find_writable(self, address: int, size: int) -> tuple[Memory, int] | None:
        """The writable segment that has these bytes, and where in it."""
        for start, memory in self.writable.items():
            if 0 <= address - start <= len(memory) - size:
                return memory, address - start
        return None

    def read(self, address: int, size: int) -> bytes:
        """At a p_vaddr, as relocated so far."""
        if found := self.find_writable(address, size):
            memory, at = found
            return bytes(memory[at : at + size])
        at = self.place_of(address, size, "what is read")
        return self.data[at : at + size]

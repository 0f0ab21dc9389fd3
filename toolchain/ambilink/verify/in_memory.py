"""The boot image of this project's kernel as a machine's memory has it, where the file that was booted is another: an
ISO, or a kernel whose archive is a module. It serves explanations; what is verified is compared with a file."""

from collections.abc import Iterator
from pathlib import Path

from ambilink.bootimage import layout
from ambilink.bootimage.container import ImageFile
from ambilink.errors import AmbilinkError
from ambilink.machine.memory import PhysicalMemory
from ambilink.verify.kernel_state import MAGIC, RECORD, KernelState, read_kernel_state

SYMBOL_ALIGN = 8


def _addresses(memory: PhysicalMemory) -> Iterator[int]:
    """Where memory holds what begins as a kernel's record does."""
    magic = MAGIC.to_bytes(8, "little")
    for part in memory.ranges:
        at = part.offset
        while (at := memory.buffer.find(magic, at, part.offset + part.size)) >= 0:
            if at % SYMBOL_ALIGN == 0:
                yield at - part.offset + part.start
            at += 1


def find_system(path: Path, memory: PhysicalMemory) -> tuple[ImageFile, KernelState] | None:
    """`path` is what messages call it."""
    for address in _addresses(memory):
        try:
            fields: tuple[int, ...] = RECORD.unpack(memory.read(address, RECORD.size))
            archive_at, size = fields[4:6]
            if not size or memory.word(archive_at) != layout.MAGIC:
                continue
            archive = layout.parse(memory.read(archive_at, size), path)
            image = ImageFile(path, archive, archive_at, 0, {}, [], b"")
            state = read_kernel_state(image, memory, address)
        except (AmbilinkError, IndexError):  # a copy in a boot loader's memory
            continue
        if state is not None:
            return image, state
    return None

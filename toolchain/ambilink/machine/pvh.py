"""The PVH hand-over: hvm_start_info with memory map and command line (Xen, start_info.h)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ambilink.errors import AmbilinkError
from ambilink.files import read_regular
from ambilink.machine.memory import PAGE_SIZE, PhysicalMemory
from ambilink.machine.model import BootModule

MAGIC = 0x336EC578
START_INFO = 0x8000  # where the structures are put: below 1 MiB, free on a PC
MEMORY_MAP = 0x8100
MODULE_LIST = 0x8400
COMMAND_LINE = 0x9000
COMMAND_LINE_MAX = 1024
MODULE_WORDS, MODULE_WORDS_END = 0xA000, 0x10000
MODULE_SIZE = 32
MODULES_MAX = (COMMAND_LINE - MODULE_LIST) // MODULE_SIZE
TYPE_RAM = 1
TYPE_RESERVED = 2


@dataclass(frozen=True)
class PlacedModule:
    address: int
    size: int
    words: str


def place_modules(
    memory: PhysicalMemory, modules: Sequence[BootModule], kernel_end: int, image: Path
) -> list[PlacedModule]:
    """At the end of the memory below 3 GiB, each on pages of its own: as QEMU does."""
    size = sum(len(each.words.encode()) + 1 for each in modules)
    if len(modules) > MODULES_MAX or size > MODULE_WORDS_END - MODULE_WORDS:
        rule = "there are too many, or their words are too long"
        raise AmbilinkError("--module", rule, f"give at most {MODULES_MAX}")
    placed, end = [], memory.ranges[0].size
    for each in modules:
        data = read_regular(each.path)
        end = (end - len(data)) & -PAGE_SIZE
        if end < kernel_end:
            raise AmbilinkError(image, "and its modules do not fit into the machine's memory", "give it more: --memory")
        memory.write(end, data)
        placed.append(PlacedModule(end, len(data), each.words))
    return placed


def write_start_info(
    memory: PhysicalMemory, command_line: str, acpi: int, modules: Sequence[PlacedModule] = ()
) -> int:
    """Put the structures into memory; returns the address for ebx/rbx. `acpi`: where the RSDP lies."""
    entries = [(0, 0x9FC00, TYPE_RAM), (0x9FC00, 0x60400, TYPE_RESERVED)]
    for part in memory.ranges:
        start = max(part.start, 0x100000)
        entries.append((start, part.start + part.size - start, TYPE_RAM))
    for index, (start, size, kind) in enumerate(entries):
        memory.write(MEMORY_MAP + 24 * index, struct.pack("<QQII", start, size, kind, 0))
    text = command_line.encode()[: COMMAND_LINE_MAX - 1] + b"\0"
    memory.write(COMMAND_LINE, text)
    words_at = MODULE_WORDS
    for index, module in enumerate(modules):
        words = module.words.encode() + b"\0"
        memory.write(words_at, words)
        entry = struct.pack("<QQQQ", module.address, module.size, words_at, 0)
        memory.write(MODULE_LIST + MODULE_SIZE * index, entry)
        words_at += len(words)
    listed = (len(modules), MODULE_LIST if modules else 0)
    memory.write(
        START_INFO,
        struct.pack("<IIIIQQQQII", MAGIC, 1, 0, *listed, COMMAND_LINE, acpi, MEMORY_MAP, len(entries), 0),
    )
    return START_INFO

"""The PVH hand-over: hvm_start_info with memory map and command line (Xen, start_info.h)."""

import struct

from ambilink.machine.memory import PhysicalMemory

MAGIC = 0x336EC578
START_INFO = 0x8000  # where the structures are put: below 1 MiB, free on a PC
MEMORY_MAP = 0x8100
COMMAND_LINE = 0x9000
COMMAND_LINE_MAX = 1024
TYPE_RAM = 1
TYPE_RESERVED = 2


def write_start_info(memory: PhysicalMemory, command_line: str, acpi: int) -> int:
    """Put the structures into memory; returns the address for ebx/rbx. `acpi`: where the RSDP lies."""
    entries = [(0, 0x9FC00, TYPE_RAM), (0x9FC00, 0x60400, TYPE_RESERVED)]
    for part in memory.ranges:
        start = max(part.start, 0x100000)
        entries.append((start, part.start + part.size - start, TYPE_RAM))
    for index, (start, size, kind) in enumerate(entries):
        memory.write(MEMORY_MAP + 24 * index, struct.pack("<QQII", start, size, kind, 0))
    text = command_line.encode()[: COMMAND_LINE_MAX - 1] + b"\0"
    memory.write(COMMAND_LINE, text)
    memory.write(
        START_INFO,
        struct.pack("<IIIIQQQQII", MAGIC, 1, 0, 0, 0, COMMAND_LINE, acpi, MEMORY_MAP, len(entries), 0),
    )
    return START_INFO

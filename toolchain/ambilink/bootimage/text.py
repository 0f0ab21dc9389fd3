"""Which pages of a file nobody reads who links it: those of its text, which are run alone."""

from pathlib import Path

from ambilink.bootimage.tree import PAGE_SIZE
from ambilink.elf.file import ElfError, ElfFile
from ambilink.elf.layout import PF_W, PF_X, PT_LOAD, Segment

PT_DYNAMIC = 2
# DT_... that hold addresses of tables which linkers read.
TABLES = frozenset((4, 5, 6, 7, 17, 23, 25, 26, 32, 36, 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE))


def _table_addresses(elf: ElfFile) -> list[int]:
    found = []
    for segment in elf.segments:
        if segment.type == PT_DYNAMIC:
            data = elf.data[segment.offset : segment.offset + segment.file_size]
            for at in range(0, len(data) - 15, 16):
                tag, value = (int.from_bytes(data[at + part : at + part + 8], "little") for part in (0, 8))
                found += [value] if tag in TABLES else []
    return found


def _is_text(elf: ElfFile, segment: Segment, tables: list[int]) -> bool:
    """An executable segment that holds nothing that others point to."""
    end = segment.offset + segment.file_size
    if not segment.flags & PF_X or segment.flags & PF_W:
        return False
    if any(segment.address <= address < segment.address + segment.memory_size for address in tables):
        return False
    return not any(
        each is not segment and each.file_size and each.offset < end and each.offset + each.file_size > segment.offset
        for each in elf.segments
    )


def text_pages(data: bytes) -> tuple[int, int]:
    """First page and number of pages, in the file; (0, 0) where there are none, or it is no sound ELF file."""
    best = (0, 0)
    try:
        elf = ElfFile(Path("-"), data)
        tables = _table_addresses(elf)
        for segment in elf.segments:
            if segment.type == PT_LOAD and _is_text(elf, segment, tables):
                # Whole pages alone: at its ends a segment shares them with others. The first has the ELF header.
                first = max(-(-segment.offset // PAGE_SIZE), 1)
                end = min(segment.offset + segment.file_size, len(data)) // PAGE_SIZE
                best = max(best, (first, end - first), key=lambda each: each[1])
    except ElfError:
        return (0, 0)
    return best

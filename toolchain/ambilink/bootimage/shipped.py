"""Programs and libraries as images hold them."""

from dataclasses import replace
from pathlib import Path

from ambilink.elf.file import ElfFile
from ambilink.elf.inspect import inspect
from ambilink.elf.layout import EHDR
from ambilink.files import read_regular


def shipped(path: Path) -> bytes:
    """A linked file without what no loader reads: all bytes after the last segment, and section headers."""
    info = inspect(path)
    elf = ElfFile(path, read_regular(path))
    end = max((load.offset + load.file_size for load in info.loads), default=0)
    if end < EHDR.size:
        raise elf.refuse("has no segment that holds its header", "link it as a program or shared library")
    header = replace(elf.header, shoff=0, shentsize=0, shnum=0, shstrndx=0)
    return header.pack() + elf.data[EHDR.size : end]

"""Files with symbols, found by build-id: in build folders, and in folders of debuggers (.build-id/ab/cdef.debug)."""

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from ambilink.bootimage.container import read
from ambilink.bootimage.layout import FileKind
from ambilink.elf.file import ElfFile
from ambilink.elf.layout import EHDR, IDENT, SHT_SYMTAB
from ambilink.errors import AmbilinkError

DEBUG_SUFFIX = ".debug"
KERNEL = "kernel"
LINKED = (2, 3)  # e_type: ET_EXEC, ET_DYN
TYPE_OFFSET = 16


def _linked_files(folder: Path) -> Iterator[Path]:
    """Programs and shared objects below a folder, whatever their names."""
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(at, name)
            try:
                if not path.is_file():
                    continue
                with path.open("rb") as stream:
                    start = stream.read(EHDR.size)
            except OSError:
                continue
            if (
                start[: len(IDENT)] == IDENT
                and int.from_bytes(start[TYPE_OFFSET : TYPE_OFFSET + 2], "little") in LINKED
            ):
                yield path


def _worth(elf: ElfFile) -> int:
    """Of two files with one build-id the one with line numbers is wanted, then the one with all symbols."""
    return 2 * (".debug_line" in elf.section_names) + bool(elf.symbol_tables(SHT_SYMTAB))


class SymbolFiles:
    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders

    @cached_property
    def _index(self) -> dict[bytes, Path]:
        found: dict[bytes, tuple[int, Path]] = {}
        for folder in self.folders:
            for path in _linked_files(folder):
                try:
                    elf = ElfFile.open(path)
                    identity = elf.build_id
                    worth = _worth(elf)
                except AmbilinkError:
                    continue
                if identity and worth > found.get(identity, (-1, path))[0]:
                    found[identity] = worth, path
        return {identity: path for identity, (_, path) in found.items()}

    def find(self, build_id: bytes) -> Path | None:
        text = build_id.hex()
        for folder in self.folders:
            path = folder / ".build-id" / text[:2] / (text[2:] + DEBUG_SUFFIX)
            if path.is_file():
                return path
        return self._index.get(build_id)


def extract(image: Path, folder: Path) -> None:
    """Write the programs and libraries of a boot image, by number: their names are not used."""
    archive = read(image).archive
    folder.mkdir()
    for number, file in enumerate(archive.files):
        if file.kind.is_elf or file.kind is FileKind.MODULE:
            (folder / str(number)).write_bytes(archive.contents(file))


def kernel_symbols(image: Path, root: Path) -> Path | None:
    """The kernel of the build folder, which has line numbers, if it is the image's; else the image, which keeps the
    kernel's symbol table."""
    try:
        whole = ElfFile.open(image)
        if not whole.symbol_tables(SHT_SYMTAB):
            return None
        kernel = root / KERNEL
        return kernel if kernel.is_file() and ElfFile.open(kernel).addresses() == whole.addresses() else image
    except AmbilinkError:
        return image  # gdb reads forms that we do not: a 32-bit kernel

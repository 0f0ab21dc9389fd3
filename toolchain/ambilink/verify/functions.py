"""Functions by their names: of the kernel that is booted, and of the programs and libraries of a boot image."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ambilink.bootimage.layout import ArchiveFile
from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.file import ElfFile
from ambilink.elf.layout import SHN_UNDEF, SHT_SYMTAB, STT_FUNC, STT_NOTYPE, Symbol
from ambilink.errors import AmbilinkError, near
from ambilink.verify.backtrace import symbol_file
from ambilink.verify.modules import Modules

KERNEL = "kernel"  # in the place of a file
ALL = "*"  # in the place of a name, behind a file's


class Named(NamedTuple):
    name: str
    address: int  # p_vaddr
    size: int
    is_label: bool  # of assembly code, and may not be called


@dataclass(frozen=True)
class Function:
    name: str
    file: str  # of the image; "": the kernel
    address: int  # p_vaddr


def _functions(symbols: Iterable[Symbol]) -> list[Named]:
    return [
        Named(each.name.decode("utf-8", "backslashreplace"), each.value, each.size, each.type == STT_NOTYPE)
        for each in symbols
        if each.section != SHN_UNDEF and each.type in (STT_FUNC, STT_NOTYPE) and each.name
    ]


def _names(functions: Iterable[Named]) -> set[str]:
    return {each.name for each in functions}


def _matching(functions: Iterable[Named], name: str, file: str) -> list[Function]:
    found = (each for each in functions if each.name == name or (name == ALL and not each.is_label))
    return [*{each.address: Function(each.name, file, each.address) for each in found}.values()]


class Functions:
    def __init__(self, booted: Path, modules: Modules | None, root: Path) -> None:
        """`root`: the build folder, where the image's files lie with all their symbols."""
        self._booted, self._modules, self._root = booted, modules, root
        kernel = ElfFile.open(booted)
        tables = kernel.symbol_tables(SHT_SYMTAB)
        self._kernel = _functions(symbol for table in tables for symbol in kernel.symbols_of(table))
        self._read: dict[str, list[Named]] = {}  # of files of the image

    def find(self, wanted: str, *, in_files: bool) -> list[Function]:
        """`wanted`: FILE:FUNCTION, FILE:* for all of a file, or the name alone: of the kernel, or where that has none,
        of any file; with `in_files` of files too. A name may be that of several functions."""
        file, colon, name = wanted.rpartition(":")
        if file == KERNEL:
            return self._of_kernel(name)
        if colon:
            return self._of_file(self._file(file, wanted), name)
        if name == ALL:
            raise AmbilinkError("--calls *", "names no file", f"give {KERNEL}:* or FILE:*")
        found = self._in_kernel(name)
        if in_files or not found:
            found += [each for file in self._files for each in self._in_file(file, name)]
        if not found:
            self._refuse(name, {*_names(self._kernel), *self._names(self._files)})
        return found

    def all_of(self, file: str) -> list[Function]:
        """Of a file of the image; none where it has no symbols."""
        return self._in_file(self._modules.first_names[file], ALL) if self._modules else []

    def files_with(self, name: str) -> list[str]:
        """That have a function of this name."""
        kernel = [KERNEL] if self._in_kernel(name) else []
        return kernel + [file for file in self._files if self._in_file(file, name)]

    def around(self, file: str, address: int) -> str | None:
        """The function at a p_vaddr of a file of the image, and how far it is into it."""
        for name, start, size, _ in self._symbols(file):
            if start <= address < start + size:
                return f"{file}: {name}+{address - start:#x}"
        return None

    @property
    def _files(self) -> list[str]:
        return sorted({self._modules.first_names[name] for name in self._modules.elves}) if self._modules else []

    def _of_kernel(self, name: str) -> list[Function]:
        found = self._in_kernel(name)
        if not found:
            self._refuse(name, _names(self._kernel))
        return found

    def _in_kernel(self, name: str) -> list[Function]:
        return _matching(self._kernel, name, "")

    def _of_file(self, file: str, name: str) -> list[Function]:
        found = self._in_file(file, name)
        if not found:
            rule = f"has no function {name}" if self._symbols(file) else "has no symbols"
            remedy = near(self._names([file]), name).strip() or "its build folder (--root) may have more symbols"
            raise AmbilinkError(f"{self._booted}:{file}", rule, remedy)
        return found

    def _refuse(self, name: str, known: Iterable[str]) -> None:
        raise AmbilinkError(self._booted, f"has no symbol {name}", near(known, name).strip() or "see its symbols")

    def _file(self, given: str, wanted: str) -> str:
        """By its name in the image, or the last part of that."""
        elves = self._modules.elves if self._modules else {}
        found = [name for name in elves if given == name] or [name for name in elves if Path(name).name == given]
        if len(found) == 1 and self._modules:
            return self._modules.first_names[found[0]]
        if found:
            rule, remedy = f"has more than one file {given}", f"give one of: {', '.join(found)}"
        else:
            rule = f"has no program or library {given}, which --calls {wanted} names"
            remedy = near([*elves, KERNEL], given).strip() or "give FUNCTION alone, or FILE:FUNCTION"
        raise AmbilinkError(self._booted, rule, remedy)

    def _names(self, files: Iterable[str]) -> set[str]:
        return {name for file in files for name in _names(self._symbols(file))}

    def _in_file(self, file: str, name: str) -> list[Function]:
        return _matching(self._symbols(file), name, file)

    def _symbols(self, file: str) -> list[Named]:
        if file not in self._read:
            assert self._modules is not None
            archived = self._modules.image.archive.file(file)
            assert archived is not None
            self._read[file] = _functions(self._read_symbols(archived))
        return self._read[file]

    def _read_symbols(self, file: ArchiveFile) -> list[Symbol]:
        """All that the build folder has of the same file, or what others may bind to."""
        assert self._modules is not None
        packed = DynamicFile(Path(f"{self._booted}:{file.name}"), self._modules.image.archive.contents(file))
        built = self._root / file.name
        try:
            if packed.build_id and ElfFile.open(built).build_id == packed.build_id:
                whole = ElfFile.open(symbol_file(built))
                if found := [each for table in whole.symbol_tables(SHT_SYMTAB) for each in whole.symbols_of(table)]:
                    return found
        except AmbilinkError:
            pass  # it is not there, or another one
        try:
            tables = packed.symbol_tables(SHT_SYMTAB)
            return [each for table in tables for each in packed.symbols_of(table)] or [*packed.symbols(packed.hashed)]
        except AmbilinkError:
            return []  # damaged

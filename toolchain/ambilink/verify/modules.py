"""Which file of the boot image lies where in a process, found from page tables and the image's frames alone."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.layout import ArchiveFile, ArchiveService, Calls, Linker
from ambilink.bootimage.pack import LIBRARY_FOLDER
from ambilink.elf.file import ElfError
from ambilink.elf.inspect import ElfInfo, inspect_data
from ambilink.machine.memory import PAGE_SIZE
from ambilink.verify.kernel_state import Process
from ambilink.verify.page_tables import Page

FIRST_PROCESS = 1
# musl's interpreter is its C library too, under each of the names that others split theirs into.
MUSL_ITSELF = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet)\.")


@dataclass(frozen=True)
class MappedModule:
    """A file found in a process."""

    file: ArchiveFile
    elf: ElfInfo
    base: int  # load bias

    @property
    def end(self) -> int:
        return self.base + max(load.address + load.memory_size for load in self.elf.loads)


class Modules:
    """The programs and libraries of an image, to be looked for in its processes."""

    def __init__(self, image: ImageFile) -> None:
        self.image = image
        self.elves: dict[str, ElfInfo] = {}
        self.unreadable: dict[str, str] = {}  # files that no linker accepts, and why
        places = {file.offset: file.name for file in reversed(image.archive.files) if file.size}
        # Files with the same contents lie in the image once: frames tell the first of their names.
        files = image.archive.files  # an empty one lies where the next one does
        self.first_names = {file.name: places[file.offset] if file.size else file.name for file in files}
        for file in image.archive.files:
            if file.kind.is_elf:
                where = Path(f"{image.path}:{file.name}")
                try:
                    self.elves[file.name] = inspect_data(image.archive.contents(file), where)
                except ElfError as error:
                    self.unreadable[file.name] = str(error)

    def program_of(self, process: Process) -> str | None:
        """None for a process that the manifest does not name."""
        if process.number == FIRST_PROCESS:
            return self.first_names[self.image.archive.loader]
        service = self.service_of(process)
        return self.first_names[service.file] if service else None

    def service_of(self, process: Process) -> ArchiveService | None:
        if process.number == FIRST_PROCESS:
            return None
        return next((service for service in self.image.archive.services if service.name == process.name), None)

    def links_itself(self, process: Process) -> bool:
        """It was not linked before its first instruction: a static program that the kernel placed, or one beside its
        interpreter."""
        service = self.service_of(process)
        if service is None:
            return self.image.archive.loader_linker is not Linker.KERNEL
        return service.linker is Linker.INTERP

    def calls_linux(self, process: Process) -> bool:
        service = self.service_of(process)
        return service is not None and service.calls is Calls.LINUX

    def closure(self, process: Process) -> list[str]:
        """The files that a process must have, breadth first; those that are missing too."""
        program = self.program_of(process)
        names = [program, *self.preload(process)] if program else []
        for name in names:  # grows as it goes
            info = self.elves.get(name)
            needed = [(soname, True) for soname in info.needed] + [*info.filtees] if info else []
            for soname, required in needed:
                file = self.provider(process, soname)
                if file not in names and (required or file in self.elves):
                    names.append(file)
        return names

    def preload(self, process: Process) -> list[str]:
        service = self.service_of(process)
        return [self.provider(process, soname) for soname in service.preload] if service else []

    def provider(self, process: Process, soname: str) -> str:
        """The file that a DT_NEEDED name of an object of the process leads to."""
        service = self.service_of(process)
        if service and service.calls is not Calls.AMBILINK:
            program = self.elves.get(service.file)
            interpreter = str(program.interpreter if program else None).lstrip("/")
            if Path(interpreter).name.startswith("ld-musl-") and MUSL_ITSELF.match(soname):
                return self.first_names.get(interpreter, interpreter)
        name = f"{LIBRARY_FOLDER}/{soname}"
        return self.first_names.get(name, name)

    def _is_data(self, name: str) -> bool:
        return name in self.elves and not any(load.executable for load in self.elves[name].loads)

    def find(self, pages: Mapping[int, Page], process: Process | None = None) -> list[MappedModule]:
        """Executable pages in the image's frames show the file and, all agreeing, its load bias. A library of data
        alone is looked for where the process needs it: a process may read any file of the image."""
        no_code = {name for name in self.closure(process) if self._is_data(name)} if process else set()
        votes: dict[str, Counter[int]] = {}
        files: dict[str, ArchiveFile] = {}
        for page in pages.values():
            found = self.image.file_at(page.frame) if page.executable or no_code else None
            if found is None or found[0].name not in self.elves:
                continue
            if not page.executable and found[0].name not in no_code:
                continue
            file, offset = found
            files[file.name] = file
            for load in self.elves[file.name].loads:
                like_it = load.executable == page.executable and not load.writable
                if like_it and load.offset & -PAGE_SIZE <= offset < load.offset + load.file_size:
                    bias = page.address - ((load.address & -PAGE_SIZE) + offset - (load.offset & -PAGE_SIZE))
                    votes.setdefault(file.name, Counter())[bias] += 1
        return [
            MappedModule(files[name], self.elves[name], counter.most_common(1)[0][0])
            for name, counter in sorted(votes.items())
        ]

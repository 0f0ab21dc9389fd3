"""Programs whose output goes nowhere: they print, and neither have they the log nor does the image have a console."""

from collections.abc import Iterator
from pathlib import Path

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.layout import ArchiveService, Calls, Grant, Role
from ambilink.bootimage.pack import LIBRARY_FOLDER
from ambilink.elf.inspect import ElfInfo
from ambilink.verify.backtrace import function_names, symbol_file
from ambilink.verify.modules import Modules

CONSOLE, REGISTRY = "console", "names"
PRINTING = frozenset(
    (
        *("printf", "vprintf", "fprintf", "vfprintf", "dprintf", "puts", "fputs", "putchar", "putc", "fputc"),
        *("fwrite", "perror", "write", "writev", "_ZNSt3__14coutE", "_ZNSt3__14cerrE"),
    )
)


def warnings(image: ImageFile, root: Path) -> list[str]:
    """`root`: the build folder, for symbols of static programs."""
    services = image.archive.services
    names = {service.name for service in services}
    if any(CONSOLE in service.registers for service in services):
        return []
    elves = Modules(image).elves
    mute = [each.name for each in services if _is_mute(each) and _prints(each, elves, root)]
    if not mute:
        return []
    missing = [f'[[service]] name = "{name}"' for name in (REGISTRY, CONSOLE) if name not in names or name == CONSOLE]
    verb = "print" if len(mute) > 1 else "prints"
    return [
        f"{' and '.join(mute)} {verb}, and what is printed is lost: no service of the manifest registers {CONSOLE!r}; "
        f'add {" and ".join(missing)}, with grants = ["log"]'
    ]


def _is_mute(service: ArchiveService) -> bool:
    """Text of others goes to the console."""
    return service.calls is Calls.AMBILINK and service.role is not Role.ON_DEMAND and Grant.LOG not in service.grants


def _prints(service: ArchiveService, elves: dict[str, ElfInfo], root: Path) -> bool:
    program = elves.get(service.file)
    if program is None:
        return False
    if not program.needed:
        return bool(PRINTING & function_names(symbol_file(root / service.file)))
    return any(PRINTING & each.undefined for each in _parts(program, elves))


def _parts(program: ElfInfo, elves: dict[str, ElfInfo]) -> Iterator[ElfInfo]:
    """The program and its libraries, without those that printing is made of."""
    waiting, seen = [program], set[str]()
    for each in waiting:  # grows
        if not PRINTING & each.defined:
            yield each
        for soname in each.needed:
            library = elves.get(f"{LIBRARY_FOLDER}/{soname}")
            if library is not None and soname not in seen:
                seen.add(soname)
                waiting.append(library)

"""Functions that are bound at their first call (libs/rtld/src/lazy.h)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.layout import DT_PLTGOT, PAGE
from ambilink.elf.psabi import PSABIS, Kind
from ambilink.link.bind import Definition
from ambilink.link.module import Module

LAZY_RESOLVER = b"__ambilink_lazy"  # in libc: where a PLT entry leads whose function is not bound


@dataclass(frozen=True)
class Waiting:
    """A slot until its function is called, and from then on."""

    unbound: int
    symbol: str
    found: Definition | None  # None: nothing that came with the program defines it


def relro_pages(file: DynamicFile) -> tuple[int, int]:
    """Whole pages of RELRO: p_vaddr of the first, and of what follows the last; equal where there are none."""
    start, size = file.relro or (0, 0)
    start, end = start & -PAGE, (start + size) & -PAGE
    return (start, end) if end > start else (0, 0)


def waiting_calls(file: DynamicFile) -> Iterator[tuple[int, int]]:
    """(p_vaddr of the slot, symbol index) of the functions that can wait."""
    psabi = PSABIS.get(file.machine)
    if psabi is None or not psabi.lazy_slots or file.binds_now or not file.dynamic.get(DT_PLTGOT):
        return
    start, end = relro_pages(file)
    for offset, number, index in file.calls():
        if psabi.kinds.get(number) is Kind.JUMP_SLOT and index and not start <= offset < end:
            yield offset, index


def bound_before(modules: Sequence[Module], home: Module) -> set[int]:
    """The object that binds, and what it needs: their functions do not wait. By id."""
    found, waiting = {id(home)}, [home]
    while waiting:
        for needed in waiting.pop().needed:
            if id(needed) not in found:
                found.add(id(needed))
                waiting.append(needed)
    return found | ({id(module) for module in modules} if home is modules[0] else set())

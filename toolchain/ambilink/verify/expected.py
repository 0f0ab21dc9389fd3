"""What a process must have in its writable segments, as one of two implementations computes it for the addresses found.

Writer and judge are never the same. Loader service, kernel and interpreters link with the C core, so the model
(ambilink.link) judges what they wrote. The packer links with the model, so the C core, compiled for the development
machine, judges what that wrote. The two share no code. Which slots there are is read from the files; that nothing is
missed there shows by comparing all bytes, those that no relocation touches too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ambilink.bootimage import start_block
from ambilink.core.linker import QUIET, Input, Linker, Result
from ambilink.elf.psabi import PSABIS, Kind
from ambilink.errors import AmbilinkError
from ambilink.link.lazy import Waiting
from ambilink.link.module import Module
from ambilink.link.relocate import Link


class Judge(Enum):
    MODEL = "the model"
    CORE = "the linker core"


@dataclass(frozen=True)
class Slot:
    """What one relocation stores."""

    address: int  # p_vaddr
    size: int
    symbol: str  # "": it names none

    def __str__(self) -> str:
        return f"the slot at {self.address:#x}" + (f" ({self.symbol})" if self.symbol else "")


_SIZES = {Kind.ABSOLUTE_32: 4, Kind.PC_32: 4, Kind.SIZE_32: 4, Kind.TLS_DESCRIPTOR: 16}


def slots_of(module: Module) -> list[Slot]:
    """Of a module's relocations, from its file alone, by ascending address."""
    kinds = PSABIS[module.machine].kinds
    found = {address: Slot(address, 8, "") for address in module.packed_relative()}
    for address, number, index, _ in module.relocations():
        kind = kinds.get(number, Kind.NONE)
        if kind is Kind.NONE:
            continue
        symbol = module.symbol(index) if index else None
        size = symbol.size if symbol and kind is Kind.COPY else _SIZES.get(kind, 8)
        found[address] = Slot(address, size, symbol.name.decode("utf-8", "replace") if symbol else "")
    return [found[address] for address in sorted(found)]


@dataclass(frozen=True)
class StartTables:
    """What the start block holds for a program, of what linking decides."""

    initializers: Sequence[int]
    finalizers: Sequence[int]
    objects: Sequence[tuple[int, int]]  # how many of both each object has
    pending_ifuncs: Sequence[tuple[int, int, int]]  # place, function, addend
    tls_offsets: Sequence[int]  # distances below the thread pointer, by module
    tls_size: int


@dataclass(frozen=True)
class Expected:
    judge: Judge
    modules: Sequence[Module]
    biases: Sequence[int]
    contents: Sequence[Sequence[tuple[int, bytes]]]  # of each module's writable segments: p_vaddr, all pages
    tables: StartTables
    waiting: Mapping[int, Waiting] = field(default_factory=dict)  # by place: functions that are bound when called
    kept: Mapping[int, int] = field(default_factory=dict)  # words by place that must stay as they are, though writable

    @property
    def pending(self) -> set[int]:
        """Places that functions of the program fill when it starts."""
        return {place for place, _, _ in self.tables.pending_ifuncs}


def _of_model(result: Link, biases: Sequence[int]) -> Expected:
    modules = result.modules
    offsets = [-module.tls_offset for module in modules if module.tls_module]
    tables = StartTables(
        start_block.initializers(modules),
        start_block.finalizers(modules),
        start_block.object_counts(modules),
        [(entry.place, entry.function, entry.addend) for entry in result.ifuncs],
        offsets,
        max(offsets, default=0) + start_block.TLS_SURPLUS,
    )
    contents = [[(start, bytes(window)) for start, window in module.writable.items()] for module in modules]
    return Expected(Judge.MODEL, modules, biases, contents, tables, result.waiting, result.kept)


def _of_core(result: Result, modules: Sequence[Module], biases: Sequence[int]) -> Expected:
    tables = StartTables(
        result.initializers,
        result.finalizers,
        result.objects,
        result.pending_ifuncs,
        [-module.tls_offset for module in result.modules if module.tls_module],
        result.tls_size,
    )
    contents = [[(part.address, part.data) for part in result.contents.get(at, [])] for at in range(len(modules))]
    return Expected(Judge.CORE, modules, biases, contents, tables)


class Judges:
    """Both implementations. `linker` gives the core, or raises where there is none."""

    def __init__(self, linker: Callable[[], Linker]) -> None:
        self._linker = linker
        self._inputs: dict[tuple[str, ...], Input] = {}
        self.missing = ""  # why the core cannot judge; "": it can, or was not asked for

    def expected(
        self, judge: Judge, modules: Sequence[Module], biases: Sequence[int], *, lazy: bool = False
    ) -> Expected:
        """`modules`: a program and its closure, in search order. `lazy`: functions are bound when they are called."""
        core = self._core() if judge is Judge.CORE else None
        if core is None:
            return _of_model(start_block.link_at(modules, biases, lazy=lazy), biases)
        names = tuple(module.name for module in modules)
        if names not in self._inputs:
            self._inputs[names] = Input(bytes(module.data) for module in modules)
        result = core.link_modules(
            modules,
            self._inputs[names],
            flags=QUIET,
            biases=biases,
            tls_surplus=start_block.TLS_SURPLUS,
            tls_functions=start_block.TLS_FUNCTIONS,
        )
        if not result.good:
            reasons = "; ".join(result.errors) or "its memory is too small"
            raise AmbilinkError(modules[0].path, f"was linked, and the linker core refuses to: {reasons}")
        return _of_core(result, modules, biases)

    def _core(self) -> Linker | None:
        try:
            return self._linker()
        except AmbilinkError as error:
            self.missing = str(error)
            return None

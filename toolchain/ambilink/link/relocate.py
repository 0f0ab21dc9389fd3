"""Relocation: every writable segment as it is when the program starts."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ambilink.elf.layout import DT_PLTGOT, ET_EXEC, SHN_UNDEF, STT_GNU_IFUNC, STT_TLS
from ambilink.elf.psabi import PSABIS, Kind, Psabi
from ambilink.link.bind import Binding, Definition, Scope, UndefinedSymbol
from ambilink.link.lazy import Waiting, bound_before, waiting_calls
from ambilink.link.module import Memory, Module
from ambilink.link.order import dependency_order

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class PendingIfunc:
    """A slot that a function of the program must fill; addresses in the linked address space."""

    place: int
    function: int
    addend: int = 0


@dataclass
class Link:
    """A program with its closure, bound and relocated: its modules' `writable` has the result, `touched` the slots."""

    modules: Sequence[Module]
    psabi: Psabi
    bindings: list[Binding] = field(default_factory=list)
    ifuncs: list[PendingIfunc] = field(default_factory=list)
    waiting: dict[int, Waiting] = field(default_factory=dict)  # by place: slots of functions that are bound when called
    kept: dict[int, int] = field(default_factory=dict)  # words that their PLT entries lead on by


@dataclass(frozen=True)
class Descriptors:
    """Addresses of the program's functions for TLS descriptors."""

    fixed: int = 0x1000
    dynamic: int = 0x2000
    absent: int = 0x3000


def consecutive(start: int = 0x10_0000_0000) -> Callable[[Module], int]:
    """For `link`: modules one after the other from `start` on, as ambilink.core places them."""

    def place(module: Module) -> int:
        nonlocal start
        if module.type == ET_EXEC:
            return 0
        start = -(-start // module.align) * module.align
        bias = start - module.low
        start += module.high - module.low
        return bias

    return place


def link(
    modules: Sequence[Module],
    place: Callable[[Module], int],
    descriptors: Descriptors = Descriptors(),
    resolver: Definition | None = None,
) -> Link:
    """`place` gives a module's bias, 0 for ET_EXEC; it is asked in the order of loading. `resolver`: it binds functions
    at their first call, where their objects leave that open."""
    psabi = PSABIS.get(modules[0].machine)
    if psabi is None:
        raise modules[0].refuse(
            f"is for a processor that is not known, e_machine {modules[0].machine}", "build it for another"
        )
    for module in modules:
        if module.machine != modules[0].machine:
            raise module.refuse(
                f"has e_machine {module.machine}, and {modules[0].path} has {modules[0].machine}", "build both for one"
            )
    result = Link(modules, psabi)
    for module in modules:
        module.bias = place(module)
        module.fill_writable()
    _lay_out_tls(modules, psabi)
    # The program is the first of the list; filtees of its own are searched before it all the same.
    first = list(modules[0].filtees.values())
    scope = Scope([*first, *(module for module in modules if module not in first)])
    copies: list[Callable[[], None]] = []
    bound = bound_before(modules, resolver.module) if resolver else set()
    # Of several unique definitions the first that is asked for counts; glibc asks from the last object on.
    for module in reversed(modules):
        relocation = _Relocation(result, scope, module, descriptors)
        if resolver and id(module) not in bound:
            relocation.leave_calls(resolver)
        copies += relocation.run()
    for copy in copies:
        copy()
    result.ifuncs = _in_call_order(result)
    return result


def _in_call_order(result: Link) -> list[PendingIfunc]:
    """A resolver may call what its object needs: slots of needed objects come first, and in each object first those
    that functions of others fill."""

    def is_within(module: Module, address: int) -> bool:
        return module.bias + module.low <= address < module.bias + module.high

    order = dependency_order(result.modules)
    ranks = {
        ifunc: next(
            (rank, is_within(module, ifunc.function))
            for rank, module in enumerate(order)
            if is_within(module, ifunc.place)
        )
        for ifunc in result.ifuncs
    }
    return sorted(result.ifuncs, key=lambda ifunc: ranks[ifunc])


def _lay_out_tls(modules: Sequence[Module], psabi: Psabi) -> None:
    used = number = 0
    for module in modules:
        tls = module.tls
        if tls is None or not tls.size:
            continue
        number += 1
        module.tls_module = number
        if psabi.tls_above:
            used = max(used, psabi.tls_reserved)
            used += (tls.address - used) % tls.align
            module.tls_offset = used
            used += tls.size
        else:
            # The least distance whose start is congruent to p_vaddr.
            used += tls.size
            used += (-tls.address - used) % tls.align
            module.tls_offset = -used


class _Relocation:
    def __init__(self, result: Link, scope: Scope, module: Module, descriptors: Descriptors) -> None:
        self.result, self.scope, self.module, self.descriptors = result, scope, module, descriptors
        self.kinds = result.psabi.kinds
        self.cache: tuple[int, bool] | None = None
        self.cached: Definition | None = None

    def leave_calls(self, resolver: Definition) -> None:
        """Before `run`: functions wait for their first call."""
        bias = self.module.bias
        for offset, index in waiting_calls(self.module):
            unbound = int.from_bytes(self.module.read(offset, 8), "little") + bias & _MASK
            self._store(offset, unbound)
            try:
                found, _ = self.scope.bind(self.module, index, call=True)
            except UndefinedSymbol:
                found = None
            name = self.module.symbol(index).name.decode("utf-8", "replace")
            self.result.waiting[bias + offset] = Waiting(unbound, name, found)
            got = self.module.dynamic[DT_PLTGOT]
            for word, value in ((1, bias + got), (2, resolver.address)):
                self._store(got + 8 * word, value)
                self.result.kept[bias + got + 8 * word] = value & _MASK

    def run(self) -> list[Callable[[], None]]:
        copies: list[Callable[[], None]] = []
        bias = self.module.bias
        for address in self.module.packed_relative():
            memory, at = self._place(address, 8)
            struct.pack_into("<Q", memory, at, struct.unpack_from("<Q", memory, at)[0] + bias & _MASK)
        for offset, number, index, addend in self.module.relocations():
            kind = self.kinds.get(number)
            if kind is Kind.RELATIVE:
                self._store(offset, bias + addend)
            elif kind is Kind.COPY:
                copies.append(lambda entry=(offset, number, index): self._copy(*entry))  # type: ignore[misc]
            elif kind is Kind.IRELATIVE:
                self._pend(offset, bias + addend)
            elif kind is None:
                raise self.module.refuse(f"has a relocation of unknown type {number}")
            elif kind is not Kind.NONE and bias + offset not in self.result.waiting:
                self._symbolic(kind, offset, number, index, addend)
        return copies

    def _writable(self, address: int, size: int) -> tuple[Memory, int]:
        found = self.module.find_writable(address, size)
        if found is None:
            raise self.module.refuse(f"is relocated at {address:#x}, which is not writable", "compile it with -fPIC")
        return found

    def _place(self, address: int, size: int) -> tuple[Memory, int]:
        found = self._writable(address, size)
        self.module.touched[address] = max(size, self.module.touched.get(address, 0))
        return found

    def _pend(self, offset: int, function: int, addend: int = 0) -> None:
        self._writable(offset, 8)
        self.result.ifuncs.append(PendingIfunc(self.module.bias + offset, function & _MASK, addend))

    def _store(self, address: int, value: int, size: int = 8) -> None:
        memory, at = self._place(address, size)
        memory[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")

    def _bind(self, offset: int, number: int, index: int, *, call: bool, copy: bool = False) -> Definition | None:
        if self.cache == (index, call) and not copy:
            return self.cached
        found, searched = self.scope.bind(self.module, index, call=call, copy=copy)
        if searched:
            symbol, version = self.module.symbol(index), self.module.version_of(index)
            name = symbol.name.decode("utf-8", "replace")
            provider = found.module if found else None
            wanted = version.name if version else None
            self.result.bindings.append(Binding(self.module, offset, number, name, wanted, provider))
        if not copy:
            self.cache, self.cached = ((index, call), found) if searched else (None, None)
        return found

    def _symbolic(self, kind: Kind, offset: int, number: int, index: int, addend: int) -> None:
        is_tls = kind in (Kind.TLS_MODULE, Kind.TLS_OFFSET, Kind.TLS_POINTER, Kind.TLS_DESCRIPTOR)
        found = None
        if index:
            found = self._bind(offset, number, index, call=is_tls or kind is Kind.JUMP_SLOT)
        if is_tls:
            self._tls(kind, offset, index, addend, found)
            return
        if kind in (Kind.GLOB_DAT, Kind.JUMP_SLOT) and not self.result.psabi.slot_addend:
            addend = 0
        value = found.address if found else 0
        size = found.symbol.size if found else 0
        here = self.module.bias + offset
        if kind in (Kind.SIZE_32, Kind.SIZE_64):
            self._store(offset, size + addend, 4 if kind is Kind.SIZE_32 else 8)
        elif found and found.symbol.type == STT_GNU_IFUNC and found.symbol.section != SHN_UNDEF:
            self._pend(offset, value, addend)
        elif kind in (Kind.PC_32, Kind.PC_64):
            self._store(offset, value + addend - here, 4 if kind is Kind.PC_32 else 8)
        else:
            self._store(offset, value + addend, 4 if kind is Kind.ABSOLUTE_32 else 8)

    def _tls(self, kind: Kind, offset: int, index: int, addend: int, found: Definition | None) -> None:
        owner = found.module if found else None if index else self.module
        value = addend + (found.symbol.value if found else 0)
        if kind is Kind.TLS_MODULE:
            self._store(offset, owner.tls_module if owner else 0)
        elif kind is Kind.TLS_OFFSET:
            self._store(offset, value - (self.result.psabi.tls_bias if owner else 0))
        elif kind is Kind.TLS_POINTER:
            self._store(offset, value + (owner.tls_offset if owner else 0))
        elif owner:
            self._store(offset, self.descriptors.fixed)
            self._store(offset + 8, owner.tls_offset + value)
        else:
            self._store(offset, self.descriptors.absent)
            self._store(offset + 8, value)

    def _copy(self, offset: int, number: int, index: int) -> None:
        found = self._bind(offset, number, index, call=False, copy=True)
        if found is None:
            return
        if found.symbol.type == STT_TLS:
            raise self.module.refuse(f"copies thread-local data at {offset:#x}", "compile it with -fPIC")
        size = min(found.symbol.size, self.module.symbol(index).size)
        memory, at = self._place(offset, size)
        memory[at : at + size] = found.module.read(found.symbol.value, size)
        start, target = found.module.bias + found.symbol.value, self.module.bias + offset
        for ifunc in list(self.result.ifuncs):
            if start <= ifunc.place <= start + size - 8:
                place = ifunc.place - start + target
                self.result.ifuncs.append(PendingIfunc(place, ifunc.function, ifunc.addend))


def slots_of(module: Module) -> Iterator[tuple[int, bytes]]:
    """What relocations wrote: p_vaddr and bytes. After `link`."""
    for address, size in module.touched.items():
        yield address, module.read(address, size)

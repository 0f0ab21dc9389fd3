"""The words: every writable segment as it is after relocation."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ambilink.link.bind import Binding, Definition, Scope
from ambilink.link.image import ET_EXEC, PAGE, PF_W, SHN_UNDEF, STT_GNU_IFUNC, STT_TLS, ElfError, Image, Segment
from ambilink.link.machine import MACHINES, Kind, Machine

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Resolver:
    """A word that a function of the program must fill; addresses in the linked address space."""

    place: int
    function: int
    addend: int = 0


@dataclass
class Link:
    """A program with its closure, bound and relocated; its images' `windows` hold the words, `touched` says which."""

    images: Sequence[Image]
    machine: Machine
    bindings: list[Binding] = field(default_factory=list)
    resolvers: list[Resolver] = field(default_factory=list)


@dataclass(frozen=True)
class Descriptors:
    """Addresses of the program's functions for TLS descriptors."""

    fixed: int = 0x1000
    dynamic: int = 0x2000
    absent: int = 0x3000


def consecutive(start: int = 0x10_0000_0000) -> Callable[[Image], int]:
    """For `link`: images one after the other from `start` on, as the host of tests/rtld/host places them."""

    def place(image: Image) -> int:
        nonlocal start
        if image.type == ET_EXEC:
            return 0
        start = -(-start // image.align) * image.align
        bias = start - image.low
        start += image.high - image.low
        return bias

    return place


def link(images: Sequence[Image], place: Callable[[Image], int], descriptors: Descriptors = Descriptors()) -> Link:
    """`place` gives an image's bias, 0 for ET_EXEC; it is asked in the order of loading."""
    machine = MACHINES.get(images[0].machine)
    if machine is None:
        raise ElfError(images[0].path, f"is for a machine that is not known, e_machine {images[0].machine}", "")
    result = Link(images, machine)
    for image in images:
        image.bias = place(image)
        _fill_windows(image)
    _lay_out_tls(images, machine)
    scope = Scope(images)
    copies: list[Callable[[], None]] = []
    # Of several unique definitions the first that is asked for counts; glibc asks from the last object on.
    for image in reversed(images):
        copies += _Relocation(result, scope, image, descriptors).run()
    for copy in copies:
        copy()
    return result


def _joined(before: Segment | None, segment: Segment) -> bool:
    return before is not None and segment.address & -PAGE < before.address + before.memory_size


def _fill_windows(image: Image) -> None:
    image.windows, image.touched = {}, {}
    before = None
    for segment in image.segments:
        if segment.flags & PF_W:
            start = segment.address & -PAGE
            end = -(-(segment.address + segment.memory_size) // PAGE) * PAGE
            window = bytearray(end - start)
            head = segment.address - start
            taken = head if _joined(before, segment) else 0  # the page's file contents, as mmap shows them
            data = image.data[segment.offset - taken : segment.offset + segment.file_size]
            window[head - taken : head + segment.file_size] = data
            image.windows[start] = window
        before = segment


def _lay_out_tls(images: Sequence[Image], machine: Machine) -> None:
    used = 0
    module = 0
    for image in images:
        tls = image.tls
        if tls is None or not tls.size:
            continue
        module += 1
        image.tls_module = module
        if machine.tls_above:
            used = max(used, machine.tls_reserved)
            used += (tls.address - used) % tls.align
            image.tls_offset = used
            used += tls.size
        else:
            # The least distance whose start is congruent to p_vaddr.
            used += tls.size
            used += (-tls.address - used) % tls.align
            image.tls_offset = -used


class _Relocation:
    def __init__(self, result: Link, scope: Scope, image: Image, descriptors: Descriptors) -> None:
        self.result, self.scope, self.image, self.descriptors = result, scope, image, descriptors
        self.kinds = result.machine.kinds
        self.cache: tuple[int, bool] | None = None
        self.cached: Definition | None = None

    def run(self) -> list[Callable[[], None]]:
        copies: list[Callable[[], None]] = []
        bias = self.image.bias
        for address in self.image.packed_relative():
            window, at = self._place(address, 8)
            struct.pack_into("<Q", window, at, struct.unpack_from("<Q", window, at)[0] + bias & _MASK)
        for offset, number, index, addend in self.image.relocations():
            kind = self.kinds.get(number)
            if kind is Kind.RELATIVE:
                self._store(offset, bias + addend)
            elif kind is Kind.COPY:
                copies.append(lambda entry=(offset, number, index): self._copy(*entry))  # type: ignore[misc]
            elif kind is Kind.RESOLVER:
                self.result.resolvers.append(Resolver(bias + offset, bias + addend))
            elif kind is None:
                raise ElfError(self.image.path, f"has a relocation of unknown type {number}", "")
            elif kind is not Kind.NONE:
                self._symbolic(kind, offset, number, index, addend)
        return copies

    def _place(self, address: int, size: int) -> tuple[bytearray, int]:
        for start, window in self.image.windows.items():
            if 0 <= address - start <= len(window) - size:
                self.image.touched[address] = max(size, self.image.touched.get(address, 0))
                return window, address - start
        raise ElfError(self.image.path, f"is relocated at {address:#x}, which is not writable", "compile it with -fPIC")

    def _store(self, address: int, value: int, size: int = 8) -> None:
        window, at = self._place(address, size)
        window[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")

    def _bind(self, offset: int, number: int, index: int, *, call: bool, copy: bool = False) -> Definition | None:
        if self.cache == (index, call) and not copy:
            return self.cached
        found, searched = self.scope.bind(self.image, index, call=call, copy=copy)
        if searched:
            symbol, version = self.image.symbol(index), self.image.version_of(index)
            name = symbol.name.decode("utf-8", "replace")
            self.result.bindings.append(
                Binding(
                    self.image, offset, number, name, version.name if version else None, found.image if found else None
                )
            )
        if not copy:
            self.cache, self.cached = ((index, call), found) if searched else (None, None)
        return found

    def _symbolic(self, kind: Kind, offset: int, number: int, index: int, addend: int) -> None:
        is_tls = kind in (Kind.TLS_MODULE, Kind.TLS_OFFSET, Kind.TLS_POINTER, Kind.TLS_DESCRIPTOR)
        found = None
        if index:
            found = self._bind(offset, number, index, call=is_tls or kind is Kind.CALL)
        if is_tls:
            self._tls(kind, offset, index, addend, found)
            return
        if kind in (Kind.SLOT, Kind.CALL) and not self.result.machine.slot_addend:
            addend = 0
        value = found.address if found else 0
        size = found.symbol.size if found else 0
        here = self.image.bias + offset
        if kind in (Kind.SIZE_32, Kind.SIZE_64):
            self._store(offset, size + addend, 4 if kind is Kind.SIZE_32 else 8)
        elif found and found.symbol.type == STT_GNU_IFUNC and found.symbol.section != SHN_UNDEF:
            self.result.resolvers.append(Resolver(here, value, addend))
        elif kind in (Kind.PC_32, Kind.PC_64):
            self._store(offset, value + addend - here, 4 if kind is Kind.PC_32 else 8)
        else:
            self._store(offset, value + addend, 4 if kind is Kind.ABSOLUTE_32 else 8)

    def _tls(self, kind: Kind, offset: int, index: int, addend: int, found: Definition | None) -> None:
        owner = found.image if found else None if index else self.image
        value = addend + (found.symbol.value if found else 0)
        if kind is Kind.TLS_MODULE:
            self._store(offset, owner.tls_module if owner else 0)
        elif kind is Kind.TLS_OFFSET:
            self._store(offset, value - (self.result.machine.tls_bias if owner else 0))
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
            raise ElfError(self.image.path, f"copies thread-local data at {offset:#x}", "compile it with -fPIC")
        size = min(found.symbol.size, self.image.symbol(index).size)
        window, at = self._place(offset, size)
        window[at : at + size] = bytes_of(found.image, found.symbol.value, size)
        start, target = found.image.bias + found.symbol.value, self.image.bias + offset
        for resolver in list(self.result.resolvers):
            if start <= resolver.place <= start + size - 8:
                place = resolver.place - start + target
                self.result.resolvers.append(Resolver(place, resolver.function, resolver.addend))


def words_of(image: Image) -> Iterator[tuple[int, bytes]]:
    """What relocations wrote: p_vaddr and bytes. After `link`."""
    for address, size in image.touched.items():
        yield address, bytes_of(image, address, size)


def bytes_of(image: Image, address: int, size: int) -> bytes:
    """At a p_vaddr, as relocated so far."""
    for start, window in image.windows.items():
        if 0 <= address - start <= len(window) - size:
            return bytes(window[address - start : address - start + size])
    at = image.offset_of(address)
    return bytes(image.data[at : at + size])

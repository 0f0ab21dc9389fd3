"""The start block of a process, made on the development machine: boot/include/ambilink/start.h in Python.

What the loader service writes at run time for a program that it links, the packer writes for one that it linked: every
address is known. Left at zero are handles and the size of the archive, which the loader fills in.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ambilink.elf.layout import (
    DT_FINI,
    DT_FINI_ARRAY,
    DT_FINI_ARRAYSZ,
    DT_INIT,
    DT_INIT_ARRAY,
    DT_INIT_ARRAYSZ,
    DT_PREINIT_ARRAY,
    DT_PREINIT_ARRAYSZ,
)
from ambilink.link.bind import Scope
from ambilink.link.lazy import LAZY_RESOLVER, relro_pages
from ambilink.link.module import Module
from ambilink.link.order import start_order
from ambilink.link.relocate import Descriptors, Link, link

MAGIC = int.from_bytes(b"AMBSTRT2", "little")
LINKED = 1
HANDLES = 8
MASK = (1 << 64) - 1
INFO = struct.Struct(f"<QQ{HANDLES}I18Q")
LINK = struct.Struct("<10Q")
TLS = struct.Struct("<5Q")
MODULE = struct.Struct("<12Q5QQ")
RESOLVER = struct.Struct("<3Q")
RANGE = struct.Struct("<2Q")
OBJECT = struct.Struct("<2I")
# As the core lays out thread-local storage for the loader service, which adds room for objects opened later.
TLS_SURPLUS = 1024
TLS_SURPLUS_ALIGN = 64
BREAKPOINT = b"_dl_debug_state"
# In libc: what TLS descriptors lead to.
TLS_FUNCTIONS = (b"__ambilink_tlsdesc_fixed", b"__ambilink_tlsdesc_dynamic", b"__ambilink_tlsdesc_absent")


@dataclass(frozen=True)
class StartBlock:
    data: bytes
    link: int  # offset of struct start_link


class _Block:
    def __init__(self, address: int) -> None:
        self.address = address
        self.data = bytearray()

    def put(self, data: bytes) -> int:
        """The offset, rounded up as the loader does."""
        at = len(self.data)
        self.data += data + bytes(-len(data) % 16)
        return at


def _function(module: Module, tag: int) -> int:
    address = module.dynamic[tag]
    if not module.low <= address < module.high:
        raise module.refuse(f"has a constructor or destructor at {address:#x}, outside its segments")
    return module.bias + address


def _functions(module: Module, tag: int, size_tag: int) -> list[int]:
    found = [int.from_bytes(module.read(at, 8), "little") for at in module.array(tag, size_tag)]
    return [function for function in found if function not in (0, MASK)]


def _own_initializers(module: Module) -> list[int]:
    first = [_function(module, DT_INIT)] if module.dynamic.get(DT_INIT) else []
    return first + _functions(module, DT_INIT_ARRAY, DT_INIT_ARRAYSZ)


def _own_finalizers(module: Module) -> list[int]:
    found = _functions(module, DT_FINI_ARRAY, DT_FINI_ARRAYSZ)[::-1]
    return found + ([_function(module, DT_FINI)] if module.dynamic.get(DT_FINI) else [])


def starts(modules: Sequence[Module]) -> Iterator[tuple[list[int], list[int]]]:
    """Of each object, in the order to start them: its initializers and finalizers, each in the order to call them.
    The program's DT_PREINIT_ARRAY comes before all but an object that asks to be first. After `link`."""
    before = _functions(modules[0], DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ)
    for module in start_order(modules):
        own = _own_initializers(module)
        if before and (not module.initfirst or len(modules) == 1):
            own, before = before + own, []
        yield own, _own_finalizers(module)


def initializers(modules: Sequence[Module]) -> list[int]:
    """In the order to call them. After `link`."""
    return [function for own, _ in starts(modules) for function in own]


def finalizers(modules: Sequence[Module]) -> list[int]:
    return [function for _, own in reversed([*starts(modules)]) for function in own]


def object_counts(modules: Sequence[Module]) -> list[tuple[int, int]]:
    """Of each object that has initializers or finalizers: how many."""
    return [(len(first), len(last)) for first, last in starts(modules) if first or last]


def waiting_relro(result: Link) -> Iterator[tuple[Module, int, int]]:
    """RELRO that functions of the program still fill: it must protect these pages itself."""
    for module in result.modules:
        start, end = relro_pages(module)
        if any(start <= ifunc.place - module.bias < end for ifunc in result.ifuncs):
            yield module, start, end


def link_at(modules: Sequence[Module], biases: Sequence[int], *, lazy: bool = False) -> Link:
    """Link a program and its closure at these biases as the loader service does, TLS descriptors included. `lazy`:
    functions are bound at their first call."""
    for module, bias in zip(modules, biases, strict=True):
        module.bias = bias
    scope = Scope(modules)
    functions = (scope.lookup(modules[0], name, None, call=True) for name in TLS_FUNCTIONS)
    descriptors = Descriptors(*(function.address if function else 0 for function in functions))
    resolver = scope.lookup(modules[0], LAZY_RESOLVER, None, call=True) if lazy else None
    return link(modules, lambda module: module.bias, descriptors, resolver)


def _tls(module: Module) -> tuple[int, ...]:
    tls = module.tls
    if tls is None or not module.tls_module:
        return (0,) * 5
    return module.bias + tls.address, tls.file_size, tls.size, tls.align, -module.tls_offset


def build(result: Link, address: int) -> StartBlock:
    """For a linked program; `address`: where the block will lie in its process."""
    modules = result.modules
    if result.psabi.tls_above and any(module.tls_module for module in modules):
        raise modules[0].refuse(
            f"has thread-local data, which cannot be packed for {result.psabi.name}", "let the loader link it"
        )
    block = _Block(address)
    block.put(bytes(INFO.size))
    link_at = block.put(bytes(LINK.size))
    generation = 1 if any(module.tls_module for module in modules) else 0
    names, at = [], len(block.data)
    for module in modules:
        names.append(at)
        at += -(-MODULE.size // 16) * 16 + -(-(len(module.name.encode()) + 1) // 16) * 16
    for number, module in enumerate(modules):
        headers, count = module.program_headers
        place = block.put(bytes(MODULE.size))
        name = block.put(module.name.encode() + b"\0")
        assert place == names[number]
        MODULE.pack_into(
            block.data,
            place,
            module.bias,
            address + name,
            module.bias + module.dynamic_address if module.dynamic_address else 0,
            address + names[number + 1] if number + 1 < len(modules) else 0,
            address + names[number - 1] if number else 0,
            module.bias + headers if count else 0,
            count,
            module.bias + module.low,
            module.bias + module.high,
            module.tls_module,
            generation if module.tls_module else 0,
            1 if module.tls_module else 0,
            *_tls(module),
            address + place,
        )

    def words(values: list[int]) -> int:
        return block.put(struct.pack(f"<{len(values)}Q", *values))

    first, last, objects = initializers(modules), finalizers(modules), object_counts(modules)
    first_at, last_at = words(first), words(last)
    objects_at = block.put(b"".join(OBJECT.pack(*each) for each in objects))
    with_tls = sorted((module for module in modules if module.tls_module), key=lambda module: module.tls_module)
    tls_at = block.put(b"".join(TLS.pack(*_tls(module)) for module in with_tls))
    ranges = [(module.bias + start, end - start) for module, start, end in waiting_relro(result)]
    resolvers_at = block.put(
        b"".join(RESOLVER.pack(ifunc.place, ifunc.function, ifunc.addend & MASK) for ifunc in result.ifuncs)
    )
    relro_at = block.put(b"".join(RANGE.pack(*each) for each in ranges))
    used = max((-module.tls_offset for module in with_tls), default=0)
    align = max([TLS_SURPLUS_ALIGN, *(module.tls.align for module in with_tls if module.tls)])
    INFO.pack_into(
        block.data,
        0,
        MAGIC,
        LINKED,
        *(0,) * HANDLES,
        len(modules),
        address + link_at,
        len(first),
        address + first_at,
        len(last),
        address + last_at,
        len(result.ifuncs),
        address + resolvers_at,
        len(ranges),
        address + relro_at,
        len(with_tls),
        address + tls_at,
        used + TLS_SURPLUS,
        align,
        0,  # image_size
        0,  # loaded
        len(objects),
        address + objects_at,
    )
    breakpoint_ = Scope(modules).lookup(modules[0], BREAKPOINT, None, call=True)
    LINK.pack_into(
        block.data,
        link_at,
        1,
        address + names[0],
        breakpoint_.address & MASK if breakpoint_ else 0,
        0,
        0,
        len(modules),
        len(modules),
        0,
        generation,
        len(with_tls),
    )
    return StartBlock(bytes(block.data), link_at)

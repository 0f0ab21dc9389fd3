"""The start block of a process, made on the development machine: boot/include/ambilink/start.h in Python.

What the loader service writes at run time for a program that it links, the packer writes for one that it linked: every
address is known. Left at zero are handles and the size of the archive, which the loader fills in.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ambilink.link.bind import Scope
from ambilink.link.image import (
    DT_FINI,
    DT_FINI_ARRAY,
    DT_FINI_ARRAYSZ,
    DT_INIT,
    DT_INIT_ARRAY,
    DT_INIT_ARRAYSZ,
    DT_PREINIT_ARRAY,
    DT_PREINIT_ARRAYSZ,
    PAGE,
    Image,
)
from ambilink.link.order import start_order
from ambilink.link.relocate import Descriptors, Link, bytes_of, link

MAGIC = int.from_bytes(b"AMBSTART", "little")
LINKED = 1
HANDLES = 8
INFO = struct.Struct(f"<QQ{HANDLES}I16Q")
LINK = struct.Struct("<10Q")
TLS = struct.Struct("<5Q")
MODULE = struct.Struct("<12Q5QQ")
RESOLVER = struct.Struct("<3Q")
RANGE = struct.Struct("<2Q")
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


def _functions(image: Image, tag: int, size_tag: int) -> list[int]:
    found = [int.from_bytes(bytes_of(image, at, 8), "little") for at in image.array(tag, size_tag)]
    return [function for function in found if function not in (0, (1 << 64) - 1)]


def initializers(images: Sequence[Image]) -> list[int]:
    """In the order to call them. After `link`."""
    found: list[int] = []

    def own(image: Image) -> list[int]:
        first = [image.bias + image.dynamic[DT_INIT]] if image.dynamic.get(DT_INIT) else []
        return first + _functions(image, DT_INIT_ARRAY, DT_INIT_ARRAYSZ)

    order = start_order(images)
    if any(image.initfirst for image in images):
        found += own(order.pop(0))
    found += _functions(images[0], DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ)
    for image in order:
        found += own(image)
    return found


def finalizers(images: Sequence[Image]) -> list[int]:
    found: list[int] = []
    for image in reversed(start_order(images)):
        found += reversed(_functions(image, DT_FINI_ARRAY, DT_FINI_ARRAYSZ))
        found += [image.bias + image.dynamic[DT_FINI]] if image.dynamic.get(DT_FINI) else []
    return found


def relro_pages(image: Image) -> tuple[int, int]:
    """Whole pages of RELRO: p_vaddr of the first, and of what follows the last; equal where there are none."""
    start, size = image.relro or (0, 0)
    start, end = start & -PAGE, (start + size) & -PAGE
    return (start, end) if end > start else (0, 0)


def waiting_relro(result: Link) -> Iterator[tuple[Image, int, int]]:
    """RELRO that functions of the program still fill: it must protect these pages itself."""
    for image in result.images:
        start, end = relro_pages(image)
        if any(start <= resolver.place - image.bias < end for resolver in result.resolvers):
            yield image, start, end


def link_at(images: Sequence[Image], biases: Sequence[int]) -> Link:
    """Link a program and its closure at these biases as the loader service does, TLS descriptors included."""
    for image, bias in zip(images, biases, strict=True):
        image.bias = bias
    scope = Scope(images)
    functions = (scope.lookup(images[0], name, None, call=True) for name in TLS_FUNCTIONS)
    descriptors = Descriptors(*(function.address if function else 0 for function in functions))
    return link(images, lambda image: image.bias, descriptors)


def _tls(image: Image) -> tuple[int, ...]:
    tls = image.tls
    if tls is None or not image.tls_module:
        return (0,) * 5
    return image.bias + tls.address, tls.file_size, tls.size, tls.align, -image.tls_offset


def build(result: Link, address: int) -> StartBlock:
    """For a linked program; `address`: where the block will lie in its process."""
    images = result.images
    block = _Block(address)
    block.put(bytes(INFO.size))
    link_at = block.put(bytes(LINK.size))
    generation = 1 if any(image.tls_module for image in images) else 0
    names, at = [], len(block.data)
    for image in images:
        names.append(at)
        at += -(-MODULE.size // 16) * 16 + -(-(len(image.name.encode()) + 1) // 16) * 16
    for number, image in enumerate(images):
        place = block.put(bytes(MODULE.size))
        name = block.put(image.name.encode() + b"\0")
        assert place == names[number]
        MODULE.pack_into(
            block.data,
            place,
            image.bias,
            address + name,
            image.bias + image.dynamic_address if image.dynamic_address else 0,
            address + names[number + 1] if number + 1 < len(images) else 0,
            address + names[number - 1] if number else 0,
            image.bias + image.headers_address if image.header_count else 0,
            image.header_count,
            image.bias + image.low,
            image.bias + image.high,
            image.tls_module,
            generation if image.tls_module else 0,
            1 if image.tls_module else 0,
            *_tls(image),
            address + place,
        )

    def words(values: list[int]) -> int:
        return block.put(struct.pack(f"<{len(values)}Q", *values))

    starts, ends = initializers(images), finalizers(images)
    starts_at, ends_at = words(starts), words(ends)
    modules = sorted((image for image in images if image.tls_module), key=lambda image: image.tls_module)
    tls_at = block.put(b"".join(TLS.pack(*_tls(image)) for image in modules))
    ranges = [(image.bias + start, end - start) for image, start, end in waiting_relro(result)]
    resolvers_at = block.put(b"".join(RESOLVER.pack(r.place, r.function, r.addend) for r in result.resolvers))
    relro_at = block.put(b"".join(RANGE.pack(*each) for each in ranges))
    used = max((-image.tls_offset for image in modules), default=0)
    align = max([TLS_SURPLUS_ALIGN, *(image.tls.align for image in modules if image.tls)])
    INFO.pack_into(
        block.data,
        0,
        MAGIC,
        LINKED,
        *(0,) * HANDLES,
        len(images),
        address + link_at,
        len(starts),
        address + starts_at,
        len(ends),
        address + ends_at,
        len(result.resolvers),
        address + resolvers_at,
        len(ranges),
        address + relro_at,
        len(modules),
        address + tls_at,
        used + TLS_SURPLUS,
        align,
        0,  # image_size
        0,  # loaded
    )
    breakpoint_ = Scope(images).lookup(images[0], BREAKPOINT, None, call=True)
    LINK.pack_into(
        block.data,
        link_at,
        1,
        address + names[0],
        breakpoint_.address if breakpoint_ else 0,
        0,
        0,
        len(images),
        len(images),
        0,
        generation,
        len(modules),
    )
    return StartBlock(bytes(block.data), link_at)

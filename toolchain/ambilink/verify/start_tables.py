"""The start block of a process (boot/include/ambilink/start.h), found and read in its memory."""

import struct
from dataclasses import dataclass

from ambilink.bootimage import start_block
from ambilink.verify.expected import StartTables
from ambilink.verify.snapshot import Snapshot

_WORD = struct.Struct("<Q")
# In the order of struct start_info: initializers, finalizers, resolvers, RELRO ranges, thread-local data, objects.
RECORDS = (_WORD, _WORD, start_block.RESOLVER, start_block.RANGE, start_block.TLS, start_block.OBJECT)
ENTRIES_MAX = 1 << 20  # a longer table is a damaged one


@dataclass(frozen=True)
class StartBlock:
    link: int  # address of struct start_link, where DT_DEBUG leads
    tables: StartTables


def read_start_block(snapshot: Snapshot) -> StartBlock | None:
    """None where there is none, or a damaged one."""
    for page in snapshot.pages.values():
        contents = snapshot.contents.get(page.frame, b"")
        if page.writable or int.from_bytes(contents[:8], "little") != start_block.MAGIC:
            continue
        info = snapshot.read(page.address, start_block.INFO.size)
        found = _parse(snapshot, info) if info else None
        if found:
            return found
    return None


def _parse(snapshot: Snapshot, info: bytes) -> StartBlock | None:
    values = start_block.INFO.unpack(info)[2 + start_block.HANDLES :]
    _, link, *counted = *values[:12], *values[-2:]
    tls_size = values[12]
    tables = []
    for count, address, record in zip(counted[::2], counted[1::2], RECORDS, strict=True):
        data = snapshot.read(address, count * record.size) if count < ENTRIES_MAX else None
        if data is None:
            return None
        tables.append(list(record.iter_unpack(data)))
    starts, ends, pending, _, tls, objects = tables
    return StartBlock(
        link,
        StartTables(
            [address for (address,) in starts],
            [address for (address,) in ends],
            objects,
            pending,
            [offset for *_, offset in tls],
            tls_size,
        ),
    )

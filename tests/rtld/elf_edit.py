"""Changes to finished ELF files that no linker option makes."""

import struct
from collections.abc import Iterator
from pathlib import Path

PT_LOAD, PT_DYNAMIC, PT_TLS, PT_GNU_RELRO = 1, 2, 7, 0x6474E552
DT_NULL, DT_STRTAB, DT_DEBUG, DT_FLAGS, DT_FLAGS_1 = 0, 5, 21, 30, 0x6FFFFFFB
DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
DF_SYMBOLIC = 2
HEADER = "<IIQQQQQQ"


def headers(data: bytes) -> Iterator[tuple[int, list[int]]]:
    """(file offset, [p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align])"""
    start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    for at in range(start, start + 56 * count, 56):
        yield at, list(struct.unpack_from(HEADER, data, at))


def dynamic(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(file offset, tag, value), the DT_NULL at the end included"""
    _, header = next(pair for pair in headers(data) if pair[1][0] == PT_DYNAMIC)
    for at in range(header[2], header[2] + header[5], 16):
        tag, value = struct.unpack_from("<qQ", data, at)
        yield at, tag, value
        if tag == DT_NULL:
            return


def set_tag(path: Path, tag: int, value: int) -> None:
    """Change a dynamic entry, or take the place of the end mark if another one follows it."""
    data = bytearray(path.read_bytes())
    entries = list(dynamic(data))
    at = next((at for at, known, _ in entries if known == tag), None)
    if at is None:
        at = entries[-1][0]
        following = struct.unpack_from("<qQ", data, at + 16)
        assert following == (0, 0), "no room in the dynamic section"
    struct.pack_into("<qQ", data, at, tag, value)
    path.write_bytes(data)


def set_dynamic_flag(path: Path, flag: int) -> None:
    old = next((value for _, tag, value in dynamic(path.read_bytes()) if tag == DT_FLAGS), 0)
    set_tag(path, DT_FLAGS, old | flag)


def offset_of(data: bytes, address: int) -> int:
    for _, (kind, _, offset, start, _, size, _, _) in headers(data):
        if kind == PT_LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError(hex(address))


def set_version_need_weak(path: Path, version: str) -> None:
    """VER_FLG_WEAK in the DT_VERNEED entry of that name."""
    data = bytearray(path.read_bytes())
    tags = {tag: value for _, tag, value in dynamic(data)}
    strings = offset_of(data, tags[DT_STRTAB])
    at = offset_of(data, tags[DT_VERNEED])
    for _ in range(tags[DT_VERNEEDNUM]):
        _, count, _, aux, following = struct.unpack_from("<HHIII", data, at)
        entry = at + aux
        for _ in range(count):
            _, flags, _, name, step = struct.unpack_from("<IHHII", data, entry)
            text = data[strings + name : data.index(b"\0", strings + name)].decode()
            if text == version:
                struct.pack_into("<H", data, entry + 4, flags | 2)
                path.write_bytes(data)
                return
            entry += step
        at += following
    raise ValueError(version)


def change_header(path: Path, at: int, header: list[int]) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into(HEADER, data, at, *header)
    path.write_bytes(data)

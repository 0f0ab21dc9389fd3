"""Multiboot headers of kernels: finding them, and what they ask of a boot loader.

Multiboot2: the header lies in the first 32 KiB, 8-byte aligned; Multiboot: in the first 8 KiB, 4-byte aligned.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.elf.layout import Data
from ambilink.errors import AmbilinkError

MAGIC2 = 0xE85250D6
MAGIC1 = 0x1BADB002
SEARCH2, SEARCH1 = 32768, 8192
ARCHITECTURE_I386 = 0
_HEADER2 = struct.Struct("<IIII")
_HEADER1 = struct.Struct("<III")
_ADDRESSES = struct.Struct("<IIII")
_TAG = struct.Struct("<HHI")
OPTIONAL = 1

# Tags of the header.
END, REQUEST, ADDRESS, ENTRY, CONSOLE, FRAMEBUFFER, MODULE_ALIGN, EFI_SERVICES = range(8)
ENTRY_EFI32, ENTRY_EFI64, RELOCATABLE = 8, 9, 10
HEADER_TAGS = {
    CONSOLE: "a text console",
    FRAMEBUFFER: "a framebuffer",
    EFI_SERVICES: "EFI boot services",
}
# Tags of the information: the names of those that are never given.
GIVEN_TAGS = frozenset((1, 2, 3, 4, 6, 9, 14, 15, 21))
INFORMATION_TAGS = {
    5: "the BIOS boot device",
    7: "VBE modes",
    8: "a framebuffer",
    10: "the APM table",
    11: "the 32-bit EFI system table",
    12: "the 64-bit EFI system table",
    13: "SMBIOS tables",
    16: "networking",
    17: "the EFI memory map",
    18: "EFI boot services",
    19: "the 32-bit EFI image handle",
    20: "the 64-bit EFI image handle",
}
# Multiboot's flags.
FLAG_PAGE_ALIGN, FLAG_MEMORY, FLAG_VIDEO, FLAG_ADDRESSES = 1, 2, 4, 1 << 16
FLAGS_KNOWN = FLAG_PAGE_ALIGN | FLAG_MEMORY | FLAG_ADDRESSES


@dataclass(frozen=True)
class Addresses:
    """Where a kernel says that it is to be loaded, instead of an ELF file's program headers."""

    header: int
    load: int
    load_end: int  # 0: to the file's end
    bss_end: int  # 0: there is none


@dataclass(frozen=True)
class Relocatable:
    lowest: int
    highest: int
    align: int


@dataclass
class Header:
    version: int  # 1 or 2
    offset: int  # in the file
    addresses: Addresses | None = None
    entry: int | None = None  # physical
    relocatable: Relocatable | None = None
    refused: list[str] = field(default_factory=list)  # what it needs and does not get

    def check(self, path: Path) -> None:
        if self.refused:
            raise AmbilinkError(
                path,
                f"its multiboot{2 if self.version == 2 else ''} header needs {self.refused[0]}, which is not provided",
                "make that tag optional (flags bit 0), or boot it by GRUB",
            )


def find_header(path: Path, data: Data, version: int) -> Header | None:
    """The kernel's header of one version; None where it has none. A broken one is an error."""
    return _find2(path, data) if version == 2 else _find1(data)


def _find2(path: Path, data: Data) -> Header | None:
    end = min(len(data), SEARCH2)
    magic = MAGIC2.to_bytes(4, "little")
    at = data.find(magic, 0, end)
    while at >= 0:
        if at % 8 == 0 and at + _HEADER2.size <= len(data):
            fields = _HEADER2.unpack_from(data, at)
            if sum(fields) & 0xFFFFFFFF == 0:
                return _read2(path, data, at, fields)
        at = data.find(magic, at + 1, end)
    return None


def _read2(path: Path, data: Data, at: int, fields: tuple[int, ...]) -> Header:
    _, architecture, length, _ = fields

    def refuse(rule: str) -> AmbilinkError:
        return AmbilinkError(path, f"its multiboot2 header {rule}", "correct the header in the kernel's source")

    if architecture != ARCHITECTURE_I386:
        raise refuse(f"is for architecture {architecture}, not i386 (0)")
    end = at + length
    if end > min(len(data), SEARCH2):
        raise refuse(f"has length {length}, beyond the file's first {SEARCH2:,} bytes")
    header = Header(2, at)
    tag = at + _HEADER2.size
    while True:
        if tag + _TAG.size > end:
            raise refuse("has no end tag")
        kind, flags, size = _TAG.unpack_from(data, tag)
        if kind == END and size == _TAG.size:
            return header
        if size < _TAG.size or tag + size > end:
            raise refuse(f"has a tag of type {kind} with size {size}")
        body = data[tag + _TAG.size : tag + size]
        needed = {ADDRESS: 16, ENTRY: 4, CONSOLE: 4, RELOCATABLE: 16}.get(kind, 0)
        if len(body) < needed:
            raise refuse(f"has a tag of type {kind} with size {size}, which is too short")
        _read_tag(header, kind, bool(flags & OPTIONAL), body)
        tag += -(-size // 8) * 8


def _read_tag(header: Header, kind: int, optional: bool, body: bytes) -> None:
    if kind == ADDRESS:
        header.addresses = Addresses(*_ADDRESSES.unpack_from(body))
    elif kind == ENTRY:
        header.entry = int.from_bytes(body[:4], "little")
    elif kind == RELOCATABLE:
        header.relocatable = Relocatable(*struct.unpack_from("<III", body))
    elif optional or kind in (MODULE_ALIGN, ENTRY_EFI32, ENTRY_EFI64):
        return  # modules are always aligned; the others matter on EFI only
    elif kind == REQUEST:
        for (wanted,) in struct.iter_unpack("<I", body[: len(body) & ~3]):
            if wanted not in GIVEN_TAGS:
                header.refused.append(INFORMATION_TAGS.get(wanted, f"information of the unknown type {wanted}"))
    elif kind == CONSOLE:
        if int.from_bytes(body[:4], "little") & 1:
            header.refused.append(HEADER_TAGS[CONSOLE])
    else:
        header.refused.append(HEADER_TAGS.get(kind, f"the unknown header tag {kind}"))


def _find1(data: Data) -> Header | None:
    end = min(len(data), SEARCH1)
    magic = MAGIC1.to_bytes(4, "little")
    at = data.find(magic, 0, end)
    while at >= 0:
        if at % 4 == 0 and at + _HEADER1.size <= len(data):
            _, flags, checksum = _HEADER1.unpack_from(data, at)
            if (MAGIC1 + flags + checksum) & 0xFFFFFFFF == 0:
                return _read1(data, at, flags)
        at = data.find(magic, at + 1, end)
    return None


def _read1(data: Data, at: int, flags: int) -> Header:
    header = Header(1, at)
    if flags & FLAG_ADDRESSES and at + 32 <= len(data):
        where, load, load_end, bss_end, entry = struct.unpack_from("<5I", data, at + 12)
        header.addresses, header.entry = Addresses(where, load, load_end, bss_end), entry
    unknown = flags & 0xFFFF & ~FLAGS_KNOWN
    if unknown & FLAG_VIDEO:
        header.refused.append("a video mode")
    elif unknown:
        header.refused.append(f"the unknown flags {unknown:#x}")
    return header

"""Stubs: shared objects that hold an ABI and nothing else, for programs to be linked against.

A linker takes from them what it takes from the library: soname, symbols, versions, types, sizes. Because a stub is
written from the text of the ABI, it changes only when the ABI does. Nothing in it can be run.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from ambilink.elf.abi import BINDINGS, SIZE_END, TYPES, Abi, AbiSymbol
from ambilink.elf.layout import (
    DT_GNU_HASH,
    DT_NEEDED,
    DT_SONAME,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMENT,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERDEFNUM,
    DT_VERSYM,
    DYN,
    EHDR,
    ET_DYN,
    GNU_HASH_HEADER,
    IDENT,
    PAGE,
    PF_R,
    PF_W,
    PF_X,
    PHDR,
    PT_DYNAMIC,
    PT_LOAD,
    PT_TLS,
    SHDR,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_TLS,
    SHF_WRITE,
    SHN_ABS,
    SHN_UNDEF,
    SHT_DYNAMIC,
    SHT_DYNSYM,
    SHT_GNU_HASH,
    SHT_GNU_VERDEF,
    SHT_GNU_VERSYM,
    SHT_NOBITS,
    SHT_STRTAB,
    STB_WEAK,
    STT_NOTYPE,
    STV_PROTECTED,
    SYM,
    VER_FLG_BASE,
    VER_NDX_GLOBAL,
    VERDAUX,
    VERDEF,
    VERSYM_HIDDEN,
    VERSYM_VERSION,
    FileHeader,
    Section,
    Segment,
    Strings,
    pad,
)
from ambilink.elf.psabi import E_MACHINES, STO_VARIANT, psabi_of
from ambilink.errors import AmbilinkError

ELFOSABI_GNU = 3
PF_RX, PF_RW = PF_R | PF_X, PF_R | PF_W
LINE = 64  # no data is aligned to less than its size, nor to more than this

# Sections by number; those of versions come after them, where there are versions.
DYNSYM, DYNSTR, GNU_HASH, TEXT, DYNAMIC, TBSS, BSS = range(1, 8)
PLACES = {"func": TEXT, "ifunc": TEXT, "label": TEXT, "data": BSS, "tls": TBSS}


def _gnu_hash(name: str) -> int:
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _gabi_hash(name: str) -> int:
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value >> 24 & 0xF0)) & 0xFFFFFFF
    return value


@dataclass(frozen=True)
class _Placed:
    symbol: AbiSymbol
    offset: int  # in its section


def _place(symbols: list[AbiSymbol]) -> tuple[list[_Placed], dict[int, int]]:
    """Where symbols lie, each by itself but for aliases; and the sections' sizes."""
    sizes = {TEXT: 0, BSS: 0, TBSS: 0}
    first: dict[str, int] = {}
    placed = []
    for symbol in sorted(symbols):
        place = PLACES[symbol.kind]
        if symbol.alias in first:
            placed.append(_Placed(symbol, first[symbol.alias]))
            continue
        align = 16 if place == TEXT else min(LINE, 1 << max(0, symbol.size - 1).bit_length())
        offset = -(-sizes[place] // align) * align
        sizes[place] = offset + max(symbol.size, 1)
        if symbol.kind == "data":
            first.setdefault(symbol.name, offset)
        placed.append(_Placed(symbol, offset))
    return placed, sizes


def _hash_table(hashes: list[int], buckets: int, first: int) -> bytes:
    """DT_GNU_HASH of symbols that are sorted by bucket, numbered from `first`."""
    bloom_words, shift = 1 << max(0, (len(hashes) // 8).bit_length()), 26
    bloom, starts, chain = [0] * bloom_words, [0] * buckets, []
    for index, value in enumerate(hashes):
        bloom[value // 64 % bloom_words] |= 1 << value % 64 | 1 << (value >> shift) % 64
        bucket = value % buckets
        starts[bucket] = starts[bucket] or first + index
        last = index + 1 == len(hashes) or hashes[index + 1] % buckets != bucket
        chain.append(value & ~1 | last)
    head = GNU_HASH_HEADER.pack(buckets, first, bloom_words, shift)
    return head + struct.pack(f"<{bloom_words}Q{buckets}I{len(chain)}I", *bloom, *starts, *chain)


def _version_definitions(abi: Abi, strings: Strings) -> tuple[bytes, dict[str, int]]:
    """DT_VERDEF, and the versions' numbers; nothing without versions."""
    names = sorted(abi.versions)
    if not names:
        return b"", {}
    numbers = {name: number for number, name in enumerate(names, VER_NDX_GLOBAL + 1)}
    out = b""
    for number, name in enumerate([abi.soname, *names], VER_NDX_GLOBAL):
        flags, last = (VER_FLG_BASE if number == VER_NDX_GLOBAL else 0), number == VER_NDX_GLOBAL + len(names)
        following = 0 if last else VERDEF.size + VERDAUX.size
        out += VERDEF.pack(1, flags, number, 1, _gabi_hash(name), VERDEF.size, following)
        out += VERDAUX.pack(strings.add(name), 0)
    return out, numbers


def stub(
    abi: Abi, machine: str, addresses: Mapping[str, int] | None = None, flags: int = 0, movable: bool = False
) -> bytes:
    """A shared object of an ABI; `machine` is its e_machine, as EM_..., and `flags` its e_flags. With `addresses` it
    can be linked to at run time: they are absolute or, where that is `movable`, relative to the load bias."""
    number = E_MACHINES[psabi_of(machine).e_machine]
    strings = Strings()
    placed, sizes = _place(list(abi.symbols))
    if sum(sizes.values()) >= SIZE_END or len(abi.versions) >= VERSYM_VERSION:
        raise AmbilinkError(
            abi.soname or "an ABI without soname", "is larger than any library: sizes or versions", "write it again"
        )
    if addresses is not None:
        sizes = dict.fromkeys(sizes, 0)
    buckets = max(1, len(placed) // 4)
    placed.sort(key=lambda each: (_gnu_hash(each.symbol.name) % buckets, each.symbol))
    needed = [strings.add(name) for name in sorted(abi.needed)]
    soname = strings.add(abi.soname)
    verdef, numbers = _version_definitions(abi, strings)
    names = [strings.add(each.symbol.name) for each in placed]
    wanted = [strings.add(name) for name in sorted(abi.wanted)]  # first: no hash table leads to them
    versym = (
        [0]
        + [VER_NDX_GLOBAL] * len(wanted)
        + [
            numbers.get(each.symbol.version, VER_NDX_GLOBAL) | (0 if each.symbol.default else VERSYM_HIDDEN)
            for each in placed
        ]
    )

    sections = [Section(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    section_names = Strings()
    out = bytearray(EHDR.size + 5 * PHDR.size)

    def add(name: str, kind: int, flags: int, data: bytes | int, link: int, info: int, align: int, entry: int) -> None:
        """`data`: contents, or the size of a section that has none in the file."""
        at = pad(out, align)
        size = data if isinstance(data, int) else len(data)
        out.extend(b"" if isinstance(data, int) else data)
        sections.append(Section(section_names.add(name), kind, flags, at, at, size, link, info, align, entry))

    add(".dynsym", SHT_DYNSYM, SHF_ALLOC, bytes(SYM.size * (1 + len(wanted) + len(placed))), DYNSTR, 1, 8, SYM.size)
    add(".dynstr", SHT_STRTAB, SHF_ALLOC, bytes(strings.data), 0, 0, 1, 0)
    hashes = [_gnu_hash(each.symbol.name) for each in placed]
    add(".gnu.hash", SHT_GNU_HASH, SHF_ALLOC, _hash_table(hashes, buckets, 1 + len(wanted)), DYNSYM, 0, 8, 0)
    versym_address = pad(out, 8)
    verdef_address = versym_address + -(-2 * len(versym) // 8) * 8
    if verdef:
        out += struct.pack(f"<{len(versym)}H", *versym)
        pad(out, 8)
        out += verdef
    end = len(out)
    text = pad(out, PAGE)
    add(".text", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, sizes[TEXT], 0, 0, 16, 0)
    data_address = text + -(-max(1, sizes[TEXT]) // PAGE) * PAGE

    entries = [(DT_NEEDED, name) for name in needed] + [(DT_SONAME, soname)]
    entries += [(DT_GNU_HASH, sections[GNU_HASH].addr), (DT_SYMTAB, sections[DYNSYM].addr), (DT_SYMENT, SYM.size)]
    entries += [(DT_STRTAB, sections[DYNSTR].addr), (DT_STRSZ, len(strings.data))]
    if verdef:
        entries += [(DT_VERSYM, versym_address), (DT_VERDEF, verdef_address), (DT_VERDEFNUM, len(numbers) + 1)]
    dynamic = b"".join(DYN.pack(*entry) for entry in [*entries, (0, 0)])
    add(".dynamic", SHT_DYNAMIC, SHF_ALLOC | SHF_WRITE, dynamic, DYNSTR, 0, 8, 16)
    add(".tbss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS, sizes[TBSS], 0, 0, LINE, 0)
    add(".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, sizes[BSS], 0, 0, LINE, 0)
    sections[DYNAMIC].addr = data_address
    after = -(-(data_address + len(dynamic)) // LINE) * LINE
    sections[TBSS].addr = sections[BSS].addr = after
    if verdef:
        at, size = versym_address, 2 * len(versym)
        section_name = section_names.add(".gnu.version")
        sections.append(Section(section_name, SHT_GNU_VERSYM, SHF_ALLOC, at, at, size, DYNSYM, 0, 2, 2))
        at, size = verdef_address, len(verdef)
        section_name = section_names.add(".gnu.version_d")
        sections.append(Section(section_name, SHT_GNU_VERDEF, SHF_ALLOC, at, at, size, DYNSTR, len(numbers) + 1, 8, 0))

    start = {TEXT: sections[TEXT].addr, BSS: after, TBSS: 0}
    symbols = bytearray(SYM.size)
    for name in wanted:
        symbols += SYM.pack(name, STB_WEAK << 4 | STT_NOTYPE, 0, SHN_UNDEF, 0, 0)
    for name, each in zip(names, placed, strict=True):
        place = PLACES[each.symbol.kind]
        info = BINDINGS[each.symbol.binding] << 4 | TYPES[each.symbol.kind]
        other = (STV_PROTECTED if each.symbol.protected else 0) | (STO_VARIANT if each.symbol.variant else 0)
        value = start[place] + each.offset
        if addresses is not None:
            place, value = place if movable else SHN_ABS, addresses[each.symbol.name]
        symbols += SYM.pack(name, info, other, place, value, each.symbol.size)
    at = sections[DYNSYM].offset
    out[at : at + len(symbols)] = symbols

    own_name = section_names.add(".shstrtab")
    sections.append(Section(own_name, SHT_STRTAB, 0, 0, len(out), len(section_names.data), 0, 0, 1, 0))
    out += section_names.data
    shoff = pad(out, 8)
    out += b"".join(section.pack() for section in sections)

    offset = sections[DYNAMIC].offset
    segments = [
        Segment(PT_LOAD, PF_R, 0, 0, 0, end, end, PAGE),
        *([Segment(PT_LOAD, PF_RX, text, text, text, 0, max(1, sizes[TEXT]), PAGE)] if addresses is None else []),
        Segment(
            PT_LOAD, PF_RW, offset, data_address, data_address, len(dynamic), after + sizes[BSS] - data_address, PAGE
        ),
        Segment(PT_DYNAMIC, PF_RW, offset, data_address, data_address, len(dynamic), len(dynamic), 8),
        Segment(PT_TLS, PF_R, offset, after, after, 0, sizes[TBSS], LINE),
    ]
    extended = any(each.kind == "ifunc" or each.binding == "unique" for each in abi.symbols)
    ident = IDENT + bytes([ELFOSABI_GNU if extended else 0]) + bytes(8)
    count = len(segments) if sizes[TBSS] else len(segments) - 1
    header = FileHeader(
        ident,
        ET_DYN,
        number,
        1,
        0,
        EHDR.size,
        shoff,
        flags,
        EHDR.size,
        PHDR.size,
        count,
        SHDR.size,
        len(sections),
        len(sections) - 1,
    )
    out[: EHDR.size] = header.pack()
    headers = b"".join(segment.pack() for segment in segments)
    out[EHDR.size : EHDR.size + len(headers)] = headers
    return bytes(out)

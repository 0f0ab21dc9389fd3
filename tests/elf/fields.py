"""The fields of an ELF file by name, found by the structures alone, so that a change can be written down as
"DT_RELASZ = 7" and means the same in the next build's file."""

import struct
from dataclasses import dataclass

EHDR = ("16s:e_ident H:e_type H:e_machine I:e_version Q:e_entry Q:e_phoff Q:e_shoff I:e_flags H:e_ehsize "
        "H:e_phentsize H:e_phnum H:e_shentsize H:e_shnum H:e_shstrndx")  # fmt: skip
PHDR = "I:p_type I:p_flags Q:p_offset Q:p_vaddr Q:p_paddr Q:p_filesz Q:p_memsz Q:p_align"
SHDR = ("I:sh_name I:sh_type Q:sh_flags Q:sh_addr Q:sh_offset Q:sh_size I:sh_link I:sh_info Q:sh_addralign "
        "Q:sh_entsize")  # fmt: skip
SYM = "I:st_name B:st_info B:st_other H:st_shndx Q:st_value Q:st_size"
DYN = "Q:d_tag Q:d_val"
RELA = "Q:r_offset Q:r_info Q:r_addend"
VERDEF = "H:vd_version H:vd_flags H:vd_ndx H:vd_cnt I:vd_hash I:vd_aux I:vd_next"
VERNEED = "H:vn_version H:vn_cnt I:vn_file I:vn_aux I:vn_next"
VERNAUX = "I:vna_hash H:vna_flags H:vna_other I:vna_name I:vna_next"
NOTE = "I:n_namesz I:n_descsz I:n_type"
GNU_HASH = "I:nbuckets I:symoffset I:bloom_size I:bloom_shift"
TAGS = {
    1: "DT_NEEDED", 2: "DT_PLTRELSZ", 4: "DT_HASH", 5: "DT_STRTAB", 6: "DT_SYMTAB", 7: "DT_RELA", 8: "DT_RELASZ",
    10: "DT_STRSZ", 11: "DT_SYMENT", 12: "DT_INIT", 13: "DT_FINI", 14: "DT_SONAME", 15: "DT_RPATH", 21: "DT_DEBUG",
    23: "DT_JMPREL", 25: "DT_INIT_ARRAY", 26: "DT_FINI_ARRAY", 27: "DT_INIT_ARRAYSZ", 28: "DT_FINI_ARRAYSZ",
    29: "DT_RUNPATH", 30: "DT_FLAGS", 35: "DT_RELRSZ", 36: "DT_RELR", 0x6FFFFEF5: "DT_GNU_HASH",
    0x6FFFFFF0: "DT_VERSYM", 0x6FFFFFFB: "DT_FLAGS_1", 0x6FFFFFFC: "DT_VERDEF", 0x6FFFFFFD: "DT_VERDEFNUM",
    0x6FFFFFFE: "DT_VERNEED", 0x6FFFFFFF: "DT_VERNEEDNUM",
}  # fmt: skip
PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4
SHT_SYMTAB, SHT_STRTAB = 2, 3
FEW = 400  # entries of one table


@dataclass(frozen=True)
class Field:
    offset: int
    size: int


class Fields:
    """`by_kind`: names of fields by the structure that they are of; `at`: where each is."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at: dict[str, Field] = {}
        self.by_kind: dict[str, list[str]] = {}
        self._record("header", "", EHDR, 0)
        header = struct.unpack_from("<16sHHIQQQIHHHHHH", data)
        phoff, shoff, phnum, shnum = header[5], header[6], header[10], header[12]
        self.loads: list[tuple[int, int, int]] = []
        dynamic = None
        for number in range(phnum):
            at = phoff + 56 * number
            self._record("segments", f"segment{number}.", PHDR, at)
            kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, at)
            if kind == PT_LOAD:
                self.loads.append((address, offset, size))
            elif kind == PT_DYNAMIC:
                dynamic = offset, size
            elif kind == PT_NOTE:
                self._notes(number, offset, size)
        for number in range(shnum):
            at = shoff + 64 * number
            self._record("sections", f"section{number}.", SHDR, at)
            _, kind, _, _, offset, size = struct.unpack_from("<IIQQQQ", data, at)
            if kind == SHT_SYMTAB:
                self._table("symtab", f"symtab{number}", SYM, offset, size // 24)
            elif kind == SHT_STRTAB:
                self._bytes("strings", f"strings{number}.", offset, min(size, 4000))
        if dynamic and dynamic[0] + dynamic[1] <= len(data):
            self._dynamic(*dynamic)

    def _record(self, kind: str, prefix: str, fields: str, at: int) -> int:
        names = self.by_kind.setdefault(kind, [])
        for field in fields.split():
            code, name = field.split(":")
            size = struct.calcsize("<" + code)
            if at + size <= len(self.data):
                self.at[prefix + name] = Field(at, size)
                names.append(prefix + name)
            at += size
        return at

    def _table(self, kind: str, prefix: str, fields: str, at: int, count: int) -> None:
        for number in range(min(count, FEW)):
            at = self._record(kind, f"{prefix}[{number}].", fields, at)

    def _words(self, kind: str, prefix: str, code: str, at: int, count: int) -> None:
        for number in range(min(count, FEW)):
            at = self._record(kind, f"{prefix}[{number}]", f"{code}:", at)

    def _bytes(self, kind: str, prefix: str, at: int, count: int) -> None:
        names = self.by_kind.setdefault(kind, [])
        for number in range(max(0, min(count, len(self.data) - at))):
            self.at[f"{prefix}{number}"] = Field(at + number, 1)
            names.append(f"{prefix}{number}")

    def _notes(self, segment: int, at: int, size: int) -> None:
        end = min(at + size, len(self.data))
        number = 0
        while at + 12 <= end:
            self._record("notes", f"note{segment}.{number}.", NOTE, at)
            name, desc, _ = struct.unpack_from("<III", self.data, at)
            self._bytes("notes", f"note{segment}.{number}.byte", at + 12, min(32, name + desc))
            at += 12 + (name + 3 & ~3) + (desc + 3 & ~3)
            number += 1

    def _place(self, address: int) -> int:
        found = (offset + address - start for start, offset, size in self.loads if start <= address < start + size)
        return next(found, 0)

    def _dynamic(self, at: int, size: int) -> None:
        tags: dict[int, int] = {}
        for number in range(size // 16):
            tag, value = struct.unpack_from("<QQ", self.data, at + 16 * number)
            self._record("dynamic", f"dynamic{number}.", DYN, at + 16 * number)
            if tag in TAGS and TAGS[tag] not in self.at:
                self.at[TAGS[tag]] = Field(at + 16 * number + 8, 8)
                self.by_kind["dynamic"] += [TAGS[tag]] * 3
            tags[tag] = value
            if not tag:
                break
        place = {tag: self._place(tags[tag]) for tag in tags if self._place(tags[tag])}
        if 6 in place:
            self._table("symbols", "symbol", SYM, place[6], FEW)
        if 5 in place:
            self._bytes("strings", "string", place[5], min(tags.get(10, 0), 4000))
        for address, length, name in ((7, 8, "rela"), (23, 2, "plt")):
            if address in place:
                self._table("relocations", name, RELA, place[address], tags.get(length, 0) // 24)
        if 36 in place:
            self._words("relocations", "relr", "Q", place[36], tags.get(35, 0) // 8)
        if 0x6FFFFFF0 in place:
            self._words("versions", "versym", "H", place[0x6FFFFFF0], FEW)
        if 0x6FFFFFFC in place:
            self._versions("verdef", VERDEF, place[0x6FFFFFFC], tags.get(0x6FFFFFFD, 0), 16)
        if 0x6FFFFFFE in place:
            self._versions("verneed", VERNEED, place[0x6FFFFFFE], tags.get(0x6FFFFFFF, 0), 12)
        if 0x6FFFFEF5 in place:
            start = place[0x6FFFFEF5]
            words = struct.unpack_from("<IIII", self.data, start)
            self._record("hash", "gnu_hash.", GNU_HASH, start)
            self._words("hash", "bloom", "Q", start + 16, words[2])
            self._words("hash", "bucket", "I", start + 16 + 8 * words[2], words[0])
            self._words("hash", "chain", "I", start + 16 + 8 * words[2] + 4 * words[0], FEW)
        if 4 in place:
            self._words("hash", "hash", "I", place[4], FEW)

    def _versions(self, name: str, fields: str, at: int, count: int, next_at: int) -> None:
        for number in range(min(count, FEW)):
            self._record("versions", f"{name}[{number}].", fields, at)
            if name == "verneed":
                entry = at + struct.unpack_from("<I", self.data, at + 8)[0]
                for other in range(struct.unpack_from("<H", self.data, at + 2)[0]):
                    self._record("versions", f"{name}[{number}].aux[{other}].", VERNAUX, entry)
                    entry += struct.unpack_from("<I", self.data, entry + 12)[0]
            at += struct.unpack_from("<I", self.data, at + next_at)[0]

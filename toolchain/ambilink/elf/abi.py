"""The ABI of a shared object as text: sorted lines, so that a difference reads as a change of the interface.

soname libx.so
needed liby.so
func   name
data   name 16          # data carries its size: copy relocations would copy that many bytes
tls    name 8
weak func name          # a weak definition
"""

from pathlib import Path

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

KINDS = {"STT_FUNC": "func", "STT_OBJECT": "data", "STT_TLS": "tls", "STT_GNU_IFUNC": "ifunc", "STT_NOTYPE": "label"}
SIZED = ("data", "tls")


def abi_text(path: Path) -> str:
    lines: list[str] = []
    with path.open("rb") as stream:
        for segment in ELFFile(stream).iter_segments():
            if not isinstance(segment, DynamicSegment):
                continue
            for tag in segment.iter_tags():
                if tag.entry.d_tag == "DT_SONAME":
                    lines.insert(0, f"soname {tag.soname}")
                elif tag.entry.d_tag == "DT_NEEDED":
                    lines.append(f"needed {tag.needed}")
            symbols = []
            for symbol in segment.iter_symbols():
                binding = symbol["st_info"]["bind"]
                visible = symbol["st_other"]["visibility"] in ("STV_DEFAULT", "STV_PROTECTED")
                if symbol["st_shndx"] == "SHN_UNDEF" or binding == "STB_LOCAL" or not visible:
                    continue
                kind = KINDS.get(symbol["st_info"]["type"], "label")
                weak = "weak " if binding == "STB_WEAK" else ""
                size = f" {symbol['st_size']}" if kind in SIZED else ""
                symbols.append((symbol.name, f"{weak}{kind} {symbol.name}{size}"))
            lines += [line for _, line in sorted(symbols)]
    return "\n".join(lines) + "\n"

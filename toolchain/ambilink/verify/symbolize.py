"""Functions and lines for the addresses in a saved console.

A line `0xSTART-0xEND FILE+0xADDRESS build-id HEX`, as our kernel writes it for a fault, says which file lies where. It
holds until the next report begins. The markup of LLVM's symbolizer is known, too: {{{module:ID:NAME:elf:HEX}}},
{{{mmap:START:SIZE:load:ID:MODE:ADDRESS}}}, {{{reset}}}, and the addresses in {{{pc:...}}} and {{{bt:...}}}.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ambilink.verify.backtrace import FAULT, describe_in_file
from ambilink.verify.symbol_files import SymbolFiles

LINE_MAX = 1 << 16  # characters of a line that are searched
ADDRESSES_MAX = 64  # of a line
NAME = r"[^\s:{}]{1,4096}"
MAPPED = re.compile(
    rf"\b0x(?P<start>[0-9a-f]{{1,16}})-0x(?P<end>[0-9a-f]{{1,16}}) (?P<name>{NAME})\+0x(?P<address>[0-9a-f]{{1,16}})"
    r"(?: build-id (?P<build_id>(?:[0-9a-f]{2}){1,64}))?(?![0-9a-f])"
)
BACKTRACE = re.compile(r"\bbacktrace((?: 0x[0-9a-f]{1,16})+)")
ADDRESS = re.compile(r"(?<![0-9A-Za-z_+])0x([0-9a-f]{1,16})(?![0-9a-z_])")
MODULE = re.compile(
    rf"{{{{{{module:(0x[0-9a-f]{{1,16}}|[0-9]{{1,9}}):({NAME}):elf:((?:[0-9a-fA-F]{{2}}){{1,64}})}}}}}}"
)
MMAP = re.compile(
    r"\{\{\{mmap:0x([0-9a-f]{1,16}):(0x[0-9a-f]{1,16}|[0-9]{1,19}):load:(0x[0-9a-f]{1,16}|[0-9]{1,9}):[rwx]{1,3}"
    r":0x([0-9a-f]{1,16})\}\}\}"
)
MARKED = re.compile(r"\{\{\{(?:pc|bt:[0-9]{1,9}):0x([0-9a-f]{1,16})(:[a-z]{2})?\}\}\}")
RESET = "{{{reset}}}"


@dataclass(frozen=True)
class Mapped:
    start: int
    end: int
    address: int  # p_vaddr of `start`
    name: str
    build_id: bytes | None


@dataclass
class Counts:
    """Of a whole log."""

    addresses: int = 0  # that lie in a file
    named: int = 0


class Symbolizer:
    def __init__(self, symbols: SymbolFiles, kernel: Path | None = None) -> None:
        """`kernel`: whose symbols are taken for addresses at which it is linked: an image, as it has no build-id."""
        self.symbols, self.kernel, self.counts = symbols, kernel, Counts()
        self.missing: dict[bytes, str] = {}
        self._mapped: list[Mapped] = []
        self._modules: dict[int, tuple[str, bytes]] = {}

    def lines(self, texts: Iterable[str]) -> Iterator[str]:
        """Each line as it is, and behind it one for each of its addresses that lies in a file. Texts are lines with
        their ends, or parts of long ones."""
        explained: list[str] = []
        begins = True
        for text in texts:
            yield text
            if begins:
                explained = self._see(text[:LINE_MAX])
            begins = text.endswith("\n")
            if begins:
                yield from explained
                explained = []
        if explained:
            yield "\n"
            yield from explained

    def _see(self, text: str) -> list[str]:
        if FAULT.search(text) or RESET in text:
            self._mapped.clear()
            self._modules.clear()
        return [] if self._learn(text) else [f"{line}\n" for line in self._explain(text)]

    def _learn(self, text: str) -> bool:
        """Whether the line says what lies where."""
        found = False
        for match in MAPPED.finditer(text):
            build_id = bytes.fromhex(match["build_id"]) if match["build_id"] else None
            self._add(
                int(match["start"], 16), int(match["end"], 16), int(match["address"], 16), match["name"], build_id
            )
            found = True
        for match in MODULE.finditer(text):
            self._modules[int(match[1], 0)] = match[2], bytes.fromhex(match[3])
            found = True
        for match in MMAP.finditer(text):
            start, name = int(match[1], 16), self._modules.get(int(match[3], 0))
            if name:
                self._add(start, start + int(match[2], 0), int(match[4], 16), *name)
            found = True
        return found

    def _add(self, start: int, end: int, address: int, name: str, build_id: bytes | None) -> None:
        self._mapped.insert(0, Mapped(start, end, address, name, build_id))
        del self._mapped[1024:]

    def _explain(self, text: str) -> Iterator[str]:
        if match := BACKTRACE.search(text):
            for depth, word in enumerate(match[1].split()[:ADDRESSES_MAX]):
                address = int(word, 16)
                # A return address belongs to the call before it.
                where = self._describe(address - (1 if depth else 0), always=True)
                if where:
                    yield f"  #{depth} {address:#018x} {where}"
            return
        marked = [(int(match[1], 16), match[2] == ":ra") for match in MARKED.finditer(text)]
        plain = [] if marked else [(int(match[1], 16), False) for match in ADDRESS.finditer(text)]
        for address, is_return in dict.fromkeys([*marked, *plain][:ADDRESSES_MAX]):
            where = self._describe(address - is_return, always=bool(marked))
            if where:
                yield f"  {address:#018x} {where}"

    def _describe(self, address: int, always: bool) -> str | None:
        """File, function and line; `always`: an address in a file without a function is worth a line, too."""
        for mapped in self._mapped:
            if mapped.start <= address < mapped.end:
                return self._in(mapped, address - mapped.start + mapped.address, always)
        described = describe_in_file("kernel", self.kernel, address) if self.kernel else None
        self.counts.addresses += described is not None
        self.counts.named += described is not None
        return described

    def _in(self, mapped: Mapped, address: int, always: bool) -> str | None:
        path = self.symbols.find(mapped.build_id) if mapped.build_id else None
        if path is None and mapped.build_id:
            self.missing[mapped.build_id] = mapped.name
        described = describe_in_file(mapped.name, path, address) if path else None
        self.counts.addresses += always or described is not None
        self.counts.named += described is not None
        return described or (f"{mapped.name}+{address:#x}" if always else None)

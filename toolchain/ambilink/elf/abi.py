"""The ABI of a shared object as text: sorted lines, so that a difference reads as a change of the interface.

    soname libx.so
    needed liby.so
    version X_1.0                      a version that it defines, whether symbols have it or not
    wanted hook                        undefined and weak: a program that defines it must export it
    func   name                        defined symbols, by name
    func   name@@X_1.0                 of a version, which is the default one
    func   name@X_0.9                  of a version that only old programs ask for
    data   name 16                     data and thread-local data carry their size: copy relocations, and
    tls    name 8                      programs that compute with sizeof, rely on it
    weak data environ 8 alias __environ   data at the address of another: they are copied together
    protected func name                binding (weak, unique) and visibility come first, if not global and default
    variant func name                  called by a variant of the calling convention (aarch64, riscv64)

Kinds: func, data, tls, ifunc, and label, a symbol without a type. Only what others may bind to is listed.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from ambilink.elf.dynamic import DynamicFile
from ambilink.elf.inspect import undefined_weak
from ambilink.elf.layout import (
    DT_SYMTAB,
    SHN_ABS,
    SHN_UNDEF,
    STB_GLOBAL,
    STB_GNU_UNIQUE,
    STB_LOCAL,
    STB_WEAK,
    STT_COMMON,
    STT_FUNC,
    STT_GNU_IFUNC,
    STT_NOTYPE,
    STT_OBJECT,
    STT_TLS,
    STV_HIDDEN,
    STV_INTERNAL,
    STV_PROTECTED,
    VERSYM_HIDDEN,
    Data,
)
from ambilink.elf.psabi import STO_VARIANT, VARIANT_CONVENTIONS
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular

KINDS = {STT_FUNC: "func", STT_OBJECT: "data", STT_COMMON: "data", STT_TLS: "tls", STT_GNU_IFUNC: "ifunc"}
TYPES = {"func": STT_FUNC, "data": STT_OBJECT, "tls": STT_TLS, "ifunc": STT_GNU_IFUNC, "label": STT_NOTYPE}
BINDINGS = {"": STB_GLOBAL, "weak": STB_WEAK, "unique": STB_GNU_UNIQUE}
SIZED = ("data", "tls")
SIZE_END = 1 << 47
_BINDING_WORDS = {number: word for word, number in BINDINGS.items()}
_WORD = re.compile(r"[^\s@]+")

_LINE = re.compile(
    r"(?:(?P<binding>weak|unique) )?(?P<protected>protected )?(?P<variant>variant )?"
    r"(?P<kind>func|data|tls|ifunc|label) +"
    r"(?P<name>[^\s@]+)(?:(?P<at>@@?)(?P<version>[^\s@]+))?(?: (?P<size>\d+))?(?: alias (?P<alias>\S+))?$"
)


class AbiSymbol(NamedTuple):
    name: str
    version: str = ""
    default: bool = True
    kind: str = "func"
    binding: str = ""  # "", "weak" or "unique"
    protected: bool = False
    size: int = 0  # of data and tls
    alias: str = ""  # data: the first name, in order, at the same address
    variant: bool = False  # STO_AARCH64_VARIANT_PCS, STO_RISCV_VARIANT_CC

    @property
    def key(self) -> str:
        """Name and version, as symbols are written."""
        return self.name + (f"{'@@' if self.default else '@'}{self.version}" if self.version else "")

    def __str__(self) -> str:
        words = [self.binding] if self.binding else []
        words += ["protected"] if self.protected else []
        words += ["variant"] if self.variant else []
        words += [self.kind, self.key]
        words += [str(self.size)] if self.kind in SIZED else []
        words += ["alias", self.alias] if self.alias else []
        return " ".join(words)


@dataclass(frozen=True)
class Abi:
    soname: str
    needed: tuple[str, ...]
    versions: tuple[str, ...]
    symbols: tuple[AbiSymbol, ...]
    wanted: tuple[str, ...] = ()  # undefined and weak

    @property
    def text(self) -> str:
        lines = [f"soname {self.soname}"] if self.soname else []
        lines += [f"needed {name}" for name in sorted(self.needed)]
        lines += [f"version {name}" for name in sorted(self.versions)]
        lines += [f"wanted {name}" for name in sorted(self.wanted)]
        return "\n".join([*lines, *map(str, sorted(self.symbols))]) + "\n"


def _symbols(file: DynamicFile) -> Iterator[tuple[int, AbiSymbol]]:
    """With their addresses. GNU ld defines an absolute symbol for each version, which no program binds to."""
    versions = {version.name.encode() for version in file.versions.values() if version.file is None}
    for index, symbol in zip(file.hashed, file.symbols(file.hashed), strict=True):
        name, info, other, section, value, size = symbol
        visibility = other & 3
        if section == SHN_UNDEF or info >> 4 == STB_LOCAL or visibility in (STV_HIDDEN, STV_INTERNAL):
            continue
        if section == SHN_ABS and name in versions:
            continue
        raw, version = file.versym(index), file.version_of(index)
        kind = KINDS.get(info & 15, "label")
        yield (
            value,
            AbiSymbol(
                _word(file, name),
                version.name if version else "",
                not (raw or 0) & VERSYM_HIDDEN,
                kind,
                _BINDING_WORDS.get(info >> 4, ""),
                visibility == STV_PROTECTED,
                size if kind in SIZED else 0,
                variant=bool(other & STO_VARIANT and file.machine in VARIANT_CONVENTIONS),
            ),
        )


def _word(file: DynamicFile, name: bytes) -> str:
    text = file.text(name, "a symbol or version")
    if not _WORD.fullmatch(text):
        raise file.refuse(
            f"has the symbol or version {text!r}, which no line of an ABI can hold", "choose another name"
        )
    return text


def read_abi(path: Path, data: Data | None = None) -> Abi:
    """Of a shared object; `data` are its contents, if they are at hand."""
    file = DynamicFile(path, read_regular(path) if data is None else data)
    found = sorted(_symbols(file), key=itemgetter(1)) if DT_SYMTAB in file.dynamic else []
    wanted = {_word(file, name) for name in undefined_weak(file)} - {symbol.name for _, symbol in found}
    first_at: dict[int, str] = {}
    symbols = []
    for address, symbol in found:
        if symbol.kind == "data" and (other := first_at.setdefault(address, symbol.name)) != symbol.name:
            symbol = symbol._replace(alias=other)
        symbols.append(symbol)
    versions = tuple(_word(file, each.name.encode()) for each in file.versions.values() if each.file is None)
    return Abi(file.soname or "", tuple(file.needed_names), versions, tuple(symbols), tuple(sorted(wanted)))


def parse_abi(text: str, path: Path) -> Abi:
    """`path` is what messages call it."""
    soname, symbols = "", []
    needed: list[str] = []
    versions: list[str] = []
    wanted: list[str] = []
    lists = {"needed": needed, "version": versions, "wanted": wanted}
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if word == "soname":
            soname = rest
        elif word in lists:
            lists[word].append(rest)
        elif match := _LINE.match(line):
            digits = match["size"] or "0"
            size = int(digits) if len(digits) < 16 else SIZE_END
            if size >= SIZE_END:
                raise AmbilinkError(
                    f"{path}:{number}", f"has the size {digits[:40]}, which no object has", "write it again"
                )
            if (match["size"] is not None) != (match["kind"] in SIZED):
                raise AmbilinkError(f"{path}:{number}", "data and tls have a size, others have none", "write it again")
            symbols.append(
                AbiSymbol(
                    match["name"],
                    match["version"] or "",
                    match["at"] != "@",
                    match["kind"],
                    match["binding"] or "",
                    bool(match["protected"]),
                    size,
                    match["alias"] or "",
                    bool(match["variant"]),
                )
            )
        else:
            raise AmbilinkError(f"{path}:{number}", f"is no line of an ABI: {line!r}", "write it again")
    unknown = {symbol.version for symbol in symbols if symbol.version} - set(versions)
    if unknown:
        raise AmbilinkError(path, f"has symbols of the version {min(unknown)}, and no line `version {min(unknown)}`")
    names = [(symbol.name, symbol.version) for symbol in symbols]
    if len(set(names)) != len(names):
        twice = Counter(names).most_common(1)[0][0][0]
        raise AmbilinkError(path, f"has {twice} twice", "write it again")
    return Abi(soname, tuple(needed), tuple(versions), tuple(symbols), tuple(wanted))


def load_abi(path: Path) -> Abi:
    """Of a shared object or of a text."""
    data = read_regular(path)
    if data.startswith(b"\x7fELF"):
        return read_abi(path, data)
    try:
        return parse_abi(data.decode(), path)
    except UnicodeDecodeError as error:
        raise AmbilinkError(path, "is neither a shared object nor the text of an ABI") from error


@dataclass(frozen=True)
class AbiChange:
    text: str  # a line for people
    compatible: bool  # programs linked against the old one work with the new one


def abi_changes(old: Abi, new: Abi) -> list[AbiChange]:
    changes = []
    if old.soname != new.soname:
        changes.append(AbiChange(f"soname {old.soname or 'none'}, now {new.soname or 'none'}", False))
    lists = (
        ("needed", old.needed, new.needed),
        ("version", old.versions, new.versions),
        ("wanted", old.wanted, new.wanted),
    )
    for word, before, after in lists:
        gone_breaks = word == "version"
        changes += [AbiChange(f"removed {word} {name}", not gone_breaks) for name in sorted({*before} - {*after})]
        changes += [AbiChange(f"added   {word} {name}", True) for name in sorted({*after} - {*before})]
    olds = {(each.name, each.version): each for each in old.symbols}
    news = {(each.name, each.version): each for each in new.symbols}
    for key in sorted(olds.keys() | news.keys()):
        before_symbol, after_symbol = olds.get(key), news.get(key)
        if after_symbol is None:
            changes.append(AbiChange(f"removed {before_symbol}", False))
        elif before_symbol is None:
            changes.append(AbiChange(f"added   {after_symbol}", True))
        elif before_symbol != after_symbol:
            changes.append(_changed(before_symbol, after_symbol))
    return changes


def _changed(old: AbiSymbol, new: AbiSymbol) -> AbiChange:
    what, compatible = [], True
    if old.kind != new.kind:
        what.append(f"{old.kind}, now {new.kind}")
        # The caller of a function does not see whether it is chosen at run time, or has a type.
        compatible &= {old.kind, new.kind} <= {"func", "ifunc", "label"}
    if old.size != new.size:
        what.append(f"size {old.size}, now {new.size}")
        compatible = False
    if old.default != new.default:
        what.append(f"{'default' if old.default else 'not default'} version, now {'default' if new.default else 'not'}")
        compatible &= new.default
    if old.binding != new.binding:
        what.append(f"{old.binding or 'global'}, now {new.binding or 'global'}")
    if old.protected != new.protected:
        what.append("protected, now not" if old.protected else "now protected")
        compatible &= old.kind not in SIZED or old.protected
    if old.variant != new.variant:
        what.append("another calling convention")
        compatible = False
    if old.alias != new.alias:
        what.append(f"alias of {old.alias or 'none'}, now of {new.alias or 'none'}")
        compatible = False
    return AbiChange(f"changed {old.kind} {old.key}: {'; '.join(what)}", compatible)

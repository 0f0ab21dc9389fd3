"""The ABI of a shared object as text: sorted lines, so that a difference reads as a change of the interface.

    soname libx.so
    needed liby.so
    version X_1.0                      a version that it defines, whether symbols have it or not
    func   name                        defined symbols, by name
    func   name@@X_1.0                 of a version, which is the default one
    func   name@X_0.9                  of a version that only old programs ask for
    data   name 16                     data and thread-local data carry their size: copy relocations, and whoever
    tls    name 8                      computes with sizeof, rely on it
    weak data environ 8 alias __environ   data at the address of another: they are copied together
    protected func name                binding (weak, unique) and visibility come first, if not global and default

Kinds: func, data, tls, ifunc, and label, a symbol without a type. Only what others may bind to is listed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ambilink.errors import AmbilinkError
from ambilink.link.image import (
    SHN_ABS,
    SHN_UNDEF,
    STB_GLOBAL,
    STB_GNU_UNIQUE,
    STB_LOCAL,
    STB_WEAK,
    STV_HIDDEN,
    STV_INTERNAL,
    STV_PROTECTED,
    Image,
)

STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_COMMON, STT_TLS, STT_GNU_IFUNC = 0, 1, 2, 5, 6, 10
KINDS = {STT_FUNC: "func", STT_OBJECT: "data", STT_COMMON: "data", STT_TLS: "tls", STT_GNU_IFUNC: "ifunc"}
TYPES = {"func": STT_FUNC, "data": STT_OBJECT, "tls": STT_TLS, "ifunc": STT_GNU_IFUNC, "label": STT_NOTYPE}
BINDINGS = {"": STB_GLOBAL, "weak": STB_WEAK, "unique": STB_GNU_UNIQUE}
SIZED = ("data", "tls")

_LINE = re.compile(
    r"(?:(?P<binding>weak|unique) )?(?P<protected>protected )?(?P<kind>func|data|tls|ifunc|label) +"
    r"(?P<name>[^\s@]+)(?:(?P<at>@@?)(?P<version>[^\s@]+))?(?: (?P<size>\d+))?(?: alias (?P<alias>\S+))?$"
)


@dataclass(frozen=True, order=True)
class AbiSymbol:
    name: str
    version: str = ""
    default: bool = True
    kind: str = "func"
    binding: str = ""  # "", "weak" or "unique"
    protected: bool = False
    size: int = 0  # of data and tls
    alias: str = ""  # data: the first name, in order, at the same address

    @property
    def key(self) -> str:
        """Name and version, as symbols are written."""
        return self.name + (f"{'@@' if self.default else '@'}{self.version}" if self.version else "")

    def __str__(self) -> str:
        words = [self.binding] if self.binding else []
        words += ["protected"] if self.protected else []
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

    @property
    def text(self) -> str:
        lines = [f"soname {self.soname}"] if self.soname else []
        lines += [f"needed {name}" for name in sorted(self.needed)]
        lines += [f"version {name}" for name in sorted(self.versions)]
        return "\n".join([*lines, *map(str, sorted(self.symbols))]) + "\n"


def _symbols(image: Image) -> Iterable[tuple[int, AbiSymbol]]:
    """With their addresses. GNU ld defines an absolute symbol for each version, which nobody binds to."""
    versions = {version.name.encode() for version in image.versions.values() if version.file is None}
    for name, indices in image.exports.items():
        for index in indices:
            symbol = image.symbol(index)
            hidden = symbol.visibility in (STV_HIDDEN, STV_INTERNAL)
            if symbol.section == SHN_UNDEF or symbol.binding == STB_LOCAL or hidden:
                continue
            if symbol.section == SHN_ABS and name in versions:
                continue
            raw, version = image.versym(index), image.version_of(index)
            kind = KINDS.get(symbol.type, "label")
            binding = next((word for word, number in BINDINGS.items() if number == symbol.binding), "")
            yield (
                symbol.value,
                AbiSymbol(
                    name.decode(),
                    version.name if version else "",
                    not (raw or 0) & 0x8000,
                    kind,
                    binding,
                    symbol.visibility == STV_PROTECTED,
                    symbol.size if kind in SIZED else 0,
                ),
            )


def read_abi(path: Path) -> Abi:
    """Of a shared object."""
    image = Image.open(str(path), path)
    found = sorted(_symbols(image), key=lambda each: each[1])
    first_at: dict[int, str] = {}
    symbols = []
    for address, symbol in found:
        if symbol.kind == "data" and (other := first_at.setdefault(address, symbol.name)) != symbol.name:
            symbol = AbiSymbol(**{**vars(symbol), "alias": other})
        symbols.append(symbol)
    versions = tuple(version.name for version in image.versions.values() if version.file is None)
    return Abi(image.soname or "", tuple(image.needed_names), versions, tuple(symbols))


def parse_abi(text: str, path: Path) -> Abi:
    """`path` is what messages call it."""
    soname, needed, versions, symbols = "", [], [], []
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if word == "soname":
            soname = rest
        elif word == "needed":
            needed.append(rest)
        elif word == "version":
            versions.append(rest)
        elif match := _LINE.match(line):
            size = int(match["size"] or 0)
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
                )
            )
        else:
            raise AmbilinkError(f"{path}:{number}", f"is no line of an ABI: {line!r}", "write it again")
    unknown = {symbol.version for symbol in symbols if symbol.version} - set(versions)
    if unknown:
        raise AmbilinkError(path, f"has symbols of the version {min(unknown)}, and no line `version {min(unknown)}`")
    names = [(symbol.name, symbol.version) for symbol in symbols]
    if len(set(names)) != len(names):
        twice = next(name for name, version in names if names.count((name, version)) > 1)
        raise AmbilinkError(path, f"has {twice} twice", "write it again")
    return Abi(soname, tuple(needed), tuple(versions), tuple(symbols))


def load_abi(path: Path) -> Abi:
    """Of a shared object or of a text."""
    try:
        data = path.read_bytes()
        return read_abi(path) if data.startswith(b"\x7fELF") else parse_abi(data.decode(), path)
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})") from error
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
    for word, before, after in (("needed", old.needed, new.needed), ("version", old.versions, new.versions)):
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
        # Whoever calls a function does not see whether it is chosen at run time, or has a type.
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
    if old.alias != new.alias:
        what.append(f"alias of {old.alias or 'none'}, now of {new.alias or 'none'}")
        compatible = False
    return AbiChange(f"changed {old.kind} {old.key}: {'; '.join(what)}", compatible)

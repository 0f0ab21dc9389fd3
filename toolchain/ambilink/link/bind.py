"""Who provides a symbol: one search order, versions, weak, protected, unique and symbolic rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from ambilink.link.image import (
    SHN_ABS,
    SHN_UNDEF,
    STB_GLOBAL,
    STB_GNU_UNIQUE,
    STB_LOCAL,
    STB_WEAK,
    STT_TLS,
    STV_HIDDEN,
    STV_INTERNAL,
    STV_PROTECTED,
    ElfError,
    Image,
    Symbol,
    Version,
)

_TYPES = {0, 1, 2, 5, 6, 10}  # NOTYPE, OBJECT, FUNC, COMMON, TLS, GNU_IFUNC


class UndefinedSymbol(ElfError):
    pass


@dataclass(frozen=True, slots=True)
class Definition:
    image: Image
    symbol: Symbol

    @property
    def address(self) -> int:
        return self.symbol.value + (0 if self.symbol.section == SHN_ABS else self.image.bias)


@dataclass(frozen=True, slots=True)
class Binding:
    """A reference that was looked up. `offset`: p_vaddr of the first relocation that asked for it."""

    image: Image
    offset: int
    type: int
    symbol: str
    version: str | None
    provider: Image | None

    def line(self, names: dict[int, str]) -> str:
        """As `binding_text` of libs/rtld prints it, without the address."""
        provider = names[id(self.provider)] if self.provider else "-"
        where = f"{names[id(self.image)]} {self.offset:#x} {self.type:#x}"
        return f"bind {where} {self.symbol} {self.version or '-'} {provider}"


class Scope:
    def __init__(self, images: Sequence[Image]) -> None:
        self.images = images
        self._unique: dict[bytes, Definition] = {}

    def lookup(
        self, image: Image, name: bytes, version: Version | None, *, call: bool, but: Image | None = None
    ) -> Definition | None:
        order = [image, *self.images] if image.symbolic else self.images
        for candidate in order:
            if candidate is but or not (indices := candidate.exports.get(name)):
                continue
            if symbol := _choose(candidate, indices, version, call):
                return Definition(candidate, symbol)
        return None

    def bind(self, image: Image, index: int, *, call: bool, copy: bool = False) -> tuple[Definition | None, bool]:
        """The definition of a symbol of `image`, and whether it was searched for. None: weak and absent."""
        symbol = image.symbol(index)
        if symbol.binding == STB_LOCAL or symbol.visibility in (STV_HIDDEN, STV_INTERNAL):
            if symbol.section != SHN_UNDEF:
                return Definition(image, symbol), False
            if symbol.binding == STB_WEAK:
                return None, False
            raise UndefinedSymbol(
                image.path, f"needs {symbol.name.decode()}, which only it could define", "link it anew"
            )
        version = image.version_of(index)
        found = self.lookup(image, symbol.name, version, call=call, but=image if copy else None)
        if symbol.visibility == STV_PROTECTED and symbol.section != SHN_UNDEF and not copy:
            found = self._protected(image, symbol, version, found, call)
        if found is None and symbol.binding != STB_WEAK:
            wanted = symbol.name.decode() + (f", version {version.name}" if version else "")
            raise UndefinedSymbol(image.path, f"needs {wanted}, which no object defines", "add the library that does")
        if found and found.symbol.binding == STB_GNU_UNIQUE:
            found = self._unique.setdefault(symbol.name, found)
        return found, True

    def _protected(
        self, image: Image, symbol: Symbol, version: Version | None, found: Definition | None, call: bool
    ) -> Definition:
        """Its own definition, unless the program's PLT entry is the function's address for everybody."""
        own = Definition(image, symbol)
        if call or found is None or found.symbol.section != SHN_UNDEF:
            return own
        called = self.lookup(image, symbol.name, version, call=True)
        return found if called and called.image is image else own


def _usable(symbol: Symbol, call: bool) -> bool:
    if symbol.binding not in (STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE) or symbol.type not in _TYPES:
        return False
    if symbol.visibility in (STV_HIDDEN, STV_INTERNAL):
        return False
    if symbol.section == SHN_UNDEF:
        return not call and symbol.value != 0 and symbol.type != STT_TLS
    return symbol.value != 0 or symbol.section == SHN_ABS or symbol.type == STT_TLS


def _choose(image: Image, indices: list[int], version: Version | None, call: bool) -> Symbol | None:
    defaults = []
    for index in indices:
        symbol = image.symbol(index)
        if not _usable(symbol, call):
            continue
        raw = image.versym(index)
        if raw is None:
            return symbol
        hidden, number = bool(raw & 0x8000), raw & 0x7FFF
        if version is None:
            if number <= 2:
                return symbol
            if not hidden:
                defaults.append(symbol)
            continue
        own = image.versions.get(number)
        if own and own.name == version.name:
            return symbol
        if own is None and not hidden and not version.hidden:
            return symbol
    return defaults[0] if len(defaults) == 1 else None

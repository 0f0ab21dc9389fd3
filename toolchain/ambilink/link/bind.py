"""Who provides a symbol: one search order, versions, weak, protected, unique and symbolic rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from ambilink.elf.dynamic import Version
from ambilink.elf.file import ElfError
from ambilink.elf.layout import (
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
    Symbol,
)
from ambilink.link.module import Module

_TYPES = {STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_COMMON, STT_TLS, STT_GNU_IFUNC}


class UndefinedSymbol(ElfError):
    pass


@dataclass(frozen=True, slots=True)
class Definition:
    module: Module
    symbol: Symbol

    @property
    def address(self) -> int:
        return self.symbol.value + (0 if self.symbol.section == SHN_ABS else self.module.bias)


@dataclass(frozen=True, slots=True)
class Binding:
    """A reference that was looked up. `offset`: p_vaddr of the first relocation that asked for it."""

    module: Module
    offset: int
    type: int
    symbol: str
    version: str | None
    provider: Module | None

    def line(self, names: dict[int, str]) -> str:
        """As `binding_text` of libs/rtld prints it, without the address."""
        provider = names[id(self.provider)] if self.provider else "-"
        where = f"{names[id(self.module)]} {self.offset:#x} {self.type:#x}"
        return f"bind {where} {self.symbol} {self.version or '-'} {provider}"


class Scope:
    def __init__(self, modules: Sequence[Module]) -> None:
        self.modules = modules
        self._unique: dict[bytes, Definition] = {}
        self._found: dict[tuple[bytes, Version | None, bool], Definition | None] = {}

    def lookup(
        self, module: Module, name: bytes, version: Version | None, *, call: bool, but: Module | None = None
    ) -> Definition | None:
        if module.symbolic or but is not None:
            return self._search(module, name, version, call, but)
        key = name, version, call
        if key not in self._found:
            self._found[key] = self._search(module, name, version, call, None)
        return self._found[key]

    def _search(
        self, module: Module, name: bytes, version: Version | None, call: bool, but: Module | None
    ) -> Definition | None:
        order = [module, *self.modules] if module.symbolic else self.modules
        for candidate in order:
            if candidate is but or not (indices := candidate.exports.get(name)):
                continue
            if symbol := _choose(candidate, indices, version, call):
                return Definition(candidate, symbol)
        return None

    def bind(self, module: Module, index: int, *, call: bool, copy: bool = False) -> tuple[Definition | None, bool]:
        """The definition of a symbol of `module`, and whether it was searched for. None: weak and absent."""
        symbol = module.symbol(index)
        if symbol.binding == STB_LOCAL or symbol.visibility in (STV_HIDDEN, STV_INTERNAL):
            if symbol.section != SHN_UNDEF:
                return Definition(module, symbol), False
            if symbol.binding == STB_WEAK:
                return None, False
            raise UndefinedSymbol(
                module.path, f"needs {_shown(symbol.name)}, which only it could define", "link it anew"
            )
        version = module.version_of(index)
        found = self.lookup(module, symbol.name, version, call=call, but=module if copy else None)
        if symbol.visibility == STV_PROTECTED and symbol.section != SHN_UNDEF and not copy:
            found = self._protected(module, symbol, version, found, call)
        if found is None and symbol.binding != STB_WEAK:
            wanted = _shown(symbol.name) + (f", version {version.name}" if version else "")
            raise UndefinedSymbol(module.path, f"needs {wanted}, which no object defines", "add the library that does")
        if found and found.symbol.binding == STB_GNU_UNIQUE:
            found = self._unique.setdefault(symbol.name, found)
        return found, True

    def _protected(
        self, module: Module, symbol: Symbol, version: Version | None, found: Definition | None, call: bool
    ) -> Definition:
        """Its own definition, unless the program's PLT entry is the function's address for every object."""
        own = Definition(module, symbol)
        if call or found is None or found.symbol.section != SHN_UNDEF:
            return own
        called = self.lookup(module, symbol.name, version, call=True)
        return found if called and called.module is module else own


def _shown(name: bytes) -> str:
    return ascii(name.decode("utf-8", "backslashreplace"))[1:-1]


def _usable(symbol: Symbol, call: bool) -> bool:
    if symbol.binding not in (STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE) or symbol.type not in _TYPES:
        return False
    if symbol.visibility in (STV_HIDDEN, STV_INTERNAL):
        return False
    if symbol.section == SHN_UNDEF:
        return not call and symbol.value != 0 and symbol.type != STT_TLS
    return symbol.value != 0 or symbol.section == SHN_ABS or symbol.type == STT_TLS


def _choose(module: Module, indices: Sequence[int], version: Version | None, call: bool) -> Symbol | None:
    defaults = []
    for index in indices:
        symbol = module.symbol(index)
        if not _usable(symbol, call):
            continue
        raw = module.versym(index)
        if raw is None:
            return symbol
        hidden, number = bool(raw & 0x8000), raw & 0x7FFF
        if version is None:
            if number <= 2:
                return symbol
            if not hidden:
                defaults.append(symbol)
            continue
        own = module.versions.get(number)
        if own and own.name == version.name:
            return symbol
        if own is None and not hidden and not version.hidden:
            return symbol
    return defaults[0] if len(defaults) == 1 else None

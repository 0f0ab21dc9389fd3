"""Languages that sources are written in, and which flags concern which."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Language(StrEnum):
    C = "c"
    CXX = "c++"
    ASSEMBLY = "assembly"  # by the compiler, preprocessed (.S) or not (.s)
    NASM = "nasm"


COMMON = "all"  # what a dictionary of flags calls those for every language of the compiler
LANGUAGES = {
    ".c": Language.C,
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".C"), Language.CXX),
    **dict.fromkeys((".S", ".s"), Language.ASSEMBLY),
    **dict.fromkeys((".asm", ".nasm"), Language.NASM),
}


READY = (".o", ".a")  # nothing is to be compiled


def language_of(path: str) -> Language | None:
    """By its suffix; None: none that is known."""
    return LANGUAGES.get(os.path.splitext(path)[1])


def concerns(flag: str, language: Language) -> bool:
    """Whether a flag among the common ones is for a language: a standard is for the one that it names."""
    if not flag.startswith(("-std=", "--std=")):
        return True
    return ("++" in flag) == (language is Language.CXX)


def concerning(flags: Sequence[str], language: Language) -> list[str]:
    return [flag for flag in flags if concerns(flag, language)]


@dataclass(frozen=True)
class Flags:
    """Flags for every language of the compiler, and flags for single languages."""

    common: tuple[str, ...] = ()
    own: Mapping[Language, tuple[str, ...]] = field(default_factory=dict)

    def of(self, language: Language) -> list[str]:
        common = [] if language is Language.NASM else concerning(self.common, language)
        return [*common, *self.own.get(language, ())]

    def __add__(self, other: "Flags") -> "Flags":
        names = {*self.own, *other.own}
        own = {name: (*self.own.get(name, ()), *other.own.get(name, ())) for name in names}
        return Flags((*self.common, *other.common), own)

    def __bool__(self) -> bool:
        return bool(self.common or any(self.own.values()))


NO_FLAGS = Flags()

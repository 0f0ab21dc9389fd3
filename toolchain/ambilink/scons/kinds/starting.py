"""Constructors in archives. In a shared object all run, after those of what it needs; of an archive only what is
referred to is linked, wherever the linker comes upon it. So those objects of each used library that start by themselves
are linked as files of their own, in the order in which a dynamic linker would start their libraries."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.elf.archive import members
from ambilink.elf.starting import HINT, Object, places, set_names, starts
from ambilink.errors import AmbilinkError
from ambilink.files import map_regular, write_atomically
from ambilink.link.order import dependency_order
from ambilink.scons.context import Context
from ambilink.scons.units import Library, Unit

FOLDER = ".starting"  # of what is taken out of archives while an output is linked


@dataclass(eq=False)
class _Linked:
    """A library or the program, among what is linked."""

    library: Library | None
    path: str
    objects: list[Object] = field(default_factory=list)
    defined: set[bytes] = field(default_factory=set)
    undefined: set[bytes] = field(default_factory=set)
    needed: list["_Linked"] = field(default_factory=list)

    def look(self) -> None:
        for each in self.objects:
            defined, undefined = each.symbols()
            self.defined |= defined
            self.undefined |= undefined
        self.undefined -= self.defined


def take_out(
    context: Context, unit: Unit, target: str, own: Sequence[str], archives: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """Objects of archives to link as files, in this order, before a unit's own; and which of its own to link in another
    form. They lie in a folder beside the target until `clear` is called."""
    libraries = _of_archives(context, unit, archives)
    kept = [each for each in libraries if each.library is None or each.library.constructors == "all"]
    sets = {name for path in [*own, *(each.path for each in libraries)] for name in set_names(map_regular(Path(path)))}
    found = {each: list(_starting(each, sets)) for each in kept}
    if not any(found.values()):
        return [], {}
    for each in libraries:
        each.objects = each.objects or _members(each.path)
    program = _Linked(None, target, [Object(path, map_regular(Path(path))) for path in own])
    order = dependency_order(_used(context, program, libraries))[:-1]
    ranked = list(_without_rivals(program, order, found))
    rank_of_own = len(order)
    by_place = places([*ranked, *((rank_of_own, one) for one in program.objects)])
    if by_place:
        ranked = [(rank, one.with_rank(by_place, rank)) for rank, one in ranked]
    taken = [_write(target, number, one) for number, (_, one) in enumerate(ranked)]
    changed = {}
    if by_place:
        for number, one in enumerate(program.objects, len(taken)):
            other = one.with_rank(by_place, rank_of_own)
            if other is not one:
                changed[one.name] = _write(target, number, other)
    return taken, changed


def _without_rivals(
    program: _Linked, order: Sequence[_Linked], found: Mapping[_Linked, Sequence[Object]]
) -> Iterator[tuple[int, Object]]:
    """With their ranks. An archive's object that defines what an earlier one or the program defines would not be taken
    by a linker either: __dso_handle beside its destructor, say, which each shared object has for itself."""
    defined = {symbol for one in program.objects for symbol in one.strong_symbols()}
    for rank, each in enumerate(order):
        for one in found.get(each, []):
            symbols = one.strong_symbols()
            if not symbols & defined:
                defined |= symbols
                yield rank, one


def _starting(each: _Linked, sets: set[str]) -> Iterator[Object]:
    if not sets and not HINT.search(map_regular(Path(each.path))):
        return
    each.objects = _members(each.path)
    for one in each.objects:
        if (sets or HINT.search(one.data)) and starts(one, sets):
            yield one


def declared_constructors(context: Context, unit: Unit) -> str:
    """What the order and choice of those objects depends on, beside the archives: another text is another link."""
    return " ".join(
        f"{each.name}:{each.constructors}:{','.join(each.libs)}"
        for each in context.closure(unit)
        if each.static is not None or each.variants
    )


def clear(target: str) -> None:
    shutil.rmtree(f"{target}{FOLDER}", ignore_errors=True)


def _write(target: str, number: int, one: Object) -> str:
    path = f"{target}{FOLDER}/{number}/{os.path.basename(one.name) or 'object'}"
    write_atomically(Path(path), bytes(one.data))
    return path


def _of_archives(context: Context, unit: Unit, archives: Sequence[str]) -> list[_Linked]:
    """Archives in the order of a link, with their libraries."""
    of: dict[str, Library] = {}
    for library in context.closure(unit):
        for node in (library.static, *(variant.node for variant in library.variants.values())):
            if node is not None:
                of[str(node)] = library
    return [_Linked(of.get(path), path) for path in archives]


def _members(path: str) -> list[Object]:
    try:
        return [Object(each.name, each.data) for each in members(Path(path))]
    except AmbilinkError:  # a thin archive, or what the linker reads as a script
        return []


def _used(context: Context, program: _Linked, libraries: Sequence[_Linked]) -> list[_Linked]:
    """The program and the libraries that a dynamic linker would load, breadth first: each that defines, as the first
    one, what the program or one of these refers to."""
    for each in (program, *libraries):
        each.look()
    found = [program]
    for user in found:  # grows
        user.needed = list(_needed(context, user, libraries))
        found += [each for each in user.needed if each not in found]
    return found


def _needed(context: Context, user: _Linked, libraries: Sequence[_Linked]) -> Iterator[_Linked]:
    closure = None if user.library is None else context.closure(user.library)
    seen = [each for each in libraries if closure is None or each.library is None or each.library in closure]
    left = set(user.undefined)
    for each in seen:
        if each is not user and left & each.defined:
            left -= each.defined
            yield each

"""A program and all that it needs, in search order: breadth first over DT_NEEDED, filtees before their filters."""

from collections.abc import Callable
from pathlib import Path

from ambilink.elf.file import ElfError
from ambilink.link.module import Module
from ambilink.link.search import Search, same_file

Find = Callable[[str, list[Module]], Path | None]


class MissingLibrary(ElfError):
    pass


Need = Callable[[Module, str, bool], Module | None]


def load_needed(modules: list[Module], need: Need) -> None:
    """Complete the list, in search order: what its modules need comes at the end, breadth first, and filtees (of
    DT_FILTER, DT_AUXILIARY) before their filter; but the program stays the first. `need(module, name, optional)` gives
    an object, maybe one of the list; None: one that is optional is not there."""
    listed = {id(module) for module in modules}
    done: set[int] = set()

    def take(module: Module, name: str, optional: bool) -> Module | None:
        found = need(module, name, optional)
        if found is not None and id(found) not in listed:
            listed.add(id(found))
            modules.append(found)
        return found

    at = 0
    while at < len(modules):
        module = modules[at]
        at += 1
        if id(module) in done:
            continue
        done.add(id(module))
        module.filtees = {}
        after = [] if module.filtees_last else module.needed_names
        before = module.needed_names if module.filtees_last else []
        found = [take(module, name, False) for name in before]
        for name, required in module.filtee_names:
            filtee = take(module, name, not required)
            if filtee is None:
                continue
            module.filtees[name] = filtee
            place = modules.index(module)
            if 0 < place < modules.index(filtee):
                modules.remove(filtee)
                modules.insert(place, filtee)
                at = 0  # it was put before what was looked at
        found += [*module.filtees.values(), *(take(module, name, False) for name in after)]
        module.needed = [each for each in found if each is not None]


def load_closure(program: Path, find: Find | None = None, preload: tuple[str, ...] = ()) -> list[Module]:
    """`find` answers (name, chain from the referrer up to the program); default: this machine's."""
    first = Module.load(str(program), program)
    find = find or Search(first.machine).find
    modules = [first]
    loader: dict[int, Module | None] = {id(first): None}
    names: dict[str, Module] = {first.soname: first} if first.soname else {}
    files = {same_file(program): first}

    def chain(module: Module) -> list[Module]:
        found = [module]
        while (parent := loader[id(found[-1])]) is not None:
            found.append(parent)
        return found

    def need(module: Module, name: str, optional: bool) -> Module | None:
        if name in names:
            return names[name]
        path = find(name, chain(module))
        if path is None:
            if optional:
                return None
            raise MissingLibrary(module.path, f"needs {name}, which is not there", "install it or give its folder")
        found = files.get(same_file(path))
        if found is None:
            found = Module.load(name, path)
            loader[id(found)] = module
            files[same_file(path)] = found
            if found.soname:
                names.setdefault(found.soname, found)
        names.setdefault(name, found)
        return found

    for name in preload:
        found = need(first, name, False)
        if found is not None and found not in modules:
            modules.append(found)
    load_needed(modules, need)
    return modules

"""A program and all that it needs, in search order: breadth first over DT_NEEDED."""

from collections.abc import Callable
from pathlib import Path

from ambilink.elf.file import ElfError
from ambilink.link.module import Module
from ambilink.link.search import Search, same_file

Find = Callable[[str, list[Module]], Path | None]


class MissingLibrary(ElfError):
    pass


def load_closure(program: Path, find: Find | None = None, preload: tuple[str, ...] = ()) -> list[Module]:
    """`find` answers (DT_NEEDED name, chain from the referrer up to the program); default: this machine's."""
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

    def need(module: Module, name: str) -> Module:
        if name in names:
            return names[name]
        path = find(name, chain(module))
        if path is None:
            raise MissingLibrary(module.path, f"needs {name}, which is not there", "install it or give its folder")
        found = files.get(same_file(path))
        if found is None:
            found = Module.load(name, path)
            loader[id(found)] = module
            files[same_file(path)] = found
            modules.append(found)
            if found.soname:
                names.setdefault(found.soname, found)
        names.setdefault(name, found)
        return found

    for name in preload:
        need(first, name)
    for module in modules:  # grows as it goes
        module.needed = [need(module, name) for name in module.needed_names]
    return modules

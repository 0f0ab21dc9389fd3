"""What `ambilink link` prints: who needs what, and who provides it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ambilink.elf.layout import PAGE
from ambilink.link.closure import load_closure
from ambilink.link.core import Linker
from ambilink.link.module import Module
from ambilink.link.order import start_order
from ambilink.link.relocate import consecutive, link
from ambilink.link.search import Search


def _model_lines(modules: list[Module]) -> list[str]:
    names = {id(module): module.name for module in modules}
    return [binding.line(names) for binding in link(modules, consecutive()).bindings]


def _core_lines(modules: list[Module], library: Path) -> tuple[list[str], list[str]]:
    result = Linker(library).link_images(modules)
    bound = [line.rsplit(" ", 1)[0] for line in result.lines if line.startswith("bind ")]
    return bound, result.errors


def link_lines(file: Path, core: Path | None, library_path: str, *, bindings: bool) -> Iterator[tuple[bool, str]]:
    """(is an error, line). With `core`, the C core links and the model's answer is compared with its."""
    search = Search(Module.load(str(file), file).machine, library_path=library_path)
    modules = load_closure(file, search.find)
    errors: list[str] = []
    if core:
        lines, errors = _core_lines(modules, core)
    else:
        lines = _model_lines(modules)
    if bindings:
        yield from ((False, line) for line in lines)
    uses = Counter(line.rsplit(" ", 1)[-1] for line in lines)
    width = max(len(module.name) for module in modules)
    for module in modules:
        yield False, f"{module.name:{width}}  {uses.get(module.name, 0):>7,} bound here  {module.path}"
    yield False, "start: " + " ".join(module.soname or module.path.name for module in start_order(modules))
    relocated = sum(1 for module in modules for _ in module.relocations()) + sum(
        1 for module in modules for _ in module.packed_relative()
    )
    size = sum(module.high - module.low for module in modules) // PAGE * 4
    yield (
        False,
        f"{len(modules)} objects, {size:,} KiB, {relocated:,} relocations, {len(lines):,} bindings by the "
        + ("core" if core else "model"),
    )
    if core and not errors and lines != _model_lines(modules):
        errors.append("core and model bind differently: this is a defect, please report the file")
    yield from ((True, error) for error in errors)

"""What `ambilink link` prints: which objects a file needs, and what they are bound to."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ambilink.core import Linker
from ambilink.core.compare import differences
from ambilink.elf.layout import PAGE
from ambilink.link.closure import load_closure
from ambilink.link.module import Module
from ambilink.link.order import start_order
from ambilink.link.relocate import consecutive, link
from ambilink.link.search import Search


def link_lines(file: Path, linker: Linker | None, library_path: str, *, bindings: bool) -> Iterator[tuple[bool, str]]:
    """(is an error, line). The linker core links, and the model must agree; None: the model alone."""
    search = Search(Module.load(str(file), file).machine, library_path=library_path)
    modules = load_closure(file, search.find)
    errors: list[str] = []
    if linker:
        result = linker.link_modules(modules)
        lines, errors = [line.rsplit(" ", 1)[0] for line in result.bindings], result.errors
        if not errors:
            others = differences(result, link(modules, consecutive()))
            errors = [f"core and model disagree, {each}: this is a defect, please report the file" for each in others]
    else:
        names = {id(module): module.name for module in modules}
        lines = [binding.line(names) for binding in link(modules, consecutive()).bindings]
    if bindings:
        yield from ((False, _printable(line)) for line in lines)
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
        + ("core" if linker else "model"),
    )
    yield from ((True, _printable(error)) for error in errors)


def _printable(text: str) -> str:
    """A symbol's name may be anything, escape sequences of a terminal too."""
    return text if text.isprintable() else ascii(text)[1:-1]

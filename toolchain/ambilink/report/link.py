"""What `ambilink link` prints: who needs what, and who provides it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ambilink.link.closure import load_closure
from ambilink.link.core import Linker
from ambilink.link.image import PAGE, Image
from ambilink.link.order import start_order
from ambilink.link.relocate import consecutive, link
from ambilink.link.search import Search


def _model_lines(images: list[Image]) -> list[str]:
    names = {id(image): image.name for image in images}
    return [binding.line(names) for binding in link(images, consecutive()).bindings]


def _core_lines(images: list[Image], library: Path) -> tuple[list[str], list[str]]:
    result = Linker(library).link_images(images)
    bound = [line.rsplit(" ", 1)[0] for line in result.lines if line.startswith("bind ")]
    return bound, result.errors


def link_lines(file: Path, core: Path | None, library_path: str, *, bindings: bool) -> Iterator[tuple[bool, str]]:
    """(is an error, line). With `core`, the C core links and the model's answer is compared with its."""
    search = Search(Image.open(str(file), file).machine, library_path=library_path)
    images = load_closure(file, search.find)
    errors: list[str] = []
    if core:
        lines, errors = _core_lines(images, core)
    else:
        lines = _model_lines(images)
    if bindings:
        yield from ((False, line) for line in lines)
    uses = Counter(line.split(" ")[6] for line in lines)
    width = max(len(image.name) for image in images)
    for image in images:
        yield False, f"{image.name:{width}}  {uses.get(image.name, 0):>7,} bound here  {image.path}"
    yield False, "start: " + " ".join(image.soname or image.path.name for image in start_order(images))
    relocated = sum(1 for image in images for _ in image.relocations()) + sum(
        1 for image in images for _ in image.packed_relative()
    )
    size = sum(image.high - image.low for image in images) // PAGE * 4
    yield (
        False,
        f"{len(images)} objects, {size:,} KiB, {relocated:,} relocations, {len(lines):,} bindings by the "
        + ("core" if core else "model"),
    )
    if core and not errors and lines != _model_lines(images):
        errors.append("core and model bind differently: this is a defect, please report the file")
    yield from ((True, error) for error in errors)

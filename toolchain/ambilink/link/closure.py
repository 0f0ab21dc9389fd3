"""A program and all that it needs, in search order: breadth first over DT_NEEDED."""

from collections.abc import Callable
from pathlib import Path

from ambilink.link.image import ElfError, Image
from ambilink.link.search import Search, same_file

Find = Callable[[str, list[Image]], Path | None]


class MissingLibrary(ElfError):
    pass


def load_closure(program: Path, find: Find | None = None, preload: tuple[str, ...] = ()) -> list[Image]:
    """`find` answers (DT_NEEDED name, chain from the referrer up to the program); default: this machine's."""
    first = Image.open(str(program), program)
    find = find or Search(first.machine).find
    images = [first]
    loader: dict[int, Image | None] = {id(first): None}
    names: dict[str, Image] = {}
    files = {same_file(program): first}

    def chain(image: Image) -> list[Image]:
        found = [image]
        while (parent := loader[id(found[-1])]) is not None:
            found.append(parent)
        return found

    def need(image: Image, name: str) -> Image:
        if name in names:
            return names[name]
        path = find(name, chain(image))
        if path is None:
            raise MissingLibrary(image.path, f"needs {name}, which is not there", "install it or give its folder")
        found = files.get(same_file(path))
        if found is None:
            found = Image.open(name, path)
            loader[id(found)] = image
            files[same_file(path)] = found
            images.append(found)
            if found.soname:
                names.setdefault(found.soname, found)
        names.setdefault(name, found)
        return found

    for name in preload:
        need(first, name)
    for image in images:  # grows as it goes
        image.needed = [need(image, name) for name in image.needed_names]
    return images

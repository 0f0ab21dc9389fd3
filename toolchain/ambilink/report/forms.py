"""Programs and libraries of a boot image with their forms and sizes, and who links whom: by what the build declared,
or, where there is no build, by what the image's own files need."""

from pathlib import Path, PurePosixPath
from typing import Any

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.layout import FileKind
from ambilink.bootimage.pack import LIBRARY_FOLDER
from ambilink.elf.inspect import inspect_data
from ambilink.errors import AmbilinkError
from ambilink.report.graph import Box, read_graph

PROGRAM_FOLDER = "services"
Form = dict[str, Any]  # name, kind, needs, forms: by "program", "shared" or "static" the file's path, bytes, in_image


def forms(root: Path, image: ImageFile | None) -> list[Form]:
    """`root` is the build folder. Empty for what is no image of this project."""
    if image is None:
        return []
    packed = _packed(image)
    declared = _declared(root)
    chosen = _reached(declared, packed)
    covered = {place for name in chosen for place in _places(declared[name]).values()}
    found = [_of_box(declared[name], root, image, set(chosen)) for name in chosen]
    return found + [each for each in packed.values() if next(iter(each["forms"].values()))["file"] not in covered]


def _declared(root: Path) -> dict[str, Box]:
    try:
        return read_graph(root.resolve().parent / ".ambilink" / root.resolve().name / "graph.json")
    except AmbilinkError:  # the image was built elsewhere, or not by scons
        return {}


def _places(box: Box) -> dict[str, str]:
    """Where each form lies in the build folder."""
    if box.kind == "kernel":
        return {"program": box.name}
    if box.kind != "library":
        return {"program": f"{PROGRAM_FOLDER}/{box.name}"}
    names = {"static": f"{LIBRARY_FOLDER}/lib{box.name}.a", "shared": f"{LIBRARY_FOLDER}/lib{box.name}.so"}
    return {form: names[form] for form in box.forms}


def _reached(declared: dict[str, Box], packed: dict[str, Form]) -> list[str]:
    """Names of what is in the image, of its kernel, and of all that they link."""
    names = [
        name
        for name, box in declared.items()
        if name == "kernel" or any(place in packed for place in _places(box).values())
    ]
    for name in names:  # grows
        names += [other for other in declared[name].needs if other not in names]
    return [name for name in declared if name in names]


def _of_box(box: Box, root: Path, image: ImageFile, chosen: set[str]) -> Form:
    found = {}
    for form, place in _places(box).items():
        file, built = image.archive.file(place), root / place
        size = file.size if file else built.stat().st_size if built.is_file() else None
        found[form] = {"file": place, "bytes": size, "in_image": file is not None or place == "kernel"}
    needs = [name for name in box.needs if name in chosen]
    return {"name": box.name, "kind": box.kind, "needs": needs, "forms": found}


def _packed(image: ImageFile) -> dict[str, Form]:
    """By file: what the image alone shows."""
    found: dict[str, Form] = {}
    for file in image.archive.files:
        if not (file.kind.is_elf or file.kind is FileKind.MODULE):
            continue
        is_library = file.kind.is_library
        try:
            elf = inspect_data(image.archive.contents(file), Path(f"{image.path}:{file.name}"))
        except AmbilinkError:  # damaged: the verification says so
            continue
        kind = "library" if is_library else "dynamic" if elf.needed or elf.interpreter else "static"
        found[file.name] = {
            "name": _short(file.name),
            "kind": "module" if file.kind is FileKind.MODULE else kind,
            "needs": [_short(soname) for soname in elf.needed],
            "forms": {"shared" if is_library else "program": {"file": file.name, "bytes": file.size, "in_image": True}},
        }
    return found


def _short(name: str) -> str:
    """lib/libc.so and libc.so are c."""
    last = PurePosixPath(name).name
    return last[3:].removesuffix(".so") if last.startswith("lib") and last.endswith(".so") else last.removesuffix(".so")

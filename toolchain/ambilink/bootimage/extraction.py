"""Writing files of an image below a folder. Nothing is written before every name and every place was looked at: an
image may be hostile."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ambilink.bootimage.layout import Archive, ArchiveFile, damaged
from ambilink.bootimage.names import check_names
from ambilink.errors import AmbilinkError
from ambilink.files import write_below


def extract(archive: Archive, image: Path, wanted: Sequence[str], folder: Path) -> Iterator[Path]:
    """The files that are `wanted`, all without; each path once it is written."""
    for name in wanted:
        if archive.file(name) is None:
            raise AmbilinkError(image, f"has no file {name!a}", "`ambilink image ls` lists them")
    chosen = [file for file in archive.files if not wanted or file.name in wanted]
    check_names([file.name for file in archive.files], image, "do not trust this image")
    bad = {name: each.what for each in damaged(archive) for name in each.files}
    for file in chosen:
        if file.name in bad:
            raise AmbilinkError(image, f"{bad[file.name]}: the image was altered")
        _check_place(folder, file)
    for file in chosen:
        write_below(folder, file.name, archive.contents(file))
        yield folder / file.name


def _check_place(folder: Path, file: ArchiveFile) -> None:
    path = folder
    for part in file.name.split("/")[:-1]:
        path /= part
        if path.is_symlink():
            raise AmbilinkError(path, f"is a symlink, and {file.name} is to be written below it", "remove it")
        if path.exists() and not path.is_dir():
            raise AmbilinkError(path, f"is a file, and {file.name} is to be written below it", "remove it")
    path = folder / file.name
    if path.is_dir() and not path.is_symlink():
        raise AmbilinkError(path, "is a folder, and a file of that name is to be written", "remove it")

"""Unpacking: the plain files of one folder of an archive, into a folder of their own.

Archives have one folder at their top (`package/`, `name-version/`); paths are from there. Links and devices are left
out. An archive with a name that leads elsewhere is refused as a whole: no tool packs such a one by mistake.
"""

import io
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ambilink.errors import AmbilinkError, near

MOST = 1 << 30  # bytes that an archive may unpack to


def unpack(what: object, archive: bytes, inside: str, wanted: Sequence[str], folder: Path) -> list[str]:
    """Put what lies in `inside` of an archive below `folder`, which is replaced as a whole once all is there; return
    the names. `wanted` must be among them. Raises AmbilinkError, and leaves `folder` as it was."""
    files = dict(_below(_plain_files(what, archive), inside))
    _require(what, files, inside, wanted)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for name, data in files.items():
            path = part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(part, folder)
    except OSError as error:  # the disk is full, or a name is a file and a folder
        raise AmbilinkError(error.filename or folder, f"cannot be written ({error.strerror})", "make room") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sorted(files)


def _require(what: object, files: dict[str, bytes], inside: str, wanted: Sequence[str]) -> None:
    if not files:
        raise AmbilinkError(what, f"its archive has no files in {inside or 'its folder'}", "change folder=")
    for name in wanted:
        if name not in files:
            place = f"{inside}/{name}" if inside else name
            raise AmbilinkError(what, f"its archive has no file {place}", f"{near(files, name)}change files=")


def _below(files: dict[str, bytes], inside: str) -> Iterator[tuple[str, bytes]]:
    for path, data in files.items():
        name = path.partition("/")[2]
        name = name if not inside else name[len(inside) + 1 :] if name.startswith(f"{inside}/") else ""
        if name:
            yield name, data


def _plain_files(what: object, archive: bytes) -> dict[str, bytes]:
    try:
        stream = io.BytesIO(archive)
        found = list(_of_zip(what, stream) if zipfile.is_zipfile(stream) else _of_tar(what, archive))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError,
            RuntimeError) as error:  # fmt: skip
        raise AmbilinkError(what, f"its archive cannot be read ({error})", "pin another version") from error
    files: dict[str, bytes] = {}
    for name, data in found:
        path = _checked(what, name)
        if path in files:
            raise AmbilinkError(what, f"its archive has {name!r} twice", "pin another version")
        files[path] = data
    return files


def _checked(what: object, name: str) -> str:
    """The path of a member without ./; what could lead out of the folder is refused, whatever system reads it."""
    parts = name.split("/")
    while parts and parts[0] == ".":
        del parts[0]
    odd = any(part in ("", ".", "..") or part.endswith(":") for part in parts) or not parts
    if odd or any(letter < " " or letter in "\\\x7f" for letter in name):
        raise AmbilinkError(what, f"its archive has a member {name!r}, which is no path inside it", "do not use it")
    return "/".join(parts)


def _of_tar(what: object, archive: bytes) -> Iterator[tuple[str, bytes]]:
    total = 0
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:*") as tar:
        for member in tar:
            _checked(what, member.name)
            total = _bounded(what, total + (member.size if member.isreg() else 0))
            stream = tar.extractfile(member) if member.isreg() else None
            if stream is not None:
                yield member.name, stream.read()


def _of_zip(what: object, stream: io.BytesIO) -> Iterator[tuple[str, bytes]]:
    total = 0
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            _checked(what, member.filename)
            total = _bounded(what, total + member.file_size)
            if (member.external_attr >> 28) in (0, 8):  # of Unix's kinds of files: a plain one, or not said
                yield member.filename, archive.read(member)


def _bounded(what: object, total: int) -> int:
    if total > MOST:
        raise AmbilinkError(what, f"its archive unpacks to more than {MOST >> 20} MiB", "pin another version")
    return total

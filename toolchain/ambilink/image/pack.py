"""Packing a boot image: from a manifest and a build folder to one ELF file."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ambilink.elf.inspect import inspect
from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically
from ambilink.image import container, layout, prelink
from ambilink.image.layout import ArchiveService, FileKind, Linker
from ambilink.image.manifest import Manifest, ManifestService, read
from ambilink.link.image import Image

PROGRAM_FOLDER = "services"
LIBRARY_FOLDER = "lib"


@dataclass(frozen=True)
class Packed:
    image: Path
    size: int
    archive: layout.Archive


def shipped(path: Path) -> bytes:
    """A linked file without what no loader reads: all bytes after the last segment, and section headers."""
    info = inspect(path)
    data = bytearray(path.read_bytes())
    end = max((load.offset + load.file_size for load in info.loads), default=0)
    if not end:
        raise AmbilinkError(path, "has no PT_LOAD segment", "link it as a program or shared library")
    del data[end:]
    header = list(container.HEADER.unpack_from(data))
    header[6], header[11], header[12], header[13] = 0, 0, 0, 0  # e_shoff, e_shentsize, e_shnum, e_shstrndx
    struct.pack_into(container.HEADER.format, data, 0, *header)
    return bytes(data)


def _program(manifest: Manifest, root: Path, name: str) -> Path:
    path = root / PROGRAM_FOLDER / name
    if not path.is_file():
        raise AmbilinkError(
            manifest.path, f"unknown service {name}: {path} is not there", f"declare it with Service('{name}', ...)"
        )
    return path


def _add_libraries(
    root: Path, contents: dict[str, tuple[FileKind, bytes]], programs: list[Path], manifest: Manifest
) -> None:
    """The DT_NEEDED closure of the programs and of the libraries that the manifest names, breadth first."""
    waiting = [(program, name) for program in programs for name in inspect(program).needed]
    waiting += [(manifest.path, name) for name in manifest.libraries]
    while waiting:
        needer, soname = waiting.pop(0)
        name = f"{LIBRARY_FOLDER}/{soname}"
        if name in contents:
            continue
        path = root / LIBRARY_FOLDER / soname
        if not path.is_file():
            raise AmbilinkError(
                needer, f"needs {soname}, and {path} is not there", "build the library as a shared object"
            )
        contents[name] = (FileKind.LIBRARY, shipped(path))
        waiting += [(path, other) for other in inspect(path).needed]


def _prelink(manifest: Manifest, contents: dict[str, tuple[FileKind, bytes]]) -> dict[str, str]:
    """Add what the image needs to start programs without linking; their files, by program. A static program needs no
    linker, and is left to the loader."""
    names = [f"{PROGRAM_FOLDER}/{service.program}" for service in manifest.services if service.linker is Linker.PACK]
    programs = [
        name
        for name in dict.fromkeys(names)
        if Image(name, manifest.path.parent / name, contents[name][1]).needed_names
    ]
    if not programs:
        return {}
    seed = prelink.default_seed(manifest.path.read_bytes()) if manifest.seed is None else manifest.seed
    contents |= prelink.prelink(manifest.path, contents, programs, seed)
    return {program: prelink.packed_name(program) for program in programs}


def _linked_by(service: ManifestService, packed: Mapping[str, str]) -> tuple[str | None, Linker]:
    """The file that says how to start it, and who links it."""
    if service.linker is not Linker.PACK:
        return None, service.linker
    file = packed.get(f"{PROGRAM_FOLDER}/{service.program}")
    return file, Linker.PACK if file else Linker.LOADER


def pack(manifest_path: Path, root: Path, image: Path) -> Packed:
    """Write the image that a manifest describes; `root` is the build folder with kernel, services/ and lib/."""
    manifest = read(manifest_path)
    programs = {name: _program(manifest, root, name) for name in manifest.programs}
    contents: dict[str, tuple[FileKind, bytes]] = {}
    for name, path in programs.items():
        contents[f"{PROGRAM_FOLDER}/{name}"] = (FileKind.PROGRAM, shipped(path))
    _add_libraries(root, contents, list(programs.values()), manifest)
    for name, source in manifest.files.items():
        try:
            contents[name] = (FileKind.DATA, source.read_bytes())
        except OSError as error:
            raise AmbilinkError(manifest_path, f"files.{name}: {source} cannot be read ({error.strerror})") from error
    packed = _prelink(manifest, contents)
    loader_linker = Linker.KERNEL if inspect(programs[manifest.loader]).needed else Linker.LOADER
    services = [
        ArchiveService(
            service.name,
            f"{PROGRAM_FOLDER}/{service.program}",
            service.role,
            service.grants,
            service.stack_size,
            service.arguments,
            service.environment,
            *_linked_by(service, packed),
            service.calls,
        )
        for service in manifest.services
    ]
    data = layout.build(contents, services, f"{PROGRAM_FOLDER}/{manifest.loader}", loader_linker)
    archive = layout.parse(data, image)
    whole = container.build(root / manifest.kernel, data, archive)
    write_atomically(image, whole)
    return Packed(image, len(whole), archive)

"""Programs of Linux in an image: the layer that makes calls of the kernel of theirs, and what is found below their
sysroot, interpreter, libraries and the files that they bring."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ambilink.bootimage.layout import NAME_MAX, Calls, FileKind, Grant
from ambilink.bootimage.manifest import Manifest, ManifestService
from ambilink.bootimage.shipped import shipped
from ambilink.elf.inspect import inspect
from ambilink.errors import AmbilinkError, near
from ambilink.files import map_regular, read_regular
from ambilink.link.closure import MissingLibrary, load_closure
from ambilink.link.module import Module
from ambilink.link.search import Search

LAYER = "lib/linux.so"  # boot/kernel/start/launch.c knows it, too
FILES = "files"  # the service that hands out the image's files
# musl's interpreter is its C library too, under each of the names that others split theirs into.
MUSL_ITSELF = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet)\.so")
ELF, E_TYPE, SHARED = b"\x7fELF", 16, b"\3\0"
Contents = dict[str, tuple[FileKind, bytes]]


def _services(manifest: Manifest) -> list[ManifestService]:
    return [service for service in manifest.services if service.calls is Calls.LINUX]


def _libraries(program: Path, opened: list[Path], sysroot: Path) -> Iterator[tuple[str, Path]]:
    """Names in the image, and files: the interpreter where the program asks for it, and libraries, which it or what it
    opens needs, below lib/, where both glibc and musl look."""
    first = Module.load(str(program), program)
    if first.interpreter is None:
        return
    interpreter = sysroot / first.interpreter.lstrip("/")
    if not interpreter.is_file():
        rule = f"asks for the interpreter {first.interpreter}, and {interpreter} is not there"
        raise AmbilinkError(program, rule, "unpack the package that has it below the sysroot")
    Module.load(str(interpreter), interpreter)  # or it would fail in the boot
    yield first.interpreter.lstrip("/"), interpreter
    search = Search(first.machine, sysroot)
    is_musl = interpreter.name.startswith("ld-musl-")

    def find(name: str, chain: list[Module]) -> Path | None:
        is_interpreter = name == interpreter.name or (is_musl and MUSL_ITSELF.match(name))
        return interpreter if is_interpreter else search.find(name, chain)

    for root in (program, *opened):
        for module in load_closure(root, find)[1:]:
            if not (is_musl and module.path == interpreter):
                yield f"lib/{module.name}", Path(module.path)


def _is_shared(path: Path) -> bool:
    head = bytes(map_regular(path)[: E_TYPE + len(SHARED)])
    return head.startswith(ELF) and head.endswith(SHARED)


def _brought(service: ManifestService, number: int) -> Iterator[tuple[str, Path]]:
    """Names in the image, and files, of one item."""
    assert service.sysroot is not None
    item, place = service.brings[number], service.places["brings", number]
    path = service.sysroot / item
    if not path.is_file() and not path.is_dir():
        what = "is neither a file nor a folder" if path.exists() else "is not there"
        rule = f"service {service.name}.brings has {item!r}, and {path} {what}"
        raise AmbilinkError(place, rule, "give a path below its sysroot")
    for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
        name = str(each.relative_to(service.sysroot))
        if not each.is_file():
            continue
        if not name.isprintable():
            rule = f"service {service.name}.brings: the name {name!a} is not printable"
            raise AmbilinkError(place, rule, "rename it, or bring what is beside it one by one")
        if len(name.encode()) > NAME_MAX:
            rule = f"service {service.name}.brings: {name!r} is longer than {NAME_MAX} bytes"
            raise AmbilinkError(place, rule, "bring what is beside it one by one")
        yield name, each


def needed(service: ManifestService, program: Path) -> Iterator[tuple[str, FileKind, Path]]:
    """The files of a service that are in the image by themselves."""
    if service.sysroot is None:
        return
    if not service.sysroot.is_dir():
        rule = f"service {service.name}.sysroot: {service.sysroot} is no folder"
        raise AmbilinkError(service.place, rule, "give the folder that is / for the program")
    brought = [each for number in range(len(service.brings)) for each in _brought(service, number)]
    opened = [path for _, path in brought if _is_shared(path)]
    try:
        for name, path in _libraries(program, opened, service.sysroot):
            yield name, FileKind.LIBRARY, path
    except MissingLibrary as error:
        where = f"{error.where} {error.rule}"
        raise AmbilinkError(
            service.place, f"service {service.name}: {where} below {service.sysroot}", "unpack the package that has it"
        ) from error
    for name, path in brought:
        yield name, FileKind.LIBRARY if path in opened else FileKind.DATA, path


def add(root: Path, contents: Contents, manifest: Manifest, programs: Mapping[str, Path]) -> None:
    """The layer, and what the services need."""
    path = root / LAYER
    if not path.is_file():
        service = _services(manifest)[0]
        rule = f"service {service.name} has calls = \"linux\", and {path}, which makes calls of those, is not there"
        raise AmbilinkError(service.place, rule, "build it: libs/linux declares it")
    contents[LAYER] = (FileKind.INTERPRETER, shipped(path))
    done: set[tuple[object, ...]] = set()
    for service in _services(manifest):
        wants = service.program, service.sysroot, service.brings
        if wants not in done:
            _add_needed(contents, service, programs[service.program])
        done.add(wants)
        _check_files(manifest, service, programs[service.program])


def _add_needed(contents: Contents, service: ManifestService, program: Path) -> None:
    for name, kind, path in needed(service, program):
        data = read_regular(path)
        before = contents.setdefault(name, (kind, data))
        if before[1] != data:
            rule = f"service {service.name} needs {path} as {name}, which is another file of the image"
            raise AmbilinkError(service.place, rule, "let programs of one image have one sysroot")


def _check_files(manifest: Manifest, service: ManifestService, program: Path) -> None:
    """What links a dynamic program maps libraries to execute."""
    if inspect(program).interpreter is None:
        return
    server = next((each for each in manifest.services if FILES in each.registers), None)
    wanted = Grant.IMAGE | Grant.PARTS
    if server is None or server.grants & wanted != wanted:
        what = "is not granted 'parts'" if server else "is not in the image"
        names = near([each.name for each in manifest.services], FILES) if server is None else ""
        raise AmbilinkError(
            server.place if server else service.place,
            f"service {service.name} is a program of Linux that opens its libraries, and the service {FILES!r} {what}",
            f'{names}write grants = ["image", "parts"] for it',
        )


def opens(service: ManifestService, contents: Contents) -> tuple[str, ...]:
    """With what it brings."""
    brought = tuple(name if name in contents else f"{name}/*" for name in service.brings)
    return tuple(dict.fromkeys([*service.opens, *brought]))

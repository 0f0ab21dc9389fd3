"""Packing a boot image: from a manifest and a build folder to one ELF file."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ambilink.bootimage import container, layout, linux, prelink, signing
from ambilink.bootimage.bind_times import bind_times
from ambilink.bootimage.keys import PrivateKey, key_name, read_private, read_public
from ambilink.bootimage.layout import ArchiveService, Calls, FileKind, Grant, Linker
from ambilink.bootimage.linked import Store
from ambilink.bootimage.manifest import GRANTS, Manifest, ManifestService, read
from ambilink.bootimage.plugins import User, check_undefined
from ambilink.bootimage.shipped import shipped
from ambilink.bootimage.signing import Trust
from ambilink.elf.file import ElfFile
from ambilink.elf.inspect import inspect
from ambilink.errors import AmbilinkError, near
from ambilink.files import read_regular, write_output
from ambilink.link.module import Module

PROGRAM_FOLDER = "services"
LIBRARY_FOLDER = "lib"
INTERPRETER_FOLDER = "lib/interp"
INTERPRETER = "lib/ld.so"
MODULE_FOLDER = "modules"
NEEDS_NOTE = b"Ambilink", 2  # owner and type
_Key = TypeVar("_Key")
FILE_REMEDY = "give the path of a file, from the manifest's folder"


@dataclass(frozen=True)
class Packed:
    image: Path
    kernel: Path
    kernel_data: bytes = field(repr=False)  # as it is in the image
    data: bytes = field(repr=False)
    archive: layout.Archive
    linked: int  # programs that were linked for `linker = "pack"`
    taken: int  # others, which are as they were linked last
    signing: str  # in words; empty: the image is for development

    @property
    def size(self) -> int:
        return len(self.data)


def _program(manifest: Manifest, root: Path, name: str) -> Path:
    """A service of the build folder by name, or any file by path, from the manifest's folder."""
    path = manifest.path.parent / name if "/" in name else root / PROGRAM_FOLDER / name
    if not path.is_file():
        remedy = f"{near_file(path)}declare it with Service('{name}', ...)"
        if "/" in name:
            remedy = f"{near_file(path)}give its path from the manifest's folder"
        raise manifest.refuse("program", name, f"unknown service {name}: {path} is not there", remedy)
    return path


def near_file(path: Path) -> str:
    """What may have been meant: a file that lies there under a name like it."""
    try:
        return near([each.name for each in path.parent.iterdir() if each.suffix != ".debug"], path.name)
    except OSError:
        return ""


def _add_libraries(
    root: Path, contents: dict[str, tuple[FileKind, bytes]], programs: list[Path], manifest: Manifest
) -> None:
    """What the programs and the libraries that the manifest names need, breadth first; filtees, too."""
    waiting: list[tuple[object, str, bool]] = []

    def need(path: Path) -> None:
        info = inspect(path)
        waiting.extend([*((path, name, True) for name in info.needed), *((path, *each) for each in info.filtees)])

    for program in programs:
        need(program)
    waiting += [(manifest.place("library", name), name, True) for name in manifest.libraries]
    for service in manifest.services:
        for number, name in enumerate(service.preload):
            waiting.append((service.places["preload", number], name, True))
    while waiting:
        needer, soname, required = waiting.pop(0)
        name = f"{LIBRARY_FOLDER}/{soname}"
        if name in contents:
            continue
        path = root / LIBRARY_FOLDER / soname
        if not path.is_file():
            if not required:
                continue
            remedy = f"{near_file(path)}build the library as a shared object"
            raise AmbilinkError(needer, f"needs {soname}, and {path} is not there", remedy)
        contents[name] = (FileKind.LIBRARY, shipped(path))
        need(path)


def program_name(program: str) -> str:
    """In the image."""
    return f"{PROGRAM_FOLDER}/{program.rsplit('/', 1)[-1]}"


def _add_modules(root: Path, contents: dict[str, tuple[FileKind, bytes]], manifest: Manifest) -> None:
    """The kernel's modules in their order, and what the kernel exports to them."""
    for name in manifest.modules:
        path = root / MODULE_FOLDER / f"{name}.so"
        if not path.is_file():
            remedy = f"{near_file(path)}declare it with KernelModule('{name}', ...)"
            raise manifest.refuse("module", name, f"unknown module {name}: {path} is not there", remedy)
        contents[f"{MODULE_FOLDER}/{name}.so"] = (FileKind.MODULE, shipped(path))
    if manifest.modules:
        exports = root / MODULE_FOLDER / f"{Path(manifest.kernel).name}.so"
        if not exports.is_file():
            rule = f"lists modules, and {exports} is not there"
            raise manifest.refuse("module", manifest.modules[0], rule, "declare the kernel with abi=...")
        contents[f"{MODULE_FOLDER}/kernel.so"] = (FileKind.DATA, read_regular(exports))


def _add_interpreters(
    root: Path, contents: dict[str, tuple[FileKind, bytes]], manifest: Manifest, programs: Mapping[str, Path]
) -> None:
    """What PT_INTERP of programs names that are linked by it. `interpreter` of the manifest lies there instead; if it
    is a library too, its plain form gives way to it."""
    for service in manifest.services:
        if service.linker is not Linker.INTERP:
            continue
        path = programs[service.program]
        info = inspect(path)
        interpreter = info.interpreter
        if not info.needed:
            continue
        if interpreter is None:
            raise AmbilinkError(service.place, f"{path} has no PT_INTERP", f"give {service.name} another linker")
        name = interpreter.lstrip("/")
        if service.calls is not Calls.AMBILINK:
            if name not in contents:
                raise AmbilinkError(
                    service.place,
                    f"{path} asks for the interpreter {interpreter}, which is not in the image",
                    f"give files.{name}",
                )
            continue
        if manifest.interpreter is None and name != INTERPRETER:
            raise AmbilinkError(
                service.place,
                f"{path} asks for the interpreter {interpreter}, and this image's is /{INTERPRETER}",
                f"link it for that one, name another in image.interpreter, or give {service.name} another linker",
            )
        if manifest.interpreter is None:
            source = root / name
        else:
            source = root / INTERPRETER_FOLDER / manifest.interpreter
        if not source.is_file():
            raise AmbilinkError(
                manifest.place("interpreter") if manifest.interpreter else service.place,
                f"{service.name} asks for the interpreter {interpreter}, and {source} is not there",
                f"{near_file(source)}declare it with Interpreter",
            )
        data = shipped(source)
        library = f"{LIBRARY_FOLDER}/{inspect(source).soname}"
        if library in contents:
            contents[library] = (FileKind.LIBRARY, data)
        contents[name] = (FileKind.INTERPRETER, data)


def _prelink(manifest: Manifest, contents: dict[str, tuple[FileKind, bytes]], store: Store) -> set[str]:
    """Add what the image needs to start programs without linking; the names of its files. A static program needs no
    linker, and is left to the loader."""
    names = [_to_link(service) for service in manifest.services if service.linker is Linker.PACK]
    programs = [
        each
        for each in dict.fromkeys(names)
        if Module(each[0], manifest.path.parent / each[0], contents[each[0]][1]).needed_names
    ]
    if not programs:
        return set()
    seed = prelink.default_seed(manifest.path.read_bytes()) if manifest.seed is None else manifest.seed
    contents |= prelink.prelink(manifest.path, contents, programs, seed, store)
    return {prelink.packed_name(each) for each in programs}


def _to_link(service: ManifestService) -> prelink.Program:
    return program_name(service.program), service.preload


def _linked_by(service: ManifestService, program: Path, packed: set[str]) -> tuple[str | None, Linker]:
    """The file that says how to start it, and who links it. A static program is left to the loader service."""
    if service.calls is Calls.LINUX:
        return None, Linker.INTERP  # the kernel places it with the layer, static or not
    if service.linker is Linker.INTERP and not inspect(program).needed:
        return None, Linker.LOADER
    if service.linker is not Linker.PACK:
        return None, service.linker
    file = prelink.packed_name(_to_link(service))
    return (file, Linker.PACK) if file in packed else (None, Linker.LOADER)


def _check_grants(service: ManifestService, program: Path) -> None:
    """Of what a program cannot do without, by its note (<ambilink/needs.h>)."""
    for owner, kind, contents in ElfFile.open(program).notes():
        if (owner, kind) == NEEDS_NOTE and len(contents) == 4:
            missing = Grant(int.from_bytes(contents, "little") & ~service.grants)
            if missing:
                names = [name for name, grant in GRANTS.items() if grant in missing or grant in service.grants]
                wanted = " and ".join(repr(name) for name, grant in GRANTS.items() if grant in missing)
                raise AmbilinkError(
                    service.place,
                    f"service {service.name} is not granted {wanted}, without which its program cannot work",
                    f"write grants = {json.dumps(names)}",
                )


def _check_preload(service: ManifestService, program: Path) -> None:
    if service.preload and not inspect(program).needed:
        rule = f"service {service.name}.preload: its program is static, and has all that it needs in it"
        raise AmbilinkError(service.places["preload", 0], rule, "leave it out, or link the program dynamically")


def _check_opens(service: ManifestService, names: list[str]) -> None:
    """Each item means some file of the image."""
    for number, item in enumerate(service.opens):
        if not any(layout.is_listed((item,), name) for name in names):
            what = f"a folder {item[:-2]!r} with files" if item.endswith("/*") else f"a file {item!r}"
            remedy = near(names, item) or "give it in [files], or leave it out"
            raise AmbilinkError(
                service.places.get(("opens", number), service.place),
                f"service {service.name}.opens: the image has not {what}",
                remedy.rstrip(),
            )


def _state(root: Path) -> Path | None:
    """Where linked programs are kept, in a build folder that a build made."""
    state = root.parent / ".ambilink" / root.name
    return state / "linked" if state.is_dir() else None


def pack(manifest_path: Path, root: Path, image: Path) -> Packed:
    """Write the image that a manifest describes; `root` is the build folder with kernel, services/ and lib/."""
    packed = build(manifest_path, root, image)
    write(packed)
    return packed


def write(packed: Packed) -> None:
    write_output(packed.image, packed.data)


def build(manifest_path: Path, root: Path, image: Path) -> Packed:
    """The image's bytes; `image` is what messages call it."""
    manifest = read(manifest_path)
    programs = {name: _program(manifest, root, name) for name in manifest.programs}
    contents: dict[str, tuple[FileKind, bytes]] = {}
    # Programs with another system's calls bring their libraries, and stay as they are.
    foreign = {service.program for service in manifest.services if service.calls is not Calls.AMBILINK}
    for service in manifest.services:
        if service.program not in foreign:
            _check_grants(service, programs[service.program])
            _check_preload(service, programs[service.program])
    for name, path in programs.items():
        contents[program_name(name)] = (FileKind.PROGRAM, read_regular(path) if name in foreign else shipped(path))
    _add_libraries(root, contents, [path for name, path in programs.items() if name not in foreign], manifest)
    dynamic = [
        User(service.name, service.place, programs[service.program], service.preload)
        for service in manifest.services
        if service.program not in foreign
    ]
    check_undefined(manifest, dynamic, root / LIBRARY_FOLDER)
    bindings = bind_times(manifest, programs, root / LIBRARY_FOLDER)
    for name, source in manifest.files.items():
        try:
            data = read_regular(source)
        except AmbilinkError as error:
            remedy = f"{near_file(source)}{error.remedy or FILE_REMEDY}"
            raise manifest.refuse("file", name, f"files.{name}: {error.where} {error.rule}", remedy) from error
        if name in contents:
            raise manifest.refuse("file", name, f"files.{name} is a library that programs need", "leave it out")
        contents[name] = (FileKind.LIBRARY if name.startswith(f"{LIBRARY_FOLDER}/") else FileKind.DATA, data)
    if foreign:
        linux.add(root, contents, manifest, programs)
    _add_interpreters(root, contents, manifest, programs)
    _add_modules(root, contents, manifest)
    store = Store(_state(root))
    packed = _prelink(manifest, contents, store)
    loader_linker = Linker.KERNEL if inspect(programs[manifest.loader]).needed else Linker.LOADER
    services = [
        ArchiveService(
            service.name,
            program_name(service.program),
            service.role,
            service.grants,
            service.stack_size,
            service.arguments,
            service.environment,
            *_linked_by(service, programs[service.program], packed),
            service.calls,
            service.memory,
            service.kernel_memory,
            service.priority,
            registers=service.registers,
            starts=service.starts,
            opens=linux.opens(service, contents),
            preload=service.preload,
            binding=bindings[service.name],
        )
        for service in manifest.services
    ]
    for service in manifest.services:
        _check_opens(service, list(contents))
    data = layout.build(contents, services, program_name(manifest.loader), loader_linker)
    kernel = root / manifest.kernel
    whole = container.build(kernel, data, layout.parse(data, image))
    kernel_data, words = read_regular(kernel), ""
    if manifest.signing is not None:
        whole, kernel_data, words = _sign(manifest, manifest.signing, container.parse(image, whole), kernel)
    archive = container.parse(image, whole).archive
    return Packed(image, kernel, kernel_data, whole, archive, store.linked, store.taken, words)


def _read_key(manifest: Manifest, key: str, path: Path | None, read_key: Callable[[Path], _Key]) -> _Key | None:
    try:
        return read_key(path) if path else None
    except AmbilinkError as error:
        raise manifest.refuse(key, "", f"{key}: {error.where} {error.rule}", error.remedy) from error


def _keys(manifest: Manifest, wanted: signing.Signing) -> tuple[PrivateKey | None, bytes]:
    """The private key, if it is here, and the public one."""
    private = _read_key(manifest, "sign", wanted.private, read_private)
    public = _read_key(manifest, "key", wanted.public, read_public)
    if public is None:
        assert private, "the manifest names one of both"
        return private, private.public
    if private and private.public != public:
        rule = f"key: {wanted.public} is key {key_name(public)}, and {private.path} is key {key_name(private.public)}"
        raise manifest.refuse("key", "", rule, "leave out image.key, or name its own private key for image.sign")
    return private, public


def _sign(
    manifest: Manifest, wanted: signing.Signing, image: container.ImageFile, kernel: Path
) -> tuple[bytes, bytes, str]:
    """The image with digests that can be signed, and signed if the private key is here; its kernel; what was done."""
    private, public = _keys(manifest, wanted)
    trust = Trust(public, wanted.least_release)
    kernel_data = signing.with_trust(kernel, read_regular(kernel), trust)
    prepared = signing.prepare(image, trust, wanted.release)
    made = signing.sign(prepared, private) if private else prepared.data
    return made, kernel_data, signing.described(container.parse(image.path, made))

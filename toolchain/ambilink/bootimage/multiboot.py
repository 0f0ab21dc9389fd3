"""Packing for a kernel that boots by Multiboot: of a manifest and a build folder a PVH wrapper and GRUB's folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ambilink.bootimage.grub import GrubTree, grub_tree
from ambilink.bootimage.multiboot_info import Module
from ambilink.bootimage.multiboot_manifest import MultibootManifest, expand, read
from ambilink.bootimage.pack import FILE_REMEDY, near_file
from ambilink.bootimage.pvh_wrapper import wrap
from ambilink.bootimage.shipped import shipped
from ambilink.compile.profile import Profile
from ambilink.elf.inspect import inspect
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular

ARCHIVE = "archive"


@dataclass(frozen=True)
class MultibootImage:
    wrapper: bytes
    tree: GrubTree
    modules: list[Module]


def build(manifest_path: Path, root: Path, profile: Profile) -> MultibootImage:
    """`root` is the build folder. Programs and libraries are stripped unless the profile keeps section headers."""
    manifest = read(manifest_path)
    kernel = root / manifest.kernel
    modules = list(_Modules(manifest, root, profile).all())
    wrapper = wrap(kernel, manifest.version, manifest.command_line, modules)
    first = Module(manifest.kernel, read_regular(kernel), manifest.command_line)
    return MultibootImage(wrapper, grub_tree(manifest_path.stem, manifest.version, first, modules), modules)


class _Modules:
    def __init__(self, manifest: MultibootManifest, root: Path, profile: Profile) -> None:
        self.manifest, self.root, self.profile = manifest, root, profile

    def all(self) -> Iterator[Module]:
        needed = list(self._needed())
        for module in self.manifest.modules:
            if module.needed:
                yield from needed
            elif module.program:
                path = self._program(module.program)
                yield Module(f"{self.profile.places.programs}/{path.name}", self._contents(path), module.command_line)
            else:
                assert module.file is not None
                yield Module(module.file.name, self._file(module.place, module.file), module.command_line)
        if not any(module.needed for module in self.manifest.modules):
            yield from needed

    def _program(self, name: str) -> Path:
        path = self.root / self.profile.places.programs / f"{name}{self.profile.places.program_suffix}"
        if not path.is_file():
            raise AmbilinkError(
                self.manifest.place("program", name),
                f"unknown program {name}: {path} is not there",
                f"{near_file(path)}declare it with Service('{name}', ...)",
            )
        return path

    @staticmethod
    def _file(place: str, path: Path) -> bytes:
        try:
            return read_regular(path)
        except AmbilinkError as error:
            remedy = f"{near_file(path)}{error.remedy or FILE_REMEDY}"
            raise AmbilinkError(place, f"module {path.name}: {error.where} {error.rule}", remedy) from error

    def _contents(self, path: Path) -> bytes:
        return read_regular(path) if self.profile.format.section_headers else shipped(path)

    def _needed(self) -> Iterator[Module]:
        """The DT_NEEDED closure of the programs and of the libraries that the manifest names, breadth first."""
        programs = [self._program(name) for name in self.manifest.programs]
        waiting: list[tuple[object, str]] = [
            (program, name) for program in programs for name in inspect(program).needed
        ]
        waiting += [(self.manifest.place("library", name), name) for name in self.manifest.libraries]
        folder = self.profile.places.libraries
        seen: set[str] = set()
        while waiting:
            needer, soname = waiting.pop(0)
            if soname in seen:
                continue
            seen.add(soname)
            if "/" in soname:
                raise AmbilinkError(needer, f"needs {soname!r}, which is no file name", "give it a soname without /")
            path = self.root / folder / soname
            if not path.is_file():
                remedy = f"{near_file(path)}build the library as a shared object"
                raise AmbilinkError(needer, f"needs {soname}, and {path} is not there", remedy)
            text = expand(self.manifest.library_command_line, soname, folder)
            yield Module(f"{folder}/{soname}", self._contents(path), text)
            waiting += [(path, other) for other in inspect(path).needed]


def kernel_and_archive(title: str, name: str, kernel: bytes, archive: bytes) -> GrubTree:
    """This project's image for GRUB: the archive is a module, so it lies wherever the machine has room for it."""
    first = Module(name, kernel, "")
    return grub_tree(title, 2, first, [Module(ARCHIVE, archive, ARCHIVE)])

"""Boot image: programs, the closure of their libraries, interpreters and modules follow from its manifest."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ambilink.bootimage import linux, multiboot_manifest
from ambilink.bootimage.layout import Calls, Linker
from ambilink.bootimage.manifest import Manifest, read
from ambilink.bootimage.multiboot_manifest import AMBILINK, MultibootManifest, format_of
from ambilink.bootimage.pack import FILE_REMEDY, near_file
from ambilink.compile.profile import DEFAULT_PROFILE, Places
from ambilink.errors import AmbilinkError, known
from ambilink.files import as_argument
from ambilink.scons.api import Builder, Environment, Node, Nodes, UserError
from ambilink.scons.context import Context, context_of
from ambilink.scons.location import SourceLocation
from ambilink.scons.steps import CommandStep, watched
from ambilink.scons.units import Kernel, Library, Program

PACKING = ("bootimage", "elf", "link", "core", "compile", "toml_file.py")  # what packs, of the package `ambilink`


@dataclass(frozen=True)
class ImageOf:
    """What is packed: the image of a manifest, as it is when it is needed."""

    context: Context
    manifest_node: Node
    location: SourceLocation

    def manifest(self) -> Manifest | MultibootManifest:
        path = Path(self.manifest_node.path)
        try:
            return read(path) if format_of(path) == AMBILINK else multiboot_manifest.read(path)
        except AmbilinkError as error:
            raise UserError(f"{error} [{self.location}]") from error

    def _unknown(self, place: str, what: str, name: str, names: Sequence[str]) -> UserError:
        return UserError(f"{place}: unknown {what} {name!r} (image declared at {self.location}); {known(names, name)}")

    def programs(self) -> list[Program]:
        """The kernel and every program that the manifest names."""
        manifest, declared = self.manifest(), self.context.programs
        found = []
        for name in [manifest.kernel, *(name for name in manifest.programs if "/" not in name)]:
            program = declared.get(name)
            is_kernel = name == manifest.kernel
            if program is None:
                names = [name for name, each in declared.items() if isinstance(each, Kernel) is is_kernel]
                place = manifest.place("kernel" if is_kernel else "program", "" if is_kernel else name)
                raise self._unknown(place, "kernel" if is_kernel else "service", name, names)
            found.append(program)
        return found

    def _file(self, place: str, file: Path) -> Node:
        """A file of the manifest, which lies there or is built."""
        env = self.context.env
        try:
            node: Node = env.File(str(file), env.Dir("#"))
        except TypeError as error:  # SCons knows a folder of that name
            raise UserError(
                f"{place}: {file} is a folder (image declared at {self.location}); name its files one by one"
            ) from error
        found = Path(node.rfile().abspath)
        if node.has_builder() or found.is_file():
            return node
        rule = "is a folder" if found.is_dir() else "is no file" if found.exists() else "is not there"
        remedy = "name its files one by one" if found.is_dir() else f"{near_file(found)}{FILE_REMEDY}"
        raise UserError(f"{place}: {file} {rule} (image declared at {self.location}); {remedy}")

    def inputs(self) -> list[Node]:
        context, manifest = self.context, self.manifest()
        env = context.env
        nodes = [*context.code(*PACKING), *(self._file(place, file) for place, file in _files(manifest))]
        for program in self.programs():
            nodes += _made(program.node)
            if program.linkage == "dynamic":
                nodes += _shared(context.closure(program))
        if isinstance(manifest, Manifest):
            self._refuse_other_places()
            nodes += [*self._interpreters(manifest), *self._linux(manifest), *self._modules(manifest)]
        else:
            nodes += [env.File(file) for file in context.toolset.profile.files]
        libraries = {each.soname: each for each in context.libraries.values() if each.shared is not None}
        for name in manifest.libraries:
            if name not in libraries:
                raise self._unknown(manifest.place("library", name), "library", name, list(libraries))
            nodes += _shared([libraries[name], *context.closure(libraries[name])])
        return list(dict.fromkeys(nodes))

    def _refuse_other_places(self) -> None:
        """Packing our own images, and the system in them, knows outputs by ours."""
        profile, usual = self.context.toolset.profile, Places()
        for name in ("libraries", "programs", "modules", "shared_suffix", "program_suffix"):
            value = getattr(profile.places, name)
            if value != getattr(usual, name):
                raise UserError(
                    f"{self.location}: the image of {self.manifest_node.path} is of Ambilink's own format, and profile "
                    f"{profile.name} has {value!r} for places.{name.replace('_', '-')}; leave it out there, or choose "
                    "another format in the manifest"
                )

    def _modules(self, manifest: Manifest) -> list[Node]:
        found: list[Node] = []
        for name in manifest.modules:
            module = self.context.modules.get(name)
            if module is None or module.kernel is None:
                raise self._unknown(manifest.place("module", name), "module", name, list(self.context.modules))
            found += _made(module.node, module.kernel.exports)
        return found

    def _linux(self, manifest: Manifest) -> list[Node]:
        """What programs of Linux need: the layer, and the files of their sysroots, as far as they are there now."""
        layer = self.context.interpreters.get(linux.LAYER.removeprefix("lib/"))
        services = [service for service in manifest.services if service.calls is Calls.LINUX]
        found = [*_made(layer.node if layer else None)] if services else []
        for service in services:
            program = manifest.path.parent / service.program
            if service.sysroot is None or not program.is_file():
                continue
            try:
                found += [self.context.env.File(str(path)) for _, _, path in linux.needed(service, program)]
            except AmbilinkError as error:
                raise UserError(f"{error} [{self.location}]") from error
        return found

    def _interpreters(self, manifest: Manifest) -> list[Node]:
        """What the programs ask for that an interpreter links."""
        found: list[Node] = []
        for service in manifest.services:
            program = self.context.programs.get(service.program)
            if service.linker is not Linker.INTERP or program is None or program.interpreter is None:
                continue
            path = program.interpreter.removeprefix("/lib/")
            form = self.context.interpreters.get(f"interp/{manifest.interpreter}" if manifest.interpreter else path)
            found += _made(form.node if form else None)
        return found


def _files(manifest: Manifest | MultibootManifest) -> list[tuple[str, Path]]:
    """The files that are taken as they are, each with its place in the manifest."""
    if not isinstance(manifest, Manifest):
        return [(module.place, module.file) for module in manifest.modules if module.file]
    files = [(manifest.place("file", name), file) for name, file in manifest.files.items()]
    if manifest.signing is not None:
        keys = {"sign": manifest.signing.private, "key": manifest.signing.public}
        files += [(manifest.place(key), file) for key, file in keys.items() if file]
    programs = [name for name in manifest.programs if "/" in name]
    return files + [(manifest.place("program", name), manifest.path.parent / name) for name in programs]


def _made(*nodes: Node | None) -> list[Node]:
    return [node for node in nodes if node is not None]


def _shared(libraries: Sequence[Library]) -> list[Node]:
    """Shared objects, and the checks of those that must keep an ABI."""
    return [node for library in libraries for node in _made(library.shared, library.checked)]


def _words(target: Nodes, source: Nodes, env: Environment) -> list[str]:
    line = [sys.executable, "-m", "ambilink", "image", "pack", as_argument(str(source[0]))]
    context = context_of(env)
    line += ["--root", as_argument(str(context.build)), "--output", as_argument(str(target[0]))]
    if context.toolset.profile.name != DEFAULT_PROFILE:
        line += ["--profile", as_argument(context.toolset.profile.files[0])]
    return [*line, *env["AMBILINK_IMAGE_MORE"]]


def _scan(node: Node, env: Environment) -> Sequence[Node]:
    image: ImageOf = env["AMBILINK_IMAGE"]
    return image.inputs()


@cache
def image_builder() -> Any:
    return Builder(action=CommandStep(_words, "PACK").action(), target_scanner=watched(_scan))

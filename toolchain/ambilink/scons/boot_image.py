# mypy: ignore-errors
"""BootImage: the image that a manifest describes.

    BootImage(target, manifest)

The manifest (toolchain/ambilink/bootimage/manifest.py) lists services and files; programs, the closure of
their libraries and the kernel follow from it and become dependencies.
"""

import sys
from pathlib import Path

from ambilink.scons.context import find_location
from ambilink.scons.steps import CommandStep, watched
from SCons.Builder import Builder
from SCons.Errors import UserError

from ambilink.bootimage.layout import Linker
from ambilink.bootimage.manifest import read
from ambilink.errors import AmbilinkError

PACKING = ("bootimage", "elf", "link", "toml_file.py")  # what packs, of the package `ambilink`


def _scan(node, env):
    return _dependencies(env, env["AMBILINK_MANIFEST"], env["AMBILINK_LOCATION"])


def _read(manifest):
    try:
        return read(Path(manifest.path))
    except AmbilinkError as error:
        raise UserError(str(error)) from error


def _programs(context, manifest, location):
    """The kernel and every program that a manifest names."""
    found = []
    for name in [manifest.kernel, *(name for name in manifest.programs if "/" not in name)]:
        program = context.programs.get(name)
        if program is None:
            known = ", ".join(sorted(name for name, p in context.programs.items() if p.kind == "service"))
            raise UserError(f"{manifest.path}: unknown service {name!r} (image declared at {location}); known: {known}")
        found.append(program)
    return found


def _modules(context, manifest, location):
    found = []
    for name in manifest.modules:
        if name not in context.modules:
            known = ", ".join(sorted(context.modules)) or "none"
            raise UserError(f"{manifest.path}: unknown module {name!r} (image declared at {location}); known: {known}")
        found += [context.modules[name].node, context.modules[name].kernel.exports]
    return found


def _interpreters(context, manifest):
    """What the programs ask for that an interpreter links."""
    found = []
    for service in manifest.services:
        program = context.programs.get(service.program)
        if service.linker is not Linker.INTERP or program is None or program.interpreter is None:
            continue
        path = program.interpreter.removeprefix("/lib/")
        form = context.interpreters.get(f"interp/{manifest.interpreter}" if manifest.interpreter else path)
        if form is not None:
            found.append(form.node)
    return found


def _dependencies(env, manifest, location):
    context, manifest = env["AMBILINK"], _read(manifest)
    nodes = [*context.code(*PACKING), *(env.File(str(file), env.Dir("#")) for file in manifest.files.values())]
    for program in _programs(context, manifest, location):
        nodes.append(program.node)
        if program.kind == "service" and program.linkage == "dynamic":
            nodes += _shared(context.closure(program))
    nodes += _interpreters(context, manifest)
    nodes += _modules(context, manifest, location)
    for name in manifest.libraries:
        library = next((each for each in context.libraries.values() if each.shared and each.shared.name == name), None)
        if library is None:
            raise UserError(f"{manifest.path}: unknown library {name!r} (image declared at {location}); declare it")
        nodes += _shared([library, *context.closure(library)])
    return list(dict.fromkeys(nodes))


def _shared(libraries):
    """Shared objects, and the checks of those that must keep an ABI."""
    return [node for library in libraries for node in (library.shared, library.checked) if node is not None]


def _pack_words(source, target, env):
    root = env["AMBILINK"].build
    line = [sys.executable, "-m", "ambilink", "image", "pack", str(source[0])]
    return [*line, "--root", str(root), "--output", str(target[0])]


def _boot_image(env, target, manifest):
    context = env["AMBILINK"]
    manifest = env.File(manifest).srcnode()
    location = find_location(env)
    nodes = env.AmbilinkPack(context.file(env, target), manifest, AMBILINK_MANIFEST=manifest, AMBILINK_LOCATION=location)
    context.images.append(lambda: _programs(context, _read(manifest), location))
    context.depends_late(nodes[0], lambda: _dependencies(env, manifest, location))
    return nodes


def add_builders(env):
    step = CommandStep(_pack_words, "PACK")
    env["BUILDERS"]["AmbilinkPack"] = Builder(action=step.action(), target_scanner=watched(_scan))
    env.AddMethod(_boot_image, "BootImage")

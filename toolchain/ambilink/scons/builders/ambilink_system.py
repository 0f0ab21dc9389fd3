"""AmbilinkSystem."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ambilink.errors import known
from ambilink.scons.api import Environment, Node, UserError, all_files
from ambilink.scons.arguments import Texts
from ambilink.scons.builder import Call, builder
from ambilink.scons.context import Context
from ambilink.scons.units import Interpreter, KernelModule, Library, Program
from ambilink.scons.variables import VARIABLES
from ambilink.sources import FLAGS, covers, part_names


@dataclass(frozen=True)
class System:
    """The record that AmbilinkSystem returns: what was declared, by name."""

    libraries: Mapping[str, Library]
    programs: Mapping[str, Program]  # services, and the kernel
    modules: Mapping[str, KernelModule]
    interpreters: Mapping[str, Interpreter]


@builder("AmbilinkSystem")
def ambilink_system(call: Call, parts: Texts = ("libs", "services", "boot"), flags: Texts = ()) -> System:
    """Libraries, services and the kernel of Ambilink's own system, from the sources that this package brings.

    Declares what the SConscripts of those sources declare. Outputs go to the build folder; nothing is written beside
    the sources, whose folder is the construction variable `$AMBILINK_SYSTEM`. Of what is declared only that is built
    which a target needs: a library that is named in LIBS, a service that a manifest names. All is compiled with flags
    of its own, not with those of the environment. Your own services are declared after it: `libs/sys` declares the
    program start.

    Returns a record with the mappings `.libraries`, `.programs`, `.modules` and `.interpreters`, from names to what
    `DualLibrary`, `Service`, `Kernel`, `KernelModule` and `Interpreter` return.

    parts: folders of the sources: `libs`, `services`, `boot` (kernel and modules), or one below, as `libs/rtld`.
        `libs/ports`, third-party libraries that are fetched (libs/ports/README.md), is declared by its own name alone.
    flags: for the compiler, beside its own.
    """
    context, folder = call.context, Path(call.env["AMBILINK_SYSTEM"])
    parts = _without_covered(call, folder, parts)
    env = call.env.Clone(AMBILINK_FLAGS=[*FLAGS, *flags])
    for name in set(VARIABLES) - {"NASM"}:
        env[name] = []
    before, built = _declared(context), set(_built(env))
    for part in parts:
        _read(call, env, folder, part)
    for node in set(_built(env)) - built:  # it is no target by lying in the build folder
        env.Ignore(node.dir, node)
    libraries, programs, modules, interpreters = (
        {name: unit for name, unit in now.items() if name not in then}
        for now, then in zip(_declared(context), before, strict=True)
    )
    return System(libraries, programs, modules, interpreters)  # type: ignore[arg-type]


def _without_covered(call: Call, folder: Path, parts: Texts) -> list[str]:
    """Each part once, without those that another of them has in it."""
    names = part_names(folder)
    parts = [part.rstrip("/") for part in parts]
    for part in parts:
        if part not in names:
            raise UserError(f"{call.location}: AmbilinkSystem: there is no part {part!r}; {known(names, part)}")
    return [part for part in dict.fromkeys(parts) if not any(covers(each, part) for each in parts if each != part)]


def _declared(context: Context) -> list[dict[str, object]]:
    return [dict(each) for each in (context.libraries, context.programs, context.modules, context.interpreters)]


def _built(env: Environment) -> Iterator[Node]:
    return (node for node in all_files(env) if node.has_builder())


def _read(call: Call, env: Environment, folder: Path, part: str) -> None:
    """Once, whatever asks for it."""
    read = call.context.parts
    if any(covers(each, part) for each in read):
        return
    inside = [each for each in read if covers(part, each)]
    if inside:
        raise UserError(
            f"{call.location}: AmbilinkSystem: {part!r} has {inside[0]!r} in it, which was declared before; "
            "declare the whole first, or the others by name"
        )
    read.append(part)
    env.SConscript(str(folder / part / "SConscript"), exports={"env": env})

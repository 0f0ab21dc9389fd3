# mypy: ignore-errors
"""The kernel, and modules that it links at boot.

    Kernel(name, sources, script, abi=None, includes=[...], flags=[...], system_includes=[...])
                            <name> in the build folder, linked by a linker script. abi="kernel.abi": the text of what
                            it offers to modules; modules/<soname> then holds those symbols with their addresses
    KernelModule(name, sources, kernel="kernel", needs=[...], includes=[...], flags=[...])
                            modules/<name>.so; `needs`: modules that must be loaded before, by name
"""

from pathlib import Path

from ambilink.scons.compiling import compile_all, dirs
from ambilink.scons.context import Kernel, KernelModule, find_location
from ambilink.scons.linking import READER_CODE
from ambilink.scons.steps import FunctionStep, watched
from SCons.Builder import Builder
from SCons.Errors import UserError

from ambilink.elf.abi import load_abi
from ambilink.elf.check import OutputKind
from ambilink.elf.exports import exports
from ambilink.elf.stub import stub
from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically

CODE = (*READER_CODE, "elf/abi.py", "elf/stub.py", "elf/exports.py")


def _write_exports(target, source, env):
    kernel, abi = (Path(str(node)) for node in source)
    write_atomically(Path(str(target[0])), exports(kernel, abi, env["AMBILINK"].toolset.target.machine))


def _write_stub(target, source, env):
    abi = load_abi(Path(str(source[0])))
    write_atomically(Path(str(target[0])), stub(abi, env["AMBILINK"].toolset.target.machine))


def _machine(target, source, env):
    return env["AMBILINK"].toolset.target.machine


def _kept(abi, location):
    """Words that keep what only modules use."""
    try:
        return [word for symbol in load_abi(Path(abi.abspath)).symbols for word in ("-u", symbol.name)] if abi else []
    except AmbilinkError as error:
        raise UserError(f"{location}: {error}") from error


def _kernel(env, name, sources, script, abi=None, includes=(), system_includes=(), flags=()):
    context, location = env["AMBILINK"], find_location(env)
    kernel = Kernel(
        name,
        "kernel",
        location,
        includes=dirs(env, includes),
        system_includes=[str(folder) for folder in system_includes],
        flags=[*context.toolset.target.kernel_flags, *flags],
    )
    context.add_program(kernel)
    compile_all(env, kernel, env.Flatten([sources]), "kernel", ["-fno-pic"])
    script = env.File(script)
    abi = env.File(abi).srcnode() if abi is not None else None
    kernel.node, kernel.debug = env.AmbilinkProgramLink(
        context.file(env, name),
        [each.node for each in kernel.object_sets],
        AMBILINK_UNIT=kernel,
        AMBILINK_KIND=OutputKind.KERNEL,
        AMBILINK_LINK_FLAGS=["-T", script.srcnode().path, *_kept(abi, location)],
    )
    env.Depends(kernel.node, script)
    if abi is not None:
        env.Depends(kernel.node, abi)
        kernel.soname = f"{name}.so"
        (kernel.stub,) = env.AmbilinkKernelStub(context.file(env, "stub", "modules", kernel.soname), [abi])
        (kernel.exports,) = env.AmbilinkExports(context.file(env, "modules", kernel.soname), [kernel.node, abi])
    return kernel


def _kernel_module(env, name, sources, kernel="kernel", needs=(), includes=(), flags=()):
    context, location = env["AMBILINK"], find_location(env)
    owner = context.programs.get(kernel)
    if not isinstance(owner, Kernel) or owner.stub is None:
        raise UserError(f"{location}: module {name!r}: kernel={kernel!r} is no kernel with abi= that was declared before")
    module = KernelModule(
        name,
        "module",
        location,
        includes=[*dirs(env, includes), *owner.includes],
        system_includes=owner.system_includes,
        flags=[*context.toolset.target.module_flags, *flags],
        soname=f"{name}.so",
        kernel=owner,
        needs=list(needs),
    )
    context.add_module(module)
    compile_all(env, module, env.Flatten([sources]), "module", ["-fPIC"])
    module.node, module.debug = env.AmbilinkProgramLink(
        context.file(env, "modules", module.soname),
        [each.node for each in module.object_sets],
        AMBILINK_UNIT=module,
        AMBILINK_KIND=OutputKind.MODULE,
        AMBILINK_LINK_FLAGS=[],
    )
    context.depends_late(module.node, lambda: [node for _, node in module.inputs(context)])
    return module


def add_builders(env):
    builders = env["BUILDERS"]
    stub_step = FunctionStep(_write_stub, "STUB", _machine, CODE)
    exports_step = FunctionStep(_write_exports, "STUB", _machine, CODE)
    builders["AmbilinkKernelStub"] = Builder(action=stub_step.action(), target_scanner=watched())
    builders["AmbilinkExports"] = Builder(action=exports_step.action(), target_scanner=watched())
    env.AddMethod(_kernel, "Kernel")
    env.AddMethod(_kernel_module, "KernelModule")

"""KernelModule."""

from ambilink.compile.languages import NO_FLAGS, Flags
from ambilink.errors import known
from ambilink.scons.api import UserError
from ambilink.scons.arguments import CompileFlags, Defines, Folders, Name, Names, Sources
from ambilink.scons.booting import refuse_other_processors
from ambilink.scons.builder import Call, builder
from ambilink.scons.compiling import compile_all
from ambilink.scons.kinds.kernel_module import KERNEL_MODULE
from ambilink.scons.sources import refuse_none
from ambilink.scons.units import Kernel, KernelModule


@builder("KernelModule")
def kernel_module(
    call: Call,
    name: Name,
    sources: Sources,
    kernel: Name = "kernel",
    needs: Names = (),
    LIBS: Names = (),
    includes: Folders = (),
    defines: Defines = (),
    flags: CompileFlags = NO_FLAGS,
) -> KernelModule:
    """A part of the kernel that it links at boot.

    Makes `modules/<name>.so` and `modules/<name>.so.debug`.

    Returns a record with the nodes `.node`, `.debug`, and `.objects`, a list.

    name: of the module, without ".so".
    sources: C, C++ and assembly files.
    kernel: the kernel that it is for, declared before with `abi`.
    needs: modules that must be loaded before it, by name.
    LIBS: libraries that become a part of it, by name: those that have a variant "module", and those of headers alone.
    includes: folders of headers, searched before those of the kernel.
    defines: macros, beside those of the kernel.
    flags: for the compiler: of every language, or by language.
    """
    context = call.context
    refuse_other_processors(call, f"module {name!r}")
    refuse_none(sources, call.location, f"module {name!r}")
    owner = context.programs.get(kernel)
    if not isinstance(owner, Kernel) or owner.stub is None:
        kernels = [each.name for each in context.programs.values() if isinstance(each, Kernel) and each.stub]
        raise UserError(
            f"{call.location}: module {name!r}: kernel={kernel!r} is no kernel with abi= that was declared before; "
            f"{known(kernels, kernel)}"
        )
    module = KernelModule(
        name,
        call.location,
        call.variables,
        LIBS,
        includes=[*includes, *owner.includes],
        system_includes=owner.system_includes,
        defines=[*owner.defines, *defines],
        flags=Flags(context.toolset.target.module_flags) + flags,
        soname=f"{name}{call.context.places.shared_suffix}",
        kernel=owner,
        needs=needs,
    )
    context.add_module(module)
    compile_all(call.env, module, sources, "module", Flags(("-fPIC",)))
    module.node, module.debug = KERNEL_MODULE.make(call, module, [each.node for each in module.object_sets])
    return module

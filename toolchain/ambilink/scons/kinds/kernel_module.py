"""Kernel module: a shared object that the kernel links at boot, against itself and other modules."""

from collections.abc import Sequence

from ambilink.elf.check import OutputKind
from ambilink.scons.context import Context
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.units import KernelModule


def _flags(context: Context, module: KernelModule) -> Sequence[str]:
    return [*context.toolset.shared_library_flags, "-soname", module.soname, "-z", "defs"]


KERNEL_MODULE = linked(
    lambda context, module: f"{context.places.modules}/{module.soname}",
    Linking[KernelModule](
        OutputKind.MODULE,
        _flags,
        libraries=lambda context, module: context.module_inputs(module),
        soname=lambda module: module.soname,
        kernel=True,
    ),
)

"""Kernel module: a shared object that the kernel links at boot, against itself and other modules."""

from collections.abc import Sequence

from ambilink.elf.check import OutputKind
from ambilink.scons.context import Context
from ambilink.scons.kinds.archive_words import not_exported
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.units import KernelModule


def _flags(context: Context, module: KernelModule) -> Sequence[str]:
    flags = [*context.toolset.shared_library_flags, "-soname", module.soname, "-z", "defs"]
    return [*flags, *not_exported(context.archives(module))]


KERNEL_MODULE = linked(
    lambda context, module: f"{context.places.modules}/{module.soname}",
    Linking[KernelModule](
        OutputKind.MODULE,
        _flags,
        archives=lambda context, module: context.archives(module),
        libraries=lambda context, module: context.module_inputs(module),
        soname=lambda module: module.soname,
        kernel=True,
        whole_archives=True,
    ),
)

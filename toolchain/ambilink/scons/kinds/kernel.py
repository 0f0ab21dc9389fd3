"""Kernel: linked by a linker script. What it offers to modules is a stub that they are linked against, and an image of
its symbols with their addresses, by which they are linked at boot."""

from collections.abc import Sequence
from pathlib import Path

from ambilink.elf.abi import load_abi
from ambilink.elf.check import OutputKind
from ambilink.elf.exports import exports
from ambilink.files import as_argument, write_atomically
from ambilink.scons.api import Environment, Node, Nodes, placed
from ambilink.scons.context import Context, context_of
from ambilink.scons.kinds.kind import ELF_CODE, Kind
from ambilink.scons.kinds.linked import Linking, linked
from ambilink.scons.kinds.stub import machine, target_stub
from ambilink.scons.steps import FunctionStep
from ambilink.scons.units import Kernel


def _flags(context: Context, kernel: Kernel) -> Sequence[str]:
    assert kernel.script is not None
    kept = [word for symbol in kernel.kept for word in ("-u", symbol)]
    position = context.toolset.independent_kernel_flags if kernel.independent else ()
    return [*context.toolset.kernel_link_flags, *position, "-T", as_argument(placed(kernel.script).path), *kept]


def _script(context: Context, kernel: Kernel) -> Sequence[Node]:
    assert kernel.script is not None
    return [kernel.script]


KERNEL = linked(
    lambda context, kernel: kernel.name,
    Linking[Kernel](
        OutputKind.KERNEL,
        _flags,
        archives=lambda context, kernel: context.archives(kernel),
        files=_script,
        kernel=True,
        keep_symbols=True,
    ),
)


def _write_stub(target: Nodes, source: Nodes, env: Environment) -> None:
    write_atomically(Path(str(target[0])), target_stub(load_abi(Path(str(source[0]))), env))


def _write_exports(target: Nodes, source: Nodes, env: Environment) -> None:
    kernel, abi = (Path(str(node)) for node in source)
    of = context_of(env).toolset.target
    write_atomically(Path(str(target[0])), exports(kernel, abi, of.machine, of.elf_flags))


KERNEL_STUB = Kind[Kernel](
    path=lambda context, kernel: f"stub/modules/{kernel.soname}",
    step=FunctionStep(_write_stub, "STUB", version=machine, code=ELF_CODE),
)
KERNEL_EXPORTS = Kind[Kernel](
    path=lambda context, kernel: f"{context.places.modules}/{kernel.soname}",
    step=FunctionStep(_write_exports, "STUB", version=machine, code=ELF_CODE),
)

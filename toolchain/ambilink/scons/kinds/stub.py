"""Stub: a shared object that holds a library's ABI and nothing else.

Users link against it, so a change of the library's body relinks none of them. It is written from the text that was
checked in, where there is one, else from what the shared object exports; for libraries that need each other, from what
each exports when it is linked by itself.
"""

from dataclasses import replace
from pathlib import Path

from ambilink.elf.abi import Abi, load_abi
from ambilink.elf.stub import stub
from ambilink.files import write_atomically
from ambilink.scons.api import Environment, Node, Nodes
from ambilink.scons.context import Context, context_of
from ambilink.scons.kinds.kind import ELF_CODE, Kind, unit_of
from ambilink.scons.steps import FunctionStep
from ambilink.scons.units import Library


def _text(context: Context, library: Library) -> Node:
    node = library.golden or (library.preliminary if context.in_cycle(library) else library.abi)
    assert node is not None
    return node


def _write(target: Nodes, source: Nodes, env: Environment) -> None:
    library, context = unit_of(env), context_of(env)
    text = _text(context, library)
    abi = load_abi(Path(str(text)))
    if text is library.preliminary:
        abi = replace(abi, needed=context.needed_sonames(library))
    write_atomically(Path(str(target[0])), target_stub(abi, env))


def target_stub(abi: Abi, env: Environment) -> bytes:
    target = context_of(env).toolset.target
    return stub(abi, target.machine, flags=target.elf_flags)


def machine(env: Environment) -> str:
    """What a stub has of the target."""
    target = context_of(env).toolset.target
    return f"{target.machine} {target.elf_flags}"


def _version(env: Environment) -> str:
    """What a stub has of the declarations, beside its text."""
    library, context = unit_of(env), context_of(env)
    needed = context.needed_sonames(library) if _text(context, library) is library.preliminary else ()
    return f"{machine(env)} {' '.join(needed)}"


STUB = Kind[Library](
    path=lambda context, library: f"stub/{library.soname}",
    step=FunctionStep(_write, "STUB", version=_version, code=ELF_CODE),
    inputs=lambda context, library: [_text(context, library)],
)

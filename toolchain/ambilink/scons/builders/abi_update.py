"""AbiUpdate."""

from pathlib import Path

from ambilink.files import write_atomically
from ambilink.scons.api import Environment, Node, Nodes, make_action
from ambilink.scons.arguments import Name
from ambilink.scons.builder import Call, builder
from ambilink.scons.context import context_of


@builder("AbiUpdate")
def abi_update(call: Call, name: Name) -> list[Node]:
    """An alias that writes the ABI text of every library that has one checked in. Call it after they were declared.

    Returns a list of one node.

    name: what to say: `scons <name>`.
    """
    call.context.abi_updates.append(name)
    texts = [each.abi for each in call.context.libraries.values() if each.golden is not None]
    return call.env.AlwaysBuild(call.env.Alias(name, texts, make_action(_write, None)))


def _write(target: Nodes, source: Nodes, env: Environment) -> int:
    context = context_of(env)
    for library in context.libraries.values():
        if library.golden is None or library.abi is None:
            continue
        golden, text = Path(library.golden.srcnode().path), Path(library.abi.path).read_bytes()
        if not golden.is_file() or golden.read_bytes() != text:
            write_atomically(golden, text)
            context.progress.say(f"  ABI   {golden}")
    return 0

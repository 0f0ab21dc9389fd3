"""The two implementations beside each other: what the core linked, and what the reference model computes for it."""

from ambilink.core.linker import Result
from ambilink.link.relocate import Link


def differences(result: Result, model: Link) -> list[str]:
    """In bindings, in what is left for IFUNC resolvers, in any byte of a writable segment; both link the same objects
    at the same addresses."""
    found = []
    names = {id(module): module.name for module in model.modules}
    if [binding.line(names) for binding in model.bindings] != [line.rsplit(" ", 1)[0] for line in result.bindings]:
        found.append("other bindings")
    if [(entry.place, entry.function, entry.addend) for entry in model.ifuncs] != result.pending_ifuncs:
        found.append("other pending IFUNCs, or in another order")
    for number, module in enumerate(model.modules):
        contents = {part.address: part.data for part in result.contents.get(number, [])}
        if contents != {start: memory[:] for start, memory in module.writable.items()}:
            found.append(f"other contents of {module.name}")
    return found

"""What a dynamic linker wrote, slot by slot, beside what the model computes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ambilink.elf.file import ElfFile
from ambilink.elf.psabi import PSABIS
from ambilink.link.closure import Find, load_closure
from ambilink.link.module import Module
from ambilink.link.relocate import Descriptors, Link, link, slots_of

from .debugger import AT_BASE, AT_ENTRY, AT_PHDR, Stopped


@dataclass
class Comparison:
    modules: list[Module]
    link: Link
    slots: int
    differences: list[str]
    types: set[str]  # names of the relocations that wrote them
    chosen: int = 0  # slots of IFUNCs whose resolvers' answers are known


def compare(
    process: Stopped,
    program: Path,
    interpreter: Path,
    find: Find,
    descriptor: Callable[[dict[str, Module]], int] = lambda modules: 0,
    resolved: Mapping[str, str] | None = None,
) -> Comparison:
    """At the program's entry. `descriptor` finds the function of TLS descriptors in static blocks; `resolved` has what
    each resolver of an IFUNC answers, as names of symbols in its object's debug file."""
    auxiliary = process.auxiliary()
    process.run_to(auxiliary[AT_ENTRY])
    modules = load_closure(program, find)
    first = modules[0]
    bias = auxiliary[AT_PHDR] - first.program_headers[0]
    assert first.debug_address, f"{program} has no DT_DEBUG"
    mapped = {Path(name).name: base for base, name in process.link_map(bias + first.debug_address)}
    mapped[interpreter.name] = auxiliary[AT_BASE]
    biases = {id(first): bias} | {id(each): mapped[each.path.name] for each in modules[1:]}
    for each in modules:
        each.bias = biases[id(each)]
    fixed = descriptor({each.path.name: each for each in modules})
    linked = link(modules, lambda module: biases[id(module)], Descriptors(fixed=fixed))
    answers = _answers(modules, resolved or {})
    found = Comparison(modules, linked, 0, [], set())
    for module in modules:
        kinds = {address: "RELR" for address in module.packed_relative()}
        kinds |= {offset: PSABIS[module.machine].kinds[number].name for offset, number, _, _ in module.relocations()}
        found.types |= set(kinds.values())
        for address, expected in slots_of(module):
            actual = process.read(module.bias + address, len(expected))
            found.slots += 1
            if actual != expected:
                found.differences.append(
                    f"{module.path.name} {address:#x} {kinds[address]}: {actual.hex()}, not {expected.hex()}"
                )
    for ifunc in linked.ifuncs:
        if ifunc.function not in answers:
            continue
        found.chosen += 1
        actual, expected = process.word(ifunc.place), answers[ifunc.function] + ifunc.addend
        if actual != expected:
            found.differences.append(f"IFUNC at {ifunc.place:#x}: {actual:#x}, not {expected:#x}")
    return found


def _answers(modules: list[Module], resolved: Mapping[str, str]) -> dict[int, int]:
    """Of resolvers, by address."""
    found = {}
    for module in modules:
        debug = module.path.with_name(f"{module.path.name}.debug")
        symbols = ElfFile.open(debug).addresses() if debug.exists() else {}
        for resolver, answer in resolved.items():
            if resolver in symbols:
                found[module.bias + symbols[resolver]] = module.bias + symbols[answer]
    return found

"""The order of constructors: needed objects first, as glibc's depth-first sort has it since 2.35."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from ambilink.link.module import Module

M = TypeVar("M")  # has `needed`, a list of others


def _needed(module: Any) -> Iterator[Any]:
    return iter(module.needed)


def dependency_order(modules: Sequence[M]) -> list[M]:
    """`modules` in the order of loading, the program first; the result in the order of starting."""
    program = modules[0]
    done: list[M] = []
    seen = {id(program)}

    def visit(root: M) -> None:
        stack = [(root, _needed(root))]
        seen.add(id(root))
        while stack:
            module, needed = stack[-1]
            following = next((other for other in needed if id(other) not in seen), None)
            if following is None:
                done.append(module)
                stack.pop()
            else:
                seen.add(id(following))
                stack.append((following, _needed(following)))

    for module in reversed(modules):
        if id(module) not in seen:
            visit(module)
    done.append(program)
    return done


def start_order(modules: Sequence[Module]) -> list[Module]:
    """The same, but for one that asks to start first (DF_1_INITFIRST)."""
    done = dependency_order(modules)
    first = [module for module in modules if module.initfirst][-1:]
    return first + [module for module in done if module not in first]

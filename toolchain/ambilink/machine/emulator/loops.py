"""What a CPU does that runs until the time is up: whether it goes round in a loop."""

from collections.abc import Callable

from ambilink.machine.model import Loop

STEPS_MAX = 512


def find_loop(step: Callable[[], int]) -> Loop | None:
    """`step` executes an instruction, and gives the address of the next. A loop comes by its first address again."""
    places = [step()]
    while len(places) <= STEPS_MAX:
        address = step()
        if address == places[0]:
            return Loop(min(places), max(places), len(places))
        places.append(address)
    return None

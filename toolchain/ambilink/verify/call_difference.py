"""The first system call in which two boots differ: each process' own calls are compared, in their order.

Addresses and instants differ without meaning where a seed or a time does, so they count as the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

from ambilink.verify.calls_seen import CallSeen

SMALL = 1 << 32  # addresses of processes, and instants by the wall, are not below
ERRORS = (1 << 64) - 4096
TELLS_TIME = "clock"


@dataclass(frozen=True)
class CallDifference:
    process: str
    number: int  # among those of the process, from 1
    calls: tuple[CallSeen | None, CallSeen | None]  # None: one boot has no more

    @property
    def instructions(self) -> int:
        return min(call.instructions for call in self.calls if call)


def first_call(one: Iterable[CallSeen], other: Iterable[CallSeen]) -> CallDifference | None:
    a, b = _by_process(one), _by_process(other)
    found = []
    for process in dict.fromkeys((*a, *b)):
        for number, calls in enumerate(zip_longest(a.get(process, []), b.get(process, [])), 1):
            if _meaning(calls[0]) != _meaning(calls[1]):
                found.append(CallDifference(process, number, calls))
                break
    return min(found, key=lambda each: each.instructions, default=None)


def _by_process(calls: Iterable[CallSeen]) -> dict[str, list[CallSeen]]:
    found: dict[str, list[CallSeen]] = {}
    for call in calls:
        found.setdefault(call.process, []).append(call)
    return found


def _meaning(call: CallSeen | None) -> object:
    if call is None:
        return None
    result = None if call.result is None or call.function == TELLS_TIME else _value(call.result)
    return call.function, [_value(each) for each in call.arguments], result


def _value(value: int) -> int | None:
    """None: an address."""
    return value if value < SMALL or value >= ERRORS else None

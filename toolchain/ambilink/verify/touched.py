"""What a guest accessed where nothing is: by which instruction, in which function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ambilink.machine.model import Touch
from ambilink.verify.stopped import Call, register_lines

LINES_MAX = 6  # of memory, and of ports
CALLERS_SHOWN = 2
ALL_ONES = "reads are all ones, writes are lost"
Find = Callable[[int, int], str | None]  # page table and address -> function and line


@dataclass(frozen=True)
class Touched:
    touch: Touch
    calls: list[Call]  # the innermost first

    def line(self) -> str:
        touch = self.touch
        what = " and ".join(sorted(touch.accesses))
        times = f" {touch.count:,} times" if touch.count > 1 else ""
        place = f"port {touch.address:#x}" if touch.is_port else f"physical {touch.address:#x}"
        nothing = "which no device has" if touch.is_port else "where there is no memory and no device"
        first = self.calls[0]
        by = f" by {first.where}" if first.where != "?" else ""
        callers = [call.where for call in self.calls[1 : 1 + CALLERS_SHOWN] if call.where != "?"]
        called = f", called by {', '.join(callers)}" if callers else ""
        return f"{place} was {what}{times}, {nothing}: at {first.address:#x}{by}{called}"

    def lines(self) -> list[str]:
        """With its registers."""
        calls = [f"  #{depth} {call.address:#018x} {call.where}" for depth, call in enumerate(self.calls)]
        return calls + register_lines(list(self.touch.place.registers.items()))

    def as_json(self) -> dict[str, object]:
        touch = self.touch
        return {
            "kind": "port" if touch.is_port else "memory",
            "address": touch.address,
            "accesses": sorted(touch.accesses),
            "count": touch.count,
            "calls": [{"address": call.address, "where": call.where} for call in self.calls],
            "registers": dict(touch.place.registers),
        }


def touched(touches: Sequence[Touch], find: Find) -> list[Touched]:
    return [Touched(touch, _calls(touch, find)) for touch in touches]


def _calls(touch: Touch, find: Find) -> list[Call]:
    calls = []
    for depth, address in enumerate(touch.calls):
        where = find(touch.place.page_table, address - (depth > 0))  # a return address belongs to the call before it
        calls.append(Call(address, where or "?"))
        if depth and not where:
            break
    return calls


def touched_lines(found: Sequence[Touched], more: int) -> list[str]:
    """For people: the first of each kind, and how many others."""
    lines = []
    for kind, plural in ((False, "instructions access addresses with nothing behind them"), (True, "ports were tried")):
        of_kind = [each for each in found if each.touch.is_port is kind]
        lines += [each.line() for each in of_kind[:LINES_MAX]]
        if len(of_kind) > LINES_MAX:
            lines.append(f"{len(of_kind) - LINES_MAX} more {plural}, see --json")
    if more:
        lines.append(f"{more:,} more accesses of the kind, elsewhere, were not noted")
    return [*lines, *([f"what is not there is as on a PC: {ALL_ONES}"] if lines else [])]

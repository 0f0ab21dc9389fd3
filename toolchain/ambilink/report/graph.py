"""What a build declares: programs and libraries, the forms that each has, and who links which."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.errors import AmbilinkError


@dataclass
class Box:
    name: str
    kind: str  # "library", "dynamic", "static", "kernel" or "module"
    lines: list[str]  # below the name
    needs: list[str]
    forms: list[str] = field(default_factory=list)  # of a library: static, shared
    users: list[str] = field(default_factory=list)
    layer: int = 0  # where it is drawn
    x: float = 0.0
    y: float = 0.0


def read_graph(path: Path, *, tests: bool = True) -> dict[str, Box]:
    """What the SCons tool wrote: libraries and programs, by name. `tests=False`: without programs named test-...,
    and without libraries that no other program needs."""
    try:
        saved = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AmbilinkError(path, "no build left its declarations here", "run scons first") from error
    boxes = {}
    for library in saved["libraries"]:
        forms = [form for form in ("static", "shared") if library[form]]
        golden = ", ABI kept" if library["golden"] else ""
        boxes[library["name"]] = Box(library["name"], "library", [" + ".join(forms) + golden], library["libs"], forms)
    for program in saved["programs"]:
        kind = program["linkage"] if program["kind"] == "service" else "kernel"
        boxes[program["name"]] = Box(
            program["name"], kind, ["kernel" if kind == "kernel" else f"service, {kind}"], program["libs"]
        )
    if not tests:
        boxes = _without_tests(boxes)
    connect(boxes)
    return boxes


def connect(boxes: dict[str, Box]) -> None:
    """Leave out what is not there, and note the users of each."""
    for box in boxes.values():
        box.needs = [name for name in dict.fromkeys(box.needs) if name in boxes and name != box.name]
        for name in box.needs:
            boxes[name].users.append(box.name)


def _without_tests(boxes: dict[str, Box]) -> dict[str, Box]:
    kept = [name for name, box in boxes.items() if box.kind != "library" and not name.startswith("test-")]
    for name in kept:  # grows
        kept += [other for other in boxes[name].needs if other in boxes and other not in kept]
    return {name: box for name, box in boxes.items() if name in kept}


def reached_from(boxes: dict[str, Box]) -> dict[str, set[str]]:
    """All that each needs, directly or not; itself too, if others need it that it needs."""
    reached: dict[str, set[str]] = {}
    for name in boxes:
        waiting, found = list(boxes[name].needs), set[str]()
        while waiting:
            other = waiting.pop()
            if other not in found:
                found.add(other)
                waiting += boxes[other].needs
        reached[name] = found
    return reached


def edges(boxes: dict[str, Box]) -> dict[str, list[str]]:
    """Who is drawn to need whom: what follows from another line is left out."""
    reached = reached_from(boxes)
    kept: dict[str, list[str]] = {}
    for name, box in boxes.items():
        kept[name] = []
        for other in box.needs:
            ways = (way for way in box.needs if way != other and other in reached[way])
            # Of boxes that need each other, all lines are drawn among them, and one from outside.
            inside = name in reached[other]
            implied = any(way not in reached[other] or way in kept[name] for way in ways)
            if inside or not implied:
                kept[name].append(other)
    return kept

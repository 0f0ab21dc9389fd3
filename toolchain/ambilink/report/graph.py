"""A drawing of what a build declares: programs and libraries, the forms that each has, and who links which (SVG)."""

import json
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from ambilink.errors import AmbilinkError

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 132, 46, 26, 74, 24
COLOURS = {"library": "#eef3fb", "dynamic": "#e8f6ec", "static": "#fdf1e2", "kernel": "#f0eef6"}
INK, STATIC_INK, SHARED_INK = "#1d2733", "#b45309", "#1d5fb4"


@dataclass
class Box:
    name: str
    kind: str  # "library", "dynamic", "static" or "kernel"
    lines: list[str]  # below the name
    needs: list[str]
    layer: int = 0
    x: float = 0.0
    y: float = 0.0
    users: list[str] = field(default_factory=list)


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
        boxes[library["name"]] = Box(library["name"], "library", [" + ".join(forms) + golden], library["libs"])
    for program in saved["programs"]:
        kind = program["linkage"] if program["kind"] == "service" else "kernel"
        boxes[program["name"]] = Box(
            program["name"], kind, ["kernel" if kind == "kernel" else f"service, {kind}"], program["libs"]
        )
    if not tests:
        boxes = _without_tests(boxes)
    for box in boxes.values():
        box.needs = [name for name in dict.fromkeys(box.needs) if name in boxes and name != box.name]
        for name in box.needs:
            boxes[name].users.append(box.name)
    return boxes


def _without_tests(boxes: dict[str, Box]) -> dict[str, Box]:
    kept = [name for name, box in boxes.items() if box.kind != "library" and not name.startswith("test-")]
    for name in kept:  # grows
        kept += [other for other in boxes[name].needs if other in boxes and other not in kept]
    return {name: box for name, box in boxes.items() if name in kept}


def _reached(boxes: dict[str, Box]) -> dict[str, set[str]]:
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


def _drawn(boxes: dict[str, Box]) -> dict[str, list[str]]:
    """Who is drawn to need whom: what follows from another line is left out."""
    reached = _reached(boxes)
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


def _lay_out(boxes: dict[str, Box]) -> tuple[float, float]:
    """Programs above, what they need below them; boxes that need each other side by side."""
    reached = _reached(boxes)
    for name in sorted(boxes, key=lambda name: -len(reached[name] | {name})):  # users first
        group = {name, *(other for other in reached[name] if name in reached[other])}
        outside = [boxes[user] for member in group for user in boxes[member].users if user not in group]
        boxes[name].layer = max((user.layer + 1 for user in outside), default=0)
    layers: list[list[Box]] = [[] for _ in range(1 + max((box.layer for box in boxes.values()), default=0))]
    for box in boxes.values():
        layers[box.layer].append(box)
    widest = max(len(layer) for layer in layers)
    width = MARGIN * 2 + widest * (WIDTH + GAP_X) - GAP_X
    for number, row in enumerate(layers):
        if number:
            row.sort(key=lambda box: sum(boxes[user].x for user in box.users) / max(1, len(box.users)))
        start = (width - (len(row) * (WIDTH + GAP_X) - GAP_X)) / 2
        for position, box in enumerate(row):
            box.x, box.y = start + position * (WIDTH + GAP_X), MARGIN + number * (HEIGHT + GAP_Y)
    return width, MARGIN * 2 + len(layers) * (HEIGHT + GAP_Y) - GAP_Y


def _edge(user: Box, needed: Box) -> str:
    colour = STATIC_INK if user.kind == "static" else SHARED_INK
    x1, x2 = user.x + WIDTH / 2, needed.x + WIDTH / 2
    if user.layer == needed.layer:  # below both boxes
        y = user.y + HEIGHT
        depth = min(40.0, 12 + abs(x2 - x1) / 12)
        path = f"M{x1:.0f} {y:.0f}C{x1:.0f} {y + depth:.0f} {x2:.0f} {y + depth:.0f} {x2:.0f} {y:.0f}"
    else:
        down = needed.layer > user.layer
        y1, y2 = (user.y + HEIGHT, needed.y) if down else (user.y, needed.y + HEIGHT)
        middle = (y1 + y2) / 2
        path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {middle:.0f} {x2:.0f} {middle:.0f} {x2:.0f} {y2:.0f}"
    title = f"{user.name} links {needed.name}"
    return f'<path d="{path}" stroke="{colour}" marker-end="url(#end)"><title>{escape(title)}</title></path>'


def graph_svg(boxes: dict[str, Box]) -> str:
    width, height = _lay_out(boxes)
    legend = height + 18
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height + 36:.0f}" width="{width:.0f}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">',
        '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#66707c"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height + 36:.0f}" fill="#ffffff"/>',
        '<g fill="none" stroke-width="1" stroke-opacity="0.55">',
        *(_edge(boxes[user], boxes[name]) for user, needs in _drawn(boxes).items() for name in needs),
        "</g>",
    ]
    for box in boxes.values():
        out.append(
            f'<rect x="{box.x:.0f}" y="{box.y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="6" '
            f'fill="{COLOURS[box.kind]}" stroke="#8a94a0"/>'
        )
        out.append(
            f'<text x="{box.x + WIDTH / 2:.0f}" y="{box.y + 19:.0f}" text-anchor="middle" font-weight="600">'
            f"{escape(box.name)}</text>"
        )
        for line in box.lines:
            out.append(
                f'<text x="{box.x + WIDTH / 2:.0f}" y="{box.y + 36:.0f}" text-anchor="middle" font-size="10">'
                f"{escape(line)}</text>"
            )
    out.append(f'<text x="{MARGIN}" y="{legend:.0f}" fill="{STATIC_INK}">links the archive</text>')
    out.append(f'<text x="{MARGIN + 120}" y="{legend:.0f}" fill="{SHARED_INK}">links the shared object</text></svg>')
    return "\n".join(out) + "\n"

"""A graph of programs and libraries as a drawing (SVG). Colours follow the reader's choice of light or dark."""

from html import escape

from ambilink.report.graph import Box, edges, reached_from
from ambilink.report.visible import visible

WIDTH, LINE, GAP_X, GAP_Y, MARGIN = 132, 14, 26, 74, 24
NAME_MAX = 17  # letters that a box has room for
# Also on the page of a boot: there the page's own properties hold.
STYLE = """
.graph{--paper:#fff;--ink:#1d2733;--line:#8a94a0;--library:#eef3fb;--dynamic:#e8f6ec;--static:#fdf1e2;--kernel:#f0eef6;
--archive:#b45309;--shared:#1d5fb4}
@media screen and (prefers-color-scheme:dark){.graph{--paper:#14181d;--ink:#e6e9ee;--line:#66707c;--library:#1c2836;
--dynamic:#17301f;--static:#36270f;--kernel:#28233a;--archive:#f0a04b;--shared:#7cb2f5}}
.graph{font:12px system-ui,sans-serif}
.graph text{fill:var(--ink);text-anchor:middle}
.graph text.name{font-weight:600}
.graph text.form{font-size:10px}
.graph .paper{fill:var(--paper)}
.graph .box rect{stroke:var(--line)}
.graph .library rect{fill:var(--library)}
.graph .dynamic rect{fill:var(--dynamic)}
.graph .static rect{fill:var(--static)}
.graph .kernel rect,.graph .module rect{fill:var(--kernel)}
.graph .edge{fill:none;stroke-opacity:.6}
.graph .edge.archive{stroke:var(--archive);stroke-dasharray:5 3}
.graph .edge.shared{stroke:var(--shared)}
.graph .end{fill:var(--line)}
.graph text.key{text-anchor:start}
.graph text.key.archive{fill:var(--archive)}
.graph text.key.shared{fill:var(--shared)}
"""


def _lay_out(boxes: dict[str, Box], height: int) -> tuple[float, float]:
    """Programs above, what they need below them; boxes that need each other side by side."""
    reached = reached_from(boxes)
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
            box.x, box.y = start + position * (WIDTH + GAP_X), MARGIN + number * (height + GAP_Y)
    return width, MARGIN * 2 + len(layers) * (height + GAP_Y) - GAP_Y


def _edge(user: Box, needed: Box, height: int) -> str:
    how = "archive" if user.kind == "static" else "shared"
    x1, x2 = user.x + WIDTH / 2, needed.x + WIDTH / 2
    if user.layer == needed.layer:  # below both boxes
        y = user.y + height
        depth = min(40.0, 12 + abs(x2 - x1) / 12)
        path = f"M{x1:.0f} {y:.0f}C{x1:.0f} {y + depth:.0f} {x2:.0f} {y + depth:.0f} {x2:.0f} {y:.0f}"
    else:
        down = needed.layer > user.layer
        y1, y2 = (user.y + height, needed.y) if down else (user.y, needed.y + height)
        middle = (y1 + y2) / 2
        path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {middle:.0f} {x2:.0f} {middle:.0f} {x2:.0f} {y2:.0f}"
    title = _text(f"{user.name} links {needed.name}")
    return f'<path class="edge {how}" d="{path}" marker-end="url(#end)"><title>{title}</title></path>'


def _text(text: str) -> str:
    return escape(visible(text))


def _box(box: Box, height: int) -> list[str]:
    middle = box.x + WIDTH / 2
    short = box.name if len(box.name) <= NAME_MAX else box.name[: NAME_MAX - 1] + "…"
    out = [
        f'<g class="box {box.kind}"><title>{_text(" · ".join([box.name, *box.lines]))}</title>',
        f'<rect x="{box.x:.0f}" y="{box.y:.0f}" width="{WIDTH}" height="{height}" rx="6"/>',
        f'<text class="name" x="{middle:.0f}" y="{box.y + 19:.0f}">{_text(short)}</text>',
    ]
    for number, line in enumerate(box.lines):
        out.append(f'<text class="form" x="{middle:.0f}" y="{box.y + 36 + LINE * number:.0f}">{_text(line)}</text>')
    return [*out, "</g>"]


def graph_svg(boxes: dict[str, Box], *, on_page: bool = False) -> str:
    """`on_page`: the document has the style already."""
    height = 32 + LINE * max((len(box.lines) for box in boxes.values()), default=1)
    wide, high = _lay_out(boxes, height)
    wide = max(wide, 2 * MARGIN + 270.0)
    legend = high + 18
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" viewBox="0 0 {wide:.0f} {high + 36:.0f}" '
        f'width="{wide:.0f}" height="{high + 36:.0f}" role="img" aria-label="Who links whom">',
        "" if on_page else f"<style>{STYLE}</style>",
        '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="end" d="M0 0L8 4L0 8z"/></marker></defs>',
        f'<rect class="paper" width="{wide:.0f}" height="{high + 36:.0f}"/>',
        *(_edge(boxes[user], boxes[name], height) for user, needs in edges(boxes).items() for name in needs),
        *(line for box in boxes.values() for line in _box(box, height)),
        f'<text class="key archive" x="{MARGIN}" y="{legend:.0f}">- - links the archive</text>',
        f'<text class="key shared" x="{MARGIN + 130}" y="{legend:.0f}">— links the shared object</text></svg>',
    ]
    return "\n".join(line for line in out if line) + "\n"

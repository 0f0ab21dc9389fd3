"""A graph of programs and libraries in the language of Graphviz' dot, with every declared edge."""

from ambilink.report.graph import Box
from ambilink.report.visible import visible

COLOURS = {"library": "#eef3fb", "dynamic": "#e8f6ec", "static": "#fdf1e2", "kernel": "#f0eef6", "module": "#f0eef6"}
ARCHIVE, SHARED = "#b45309", "#1d5fb4"


def _quoted(text: str) -> str:
    """A string of dot; in labels a backslash begins an escape, so it is doubled."""
    return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _label(box: Box) -> str:
    return "\\n".join(_quoted(line)[1:-1] for line in (box.name, *box.lines))


def graph_dot(boxes: dict[str, Box]) -> str:
    lines = [
        "digraph system {",
        '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11, color="#8a94a0"];',
        '  edge [color="#66707c", arrowsize=0.7];',
    ]
    for name, box in boxes.items():
        lines.append(f'  {_quoted(name)} [label="{_label(box)}", fillcolor="{COLOURS[box.kind]}"];')
    for name, box in boxes.items():
        how = f'color="{ARCHIVE}", style=dashed' if box.kind == "static" else f'color="{SHARED}"'
        lines += [f"  {_quoted(name)} -> {_quoted(needed)} [{how}];" for needed in box.needs]
    return "\n".join([*lines, "}"]) + "\n"

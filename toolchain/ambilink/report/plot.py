"""Grouped bars (SVG), on a logarithmic axis: what differs by a factor looks so wherever it lies."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

PANEL_HEIGHT, MARGIN, TOP, BOTTOM, LEFT, RIGHT = 250, 24, 54, 34, 56, 20
BAR, GROUP_GAP = 28, 24
INK, GRID, PAPER = "#1d2733", "#d8dee6", "#ffffff"
COLOURS = ("#b45309", "#1d5fb4", "#2f855a", "#7c3aed", "#be185d")


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    groups: Mapping[str, Sequence[float]]  # by label; one value above zero per series


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _width(panel: Panel) -> int:
    return LEFT + RIGHT + sum(len(group) * BAR + GROUP_GAP for group in panel.groups.values())


def _panel(panel: Panel, x: float, y: float) -> list[str]:
    values = [value for group in panel.groups.values() for value in group]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values) * 1.05))
    height = PANEL_HEIGHT - TOP - BOTTOM
    base = y + PANEL_HEIGHT - BOTTOM

    def up(value: float) -> float:
        return (math.log10(value) - low) / max(1, high - low) * height

    lines = [
        f'<text x="{x + LEFT}" y="{y + 24}" font-weight="bold">{escape(panel.title)} [{escape(panel.unit)}]</text>'
    ]
    for power in range(low, high + 1):
        at = base - up(10.0**power)
        lines.append(f'<path d="M{x + LEFT} {at:.1f}H{x + _width(panel) - RIGHT}" stroke="{GRID}"/>')
        lines.append(f'<text x="{x + LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>')
    at_x = x + LEFT + 12.0
    for label, group in panel.groups.items():
        for number, value in enumerate(group):
            tall = up(value)
            left = at_x + number * BAR
            lines.append(
                f'<rect x="{left:.1f}" y="{base - tall:.1f}" width="{BAR - 4}" height="{tall:.1f}" '
                f'fill="{COLOURS[number]}"/>'
            )
            lines.append(
                f'<text x="{left + BAR / 2 - 2:.1f}" y="{base - tall - 4:.1f}" text-anchor="middle" '
                f'font-size="9">{_number(value)}</text>'
            )
        middle = at_x + len(group) * BAR / 2 - 2
        lines.append(f'<text x="{middle:.1f}" y="{base + 18:.1f}" text-anchor="middle">{escape(label)}</text>')
        at_x += len(group) * BAR + GROUP_GAP
    return lines


def bars_svg(panels: Sequence[Panel], series: Sequence[str], columns: int = 2) -> str:
    """`series`: names of the values of each group, at most as many as there are colours."""
    rows = -(-len(panels) // columns)
    panel_width = max(_width(panel) for panel in panels)
    width = MARGIN * 2 + columns * panel_width
    height = MARGIN * 2 + rows * PANEL_HEIGHT + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
    ]
    for number, name in enumerate(series):
        x = MARGIN + LEFT + number * 90
        lines.append(f'<rect x="{x}" y="{MARGIN - 10}" width="12" height="12" fill="{COLOURS[number]}"/>')
        lines.append(f'<text x="{x + 18}" y="{MARGIN}">{escape(name)}</text>')
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        lines += _panel(panel, MARGIN + column * panel_width, MARGIN + 12 + row * PANEL_HEIGHT)
    return "\n".join([*lines, "</svg>"]) + "\n"

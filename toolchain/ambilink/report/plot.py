"""Groups of values (SVG), on an axis that is no other than it looks.

A bar is a length, so bars begin at zero. Where values differ by large factors, bars from zero would hide the small
ones: then each value is a dot, which has a place and no length, on a logarithmic axis that says so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

PANEL_HEIGHT, MARGIN, TOP, BOTTOM, LEFT, RIGHT = 250, 24, 54, 34, 56, 20
COLUMN, GROUP_GAP = 28, 24
LARGE_FACTOR = 20  # between the least and the most value: from here on a logarithmic axis
STYLE = """
svg{--paper:#fff;--ink:#1d2733;--grid:#d8dee6;font:11px system-ui,sans-serif}
@media screen and (prefers-color-scheme:dark){svg{--paper:#14181d;--ink:#e6e9ee;--grid:#303842}}
text{fill:var(--ink)}.paper{fill:var(--paper)}.grid{stroke:var(--grid)}.title{font-weight:bold}.value{font-size:9px}
"""
COLOURS = ("#b45309", "#2f7fd6", "#2f9e62", "#8b5cf6", "#d6418c")


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    groups: Mapping[str, Sequence[float]]  # by label; one value above zero per series


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    ticks: Sequence[float]
    is_logarithmic: bool

    def share(self, value: float) -> float:
        """Of the height."""
        if self.is_logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return value / self.high


def _axis(values: Sequence[float]) -> _Axis:
    least, most = min(values), max(values)
    if most / least >= LARGE_FACTOR:
        low, high = math.floor(math.log10(least * 0.95)), math.ceil(math.log10(most * 1.05))
        return _Axis(10.0**low, 10.0**high, [10.0**power for power in range(low, high + 1)], True)
    unit = 10.0 ** math.floor(math.log10(most))
    step = next(factor * unit for factor in (0.2, 0.5, 1.0, 2.0) if factor * unit * 6 >= most * 1.05)
    count = math.ceil(most * 1.05 / step)
    return _Axis(0.0, step * count, [step * index for index in range(count + 1)], False)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _width(panel: Panel) -> int:
    return LEFT + RIGHT + sum(len(group) * COLUMN + GROUP_GAP for group in panel.groups.values())


def _panel(panel: Panel, x: float, y: float) -> list[str]:
    axis = _axis([value for group in panel.groups.values() for value in group])
    height = PANEL_HEIGHT - TOP - BOTTOM
    base = y + PANEL_HEIGHT - BOTTOM
    unit = f"{panel.unit}, logarithmic axis" if axis.is_logarithmic else panel.unit
    lines = [f'<text class="title" x="{x + LEFT}" y="{y + 24}">{escape(panel.title)} [{escape(unit)}]</text>']
    for tick in axis.ticks:
        at = base - axis.share(tick) * height
        lines.append(f'<path class="grid" d="M{x + LEFT} {at:.1f}H{x + _width(panel) - RIGHT}"/>')
        lines.append(f'<text x="{x + LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tick:,g}</text>')
    left = x + LEFT + 12.0
    for label, group in panel.groups.items():
        for number, value in enumerate(group):
            middle, top = left + number * COLUMN + COLUMN / 2 - 2, base - axis.share(value) * height
            lines.append(_mark(axis, middle, top, base, COLOURS[number]))
            lines.append(
                f'<text class="value" x="{middle:.1f}" y="{top - 7:.1f}" text-anchor="middle">{_number(value)}</text>'
            )
        centre = left + len(group) * COLUMN / 2 - 2
        lines.append(f'<text x="{centre:.1f}" y="{base + 18:.1f}" text-anchor="middle">{escape(label)}</text>')
        left += len(group) * COLUMN + GROUP_GAP
    return lines


def _mark(axis: _Axis, middle: float, top: float, base: float, colour: str) -> str:
    if axis.is_logarithmic:
        return f'<circle cx="{middle:.1f}" cy="{top:.1f}" r="5" fill="{colour}"/>'
    wide = COLUMN - 4
    return f'<rect x="{middle - wide / 2:.1f}" y="{top:.1f}" width="{wide}" height="{base - top:.1f}" fill="{colour}"/>'


def panels_svg(panels: Sequence[Panel], series: Sequence[str], columns: int = 2) -> str:
    """`series`: names of the values of each group, at most as many as there are colours."""
    rows = -(-len(panels) // columns)
    panel_width = max(_width(panel) for panel in panels)
    width = MARGIN * 2 + columns * panel_width
    height = MARGIN * 2 + rows * PANEL_HEIGHT + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    for number, name in enumerate(series):
        x = MARGIN + LEFT + number * 90
        lines.append(f'<rect x="{x}" y="{MARGIN - 10}" width="12" height="12" fill="{COLOURS[number]}"/>')
        lines.append(f'<text x="{x + 18}" y="{MARGIN}">{escape(name)}</text>')
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        lines += _panel(panel, MARGIN + column * panel_width, MARGIN + 12 + row * PANEL_HEIGHT)
    return "\n".join([*lines, "</svg>"]) + "\n"

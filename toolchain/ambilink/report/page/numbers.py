"""Numbers as the page shows them, each with the exact value for programs that read the page."""

from ambilink.report.page.html import Markup, element

KIB, MIB = 1 << 10, 1 << 20
ABSENT, MINUS = "\u2013", "\u2212"


def size_text(size: int) -> str:
    """With a unit, and three digits or more."""
    if abs(size) < KIB:
        return f"{size:,} B"
    if abs(size) < 10 * MIB:
        return f"{size / KIB:,.1f} KiB" if abs(size) < 100 * KIB else f"{size / KIB:,.0f} KiB"
    return f"{size / MIB:,.1f} MiB" if abs(size) < 100 * MIB else f"{size / MIB:,.0f} MiB"


def size(value: int) -> Markup:
    return element("data", size_text(value), value=value, title=f"{value:,} bytes")


def count(value: int | None) -> Markup:
    return element("data", f"{value:,}", value=value) if value is not None else element("span", ABSENT, class_="none")


def change(now: int, before: int) -> Markup:
    difference = now - before
    sign = "+" if difference > 0 else MINUS if difference < 0 else "±"
    kind = "more" if difference > 0 else "less" if difference < 0 else "same"
    share = f" ({sign}{abs(difference) / before:.1%})" if before and difference else ""
    return element("data", f"{sign}{abs(difference):,} B{share}", value=difference, class_=kind)


def milliseconds(nanoseconds: float) -> str:
    value = nanoseconds / 1e6
    return f"{value:,.2f} ms" if value < 100 else f"{value:,.1f} ms" if value < 1000 else f"{value / 1000:,.2f} s"


def rounded_steps(end: float, most: int = 6) -> list[float]:
    """Of an axis from 0: multiples of 1, 2 or 5 times a power of ten, the last not beyond the end."""
    if end <= 0:
        return [0.0]
    unit = 1.0
    while unit * most < end:
        unit *= 10
    while unit * most / 10 >= end:
        unit /= 10
    step = next(unit * factor / 10 for factor in (1, 2, 5, 10) if unit * factor / 10 * most >= end)
    return [step * index for index in range(int(end / step + 1e-9) + 1)]

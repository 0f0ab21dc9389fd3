"""Parts of a whole as one bar: widths are true to size, and a legend or a table beside it names every part."""

from collections.abc import Iterable
from typing import Any

from ambilink.report.page.html import Markup, element
from ambilink.report.page.numbers import size, size_text

Part = dict[str, Any]


def strip(parts: Iterable[Part], label: str) -> Markup:
    """Parts with name, kind and bytes, from left to right."""
    chosen = [part for part in parts if part["bytes"] > 0]
    whole = sum(part["bytes"] for part in chosen)
    at, shapes = 0, []
    for part in chosen:
        title = element("title", f"{part['name']}: {part['bytes']:,} bytes, {part['bytes'] / whole:.1%}")
        x, width = 1000 * at / whole, 1000 * part["bytes"] / whole
        shapes.append(
            element("g", title, element("rect", x=x, y=0, width=width, height=40), class_=f"kind-{part['kind']}")
        )
        at += part["bytes"]
    return element(
        "svg",
        shapes,
        viewBox="0 0 1000 40",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{label}, {size_text(whole)}",
        class_="strip",
    )


def legend(kinds: dict[str, str], parts: Iterable[Part]) -> Markup:
    """What each colour stands for, with its sum and share; `kinds` has names by kind, in the order to be shown."""
    sums: dict[str, int] = {}
    for part in parts:
        sums[part["kind"]] = sums.get(part["kind"], 0) + part["bytes"]
    whole = sum(sums.values())
    items = [
        element(
            "li",
            element("span", class_=f"swatch kind-{kind}"),
            element("span", words),
            " ",
            size(sums[kind]),
            " ",
            element("small", f"{sums[kind] / whole:.1%}"),
        )
        for kind, words in kinds.items()
        if sums.get(kind)
    ]
    return element("ul", items, class_="legend sums")


def bar(value: int, most: int, kind: str) -> Markup:
    """From zero; `most` is the whole width."""
    width = 1000 * value / most if most else 0
    return element(
        "svg",
        element("rect", x=0, y=0, width=width, height=10, class_=f"kind-{kind}"),
        viewBox="0 0 1000 10",
        preserveAspectRatio="none",
        aria_hidden="true",
        class_="bar",
    )

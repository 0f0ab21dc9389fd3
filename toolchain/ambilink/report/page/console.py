"""The console, line by line, with the label of each line and when it came."""

from typing import Any

from ambilink.report.page.html import Markup, element


def console(record: dict[str, Any]) -> Markup:
    lines = record["console"]
    if not lines:
        return element("p", "The console stayed empty.", class_="empty")
    counted = all(line["instructions"] is not None for line in lines)
    crashed = len(lines) - len(record["crash"])
    rows = []
    for index, line in enumerate(lines):
        when = f"{line['instructions']:,}" if counted else f"{line['seconds']:.3f} s"
        label = element("span", line["console"], class_="console-name") if line["console"] else None
        body = element("span", line["text"], class_="line")
        rows.append(
            element(
                "li",
                element("span", when, class_="when"),
                element("span", [label, " "] if label else None, body, class_="said"),
                class_="crash" if index >= crashed else None,
            )
        )
    unit = "instructions before its end" if counted else "seconds since power-on"
    return element(
        "div",
        element(
            "div",
            element("ol", rows, class_="console"),
            class_="screen",
            tabindex="0",
            role="region",
            aria_label="Console",
        ),
        element("p", f"{len(lines):,} lines; beside each, {unit}. Control characters show as symbols.", class_="note"),
    )

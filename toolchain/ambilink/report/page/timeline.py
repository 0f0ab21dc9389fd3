"""The course of a boot: a row for each process, from its creation to its end, on an axis that begins at power-on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ambilink.report.page.html import Markup, element
from ambilink.report.page.numbers import ABSENT, count, milliseconds, rounded_steps

STEPS = {"created": "start", "begun": "linked", "ready": "ready", "ended": "end"}
CLEAR_OF_END = 0.85  # share of the width: labels left of it leave room for the one at the end
MARK = 3.0  # thousandths of the width: the least that is seen
# What a process does after each step.
PHASES = {"created": "being made and linked", "begun": "running", "ready": "serving requests"}
LINKS_ITSELF = "interp"  # after its first instruction


@dataclass(frozen=True)
class Axis:
    """One measure of time."""

    key: str
    title: str
    read: Callable[[dict[str, Any]], float | None]  # of an instant
    of_line: Callable[[dict[str, Any]], float | None]  # of a line of the console
    end: float
    label: Callable[[float], str]
    note: str


def _instruction_label(value: float) -> str:
    if value >= 1e5:
        return f"{value / 1e6:,.3g} M"
    return f"{value / 1e3:,.3g} k" if value >= 1e3 else f"{value:,.0f}"


def _nanosecond_label(value: float) -> str:
    if value >= 1e9:
        return f"{value / 1e9:,.3g} s"
    return f"{value / 1e6:,.3g} ms" if value >= 1e4 else f"{value / 1e3:,.3g} µs" if value else "0"


def axes(record: dict[str, Any]) -> list[Axis]:
    """Those that all instants of this boot have."""
    instants = [
        instant for process in record["processes"] for instant in (process["instants"] or {}).values() if instant
    ]
    if not instants:
        return []
    found: list[Axis] = []
    if record["instructions"] is not None and all(instant["instructions"] is not None for instant in instants):
        found.append(
            Axis(
                "instructions",
                "instructions",
                lambda instant: instant["instructions"],
                lambda line: line["instructions"],
                max(1, record["instructions"], *(instant["instructions"] for instant in instants)),
                _instruction_label,
                "Instructions since power-on. While nothing waits, one takes a nanosecond of the guest's time.",
            )
        )
    verdict = record["verdict_nanoseconds"]
    latest = max(1, verdict or 0, *(instant["nanoseconds"] for instant in instants))
    note = "By the kernel's clock, since it started its timer. "
    found.append(
        Axis(
            "guest",
            "guest's time",
            lambda instant: instant["nanoseconds"],
            lambda line: None,
            latest,
            _nanosecond_label,
            note + ("The verdict ends the axis." if verdict else "There was no verdict: the last step ends the axis."),
        )
    )
    if all(instant["seconds"] is not None for instant in instants):
        found.append(
            Axis(
                "host",
                "host's time",
                lambda instant: instant["seconds"] * 1e9,
                lambda line: line["seconds"] * 1e9,
                max(1e-6, record["seconds"], *(instant["seconds"] for instant in instants)) * 1e9,
                _nanosecond_label,
                "On this computer, since the machine was switched on. It differs from boot to boot.",
            )
        )
    return found


def _reached(process: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(key, process["instants"][key]) for key in STEPS if process["instants"] and process["instants"].get(key)]


def _lines(axis: Axis) -> list[Markup]:
    """Of the scale, through a row."""
    return [
        element("rect", x=1000 * value / axis.end - 0.5, y=0, width=1, height=20, class_="grid")
        for value in rounded_steps(axis.end)
    ]


def _bar(process: dict[str, Any], axis: Axis) -> Markup:
    shapes = _lines(axis)
    steps = [(key, axis.read(instant) or 0.0) for key, instant in _reached(process)]
    for index, (key, at) in enumerate(steps):
        if key == "ended":
            break
        until = steps[index + 1][1] if index + 1 < len(steps) else axis.end
        x, width = 1000 * at / axis.end, max(MARK, 1000 * (until - at) / axis.end)
        itself = process["linker"] == LINKS_ITSELF and key != "ready"
        phase = {"created": "being made", "begun": "linking itself and running"}[key] if itself else PHASES[key]
        title = element("title", f"{phase}: {axis.label(round(at))} to {axis.label(round(until))}")
        shapes.append(element("g", title, element("rect", x=x, y=4, width=width, height=12), class_=f"phase-{key}"))
    for key, at in steps:
        if key in ("ready", "ended"):
            x = min(1000 - MARK, 1000 * at / axis.end)
            title = element("title", f"{STEPS[key]}: {axis.label(round(at))}")
            mark = element("rect", x=x, y=0, width=MARK, height=20)
            shapes.append(element("g", title, mark, class_=f"mark-{key}"))
    words = ", ".join(f"{STEPS[key]} at {axis.label(round(at))}" for key, at in steps)
    return element(
        "svg",
        shapes,
        viewBox="0 0 1000 20",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{process['name']}: {words}",
    )


def _console_row(record: dict[str, Any], axis: Axis) -> Markup | None:
    places = [axis.of_line(line) for line in record["console"]]
    if not places or any(place is None for place in places):
        return None
    marks = [
        element("rect", x=min(1000 - 1.5, 1000 * (place or 0) / axis.end), y=4, width=1.5, height=12)
        for place in sorted({place for place in places if place is not None})
    ]
    picture = element(
        "svg",
        _lines(axis),
        element("g", marks, class_="mark-line"),
        viewBox="0 0 1000 20",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{len(places)} lines of the console",
    )
    return _row("console", "lines", picture)


def _row(name: str, small: str, picture: Markup) -> Markup:
    label = element("div", element("b", name), " ", element("small", small), class_="label")
    return element("div", label, element("div", picture, class_="track"), class_="row")


def scale(labels: list[tuple[float, str]]) -> Markup:
    """Labels at shares of the width, with lines through the rows below."""
    marks = [
        element(
            "span",
            element("i", label),
            class_="tick last" if share > 0.93 else "tick",
            style=f"left:{100 * share:.2f}%",
        )
        for share, label in labels
    ]
    return element(
        "div",
        element("div", class_="label"),
        element("div", marks, class_="track scale"),
        class_="row axis",
        aria_hidden="true",
    )


def _chart(record: dict[str, Any], axis: Axis) -> Markup:
    ticks = [(value / axis.end, axis.label(value)) for value in rounded_steps(axis.end)]
    if ticks[-1][0] < CLEAR_OF_END:
        ticks.append((1.0, axis.label(axis.end)))
    rows = [
        _row(process["name"], f"process {process['number']}", _bar(process, axis))
        for process in record["processes"]
        if _reached(process)
    ]
    note = element("p", axis.note, class_="note")
    return element(
        "div",
        scale(ticks),
        element("div", _console_row(record, axis), rows, class_="rows"),
        note,
        class_=f"chart by-{axis.key}",
    )


def _table(record: dict[str, Any]) -> Markup:
    head = element(
        "tr",
        element("th", "process", scope="col"),
        element("th", "state", scope="col"),
        element("th", "linked by", scope="col"),
        [element("th", name, scope="col", class_="number") for name in STEPS.values()],
    )
    rows = []
    for process in record["processes"]:
        status = "" if process["state"] == "alive" else f", status {process['exit_status']}"
        cells = []
        for key in STEPS:
            instant = (process["instants"] or {}).get(key)
            itself = key == "begun" and process["linker"] == LINKS_ITSELF
            note = [element("br"), element("small", "begins, and links itself")] if instant and itself else None
            cells.append(
                element("td", _instant(instant), note, class_="number", data_label=STEPS[key], data_step=STEPS[key])
            )
        name = element("th", element("b", process["name"]), " ", element("small", str(process["number"])), scope="row")
        state = element("td", f"{process['state']}{status}", class_=f"state-{process['state']}", data_label="state")
        linker = element("td", process["linker"] or ABSENT, data_label="linked by")
        rows.append(element("tr", name, state, linker, cells, data_process=process["number"]))
    table = element("table", element("thead", head), element("tbody", rows), class_="steps")
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Steps of each process")


def _instant(instant: dict[str, Any] | None) -> Markup | list[Markup]:
    if instant is None:
        return element("span", ABSENT, class_="none")
    lines = []
    if instant["instructions"] is not None:
        lines.append(count(instant["instructions"]))
    time = element("small", milliseconds(instant["nanoseconds"]), title="the guest's time")
    return [*lines, element("br") if lines else Markup(""), time]


def timeline(record: dict[str, Any]) -> Markup:
    measures = axes(record)
    if not measures:
        return element("p", "No kernel of this project was there to keep the steps of its processes.", class_="empty")
    choice: list[Markup] = []
    for index, axis in enumerate(measures):
        choice.append(
            element("input", type="radio", name="axis", id=f"axis-{axis.key}", class_="choice", checked=index == 0)
        )
        choice.append(element("label", axis.title, for_=f"axis-{axis.key}"))
    legend = element(
        "ul",
        [
            element("li", element("span", class_=f"swatch {key}"), words)
            for key, words in (
                ("phase-created", "being made and linked"),
                ("phase-begun", "running"),
                ("phase-ready", "serving requests"),
                ("mark-ready", "ready"),
                ("mark-ended", "end"),
            )
        ],
        class_="legend",
    )
    missing = (record["processes_created"] or 0) - len(record["processes"])
    more = element("p", f"{missing:,} more processes found no room in the kernel's table.", class_="note")
    charts = [_chart(record, axis) for axis in measures]
    return element(
        "div",
        element("fieldset", element("legend", "Axis", class_="quiet"), choice, charts, class_="axes"),
        legend,
        more if missing > 0 else None,
        _table(record),
    )

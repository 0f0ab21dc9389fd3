"""A boot as one HTML page: no script, no network, everything from its record."""

from pathlib import Path
from typing import Any

from ambilink.report.graph_svg import STYLE
from ambilink.report.page.checks import checks
from ambilink.report.page.console import console
from ambilink.report.page.html import Child, Markup, element
from ambilink.report.page.links import links
from ambilink.report.page.maps import image_map, memory_map, sizes
from ambilink.report.page.numbers import count, size
from ambilink.report.page.timeline import timeline

# Whatever a guest writes, nothing of this page runs or is fetched.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
VERDICTS = {
    "pass": "Passed",
    "fail": "Failed",
    "timeout": "Failed: no verdict in time",
    "silence": "Failed: the console fell silent",
    "reset": "Failed: the machine was reset",
    "halted": "Failed: the machine halted",
    "ended": "Ended by a person",
    "broken": "The machine itself broke",
}
ENDED = "ended"
MARKS = {"passed": "✓", "failed": "✗", ENDED: "\u2013"}
SECTIONS = (
    ("checks", "Checks", checks),
    ("console", "Console", console),
    ("timeline", "Timeline", timeline),
    ("image", "Image", image_map),
    ("sizes", "Sizes against the last build", sizes),
    ("memory", "Memory", memory_map),
    ("links", "Libraries and services", links),
)
SHORT = {"sizes": "Sizes", "links": "Libraries"}


def page(record: dict[str, Any]) -> str:
    title = f"{record['image']['name']}: {VERDICTS[record['verdict']]}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(STYLE + Path(__file__).with_name("style.css").read_text(encoding="utf-8"))),
    )
    links = [element("a", SHORT.get(key, name), href=f"#{key}") for key, name, _ in SECTIONS]
    body = element(
        "body",
        element("a", "Skip to the checks", href="#checks", class_="skip"),
        _header(record),
        element("nav", element("div", links), aria_label="Sections"),
        element("main", _trouble(record), [_section(record, *each) for each in SECTIONS], _settings(record)),
        element("footer", f"{record['program']}, record of format {record['format']}"),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _section(record: dict[str, Any], key: str, name: str, make: Any) -> Markup:
    heading = element("h2", name, id=f"{key}-title")
    return element("section", heading, make(record), id=key, aria_labelledby=f"{key}-title")


def _fact(name: str, *value: Child) -> Markup:
    return element("div", element("dt", name), element("dd", *value))


def _header(record: dict[str, Any]) -> Markup:
    kind = ENDED if record["verdict"] == ENDED else "passed" if record["passed"] else "failed"
    when = element("time", record["started"].replace("T", " ").replace("Z", " UTC"), datetime=record["started"])
    facts = [
        _fact("machine", record["machine"]),
        _fact("time", element("data", f"{record['seconds']:.2f} s", value=record["seconds"])),
    ]
    if record["instructions"] is not None:
        facts.append(_fact("instructions", count(record["instructions"])))
    facts.append(_fact("image", size(record["image"]["bytes"])))
    if record["memory"]["used"] is not None:
        facts.append(_fact("handed out by the kernel", size(record["memory"]["used"] * 4096)))
    if record["processes_created"] is not None:
        facts.append(_fact("processes", count(record["processes_created"])))
    if record["slots"]:
        facts.append(_fact("slots verified", count(record["slots"]["equal"])))
    done = sum(check["result"] == "passed" for check in record["checks"])
    asked = sum(check["result"] != "skipped" for check in record["checks"])
    facts.append(_fact("checks passed", f"{done} of {asked}"))
    return element(
        "header",
        element("p", record["image"]["name"], " · ", when, class_="where"),
        element(
            "h1",
            element("span", MARKS[kind], class_="mark", aria_hidden="true"),
            VERDICTS[record["verdict"]],
        ),
        element("p", record["detail"], class_="why") if record["detail"] else None,
        [element("p", "Warning: ", warning, class_="why") for warning in record.get("warnings") or []],
        element("dl", facts, class_="facts"),
        class_=kind,
    )


def _trouble(record: dict[str, Any]) -> Markup | None:
    """What went wrong, before everything else."""
    blocks = []
    for title, lines in (
        ("What failed", [*record["reasons"], *record["failures"]]),
        ("Faults", record["faults"]),
        ("What the console shows of the failure", record["crash"]),
        ("What each process waited for", record["waiting"]),
    ):
        if lines:
            blocks += [element("h3", title), element("pre", _lines(lines), tabindex="0")]
    if not blocks:
        return None
    heading = element("h2", "What went wrong", id="trouble-title")
    return element("section", heading, blocks, id="trouble", aria_labelledby="trouble-title")


def _lines(lines: list[str]) -> list[Markup]:
    return [element("span", line, class_="line") for line in lines]


def _settings(record: dict[str, Any]) -> Markup:
    settings = {"what was booted": record["image"]["what"], "digest": record["image"]["digest"], **record["settings"]}
    facts = [
        _fact(name.replace("_", " "), str(value)) for name, value in settings.items() if value not in (None, "", 0)
    ]
    counters = [_fact(name, count(value)) for name, value in record["counters"].items()]
    heading = element("h2", "The machine", id="machine-title")
    return element(
        "section",
        heading,
        element("dl", facts, counters, class_="facts plain"),
        id="machine",
        aria_labelledby="machine-title",
    )

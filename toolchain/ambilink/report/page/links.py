"""Programs and libraries of the image: who links whom, in which form, and how large each form is."""

from typing import Any

from ambilink.report.graph import Box, connect
from ambilink.report.graph_svg import graph_svg
from ambilink.report.page.html import Markup, element
from ambilink.report.page.numbers import ABSENT, size, size_text

FORMS = {"program": "program", "shared": "shared object", "static": "archive"}
KINDS = {
    "library": "library",
    "dynamic": "service, dynamic",
    "static": "service, static",
    "kernel": "kernel",
    "module": "kernel module",
}


def boxes_of(forms: list[dict[str, Any]]) -> dict[str, Box]:
    boxes = {each["name"]: Box(each["name"], each["kind"], _lines(each), list(each["needs"])) for each in forms}
    connect(boxes)
    return boxes


def _lines(form: dict[str, Any]) -> list[str]:
    """Below the name: for a library a line for each form."""
    amounts = {
        kind: size_text(file["bytes"]) if file["bytes"] is not None else "not built"
        for kind, file in form["forms"].items()
    }
    if form["kind"] == "library":
        return [f"{FORMS[kind]} {amount}" for kind, amount in amounts.items()]
    return [KINDS[form["kind"]], *amounts.values()]


def links(record: dict[str, Any]) -> Markup:
    forms = record["forms"]
    if not forms:
        return element("p", "This is no boot image of this project, so its parts are not known.", class_="empty")
    picture = Markup(graph_svg(boxes_of(forms), on_page=True))
    return element(
        "div",
        element("div", picture, class_="scroll drawing", tabindex="0", role="region", aria_label="Graph"),
        element("p", "Lines that follow from others are left out; the table has all.", class_="note"),
        element("details", element("summary", f"All {len(forms)} as a table"), _table(forms)),
    )


def _table(forms: list[dict[str, Any]]) -> Markup:
    rows = []
    for form in forms:
        sizes = []
        for kind in FORMS:
            file = form["forms"].get(kind)
            shown = ABSENT if file is None else "not built" if file["bytes"] is None else size(file["bytes"])
            packed = element("small", " in the image") if file and file["in_image"] else None
            sizes.append(element("td", shown, packed, class_="number", data_label=FORMS[kind]))
        name = element("th", form["name"], scope="row")
        kind, needs = KINDS[form["kind"]], ", ".join(form["needs"]) or ABSENT
        rows.append(element("tr", name, element("td", kind), sizes, element("td", needs, data_label="links")))
    titles = ["name", "what", *FORMS.values(), "links"]
    numbers = set(FORMS.values())
    head = [element("th", title, scope="col", class_="number" if title in numbers else None) for title in titles]
    table = element("table", element("thead", element("tr", head)), element("tbody", rows), class_="forms")
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Forms and sizes")

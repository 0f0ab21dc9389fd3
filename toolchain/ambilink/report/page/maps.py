"""What fills the image and the memory, and who shares what."""

from typing import Any

from ambilink.report.page.html import Markup, element
from ambilink.report.page.numbers import ABSENT, change, count, size, size_text
from ambilink.report.page.strip import bar, legend, strip

PAGE = 4096
IMAGE_KINDS = {
    "kernel": "kernel",
    "directory": "directory",
    "program": "programs",
    "library": "libraries",
    "pages": "pages relocated by the packer",
    "packed": "how packed programs start",
    "module": "kernel's modules",
    "data": "data",
    "section": "sections",
    "file": "file",
    "padding": "padding and headers",
}
MEMORY_KINDS = {
    "kernel": "kernel",
    "shared": "image, shared by processes",
    "single": "image, mapped by one process",
    "image": "image, not mapped",
    "private": "private to a process",
    "common": "shared, not of the image",
    "tables": "page tables and kernel objects",
}


def image_map(record: dict[str, Any]) -> Markup:
    image = record["image"]
    parts = image["parts"]
    largest = max((part["bytes"] for part in parts), default=0)
    rows = [
        element(
            "tr",
            element("th", part["name"], scope="row"),
            element("td", element("span", class_=f"swatch kind-{part['kind']}"), part["kind"], data_label="kind"),
            element(
                "td",
                size(part["bytes"]) if "same_as" not in part else f"same as {part['same_as']}",
                class_="number",
                data_label="size",
            ),
            element("td", bar(part["bytes"], largest, part["kind"]), class_="bars"),
            element(
                "td",
                f"{part['bytes'] / image['bytes']:.1%}" if image["bytes"] else ABSENT,
                class_="number",
                data_label="share",
            ),
        )
        for part in sorted(parts, key=lambda part: -part["bytes"])
    ]
    head = _head("part", "kind", ("size", "number"), ("from 0 to the largest part", "bars"), ("share", "number"))
    table = element("table", head, element("tbody", rows), class_="parts")
    by_place = sorted(parts, key=lambda part: (part["kind"] == "padding", part["offset"]))
    return element(
        "div",
        strip(by_place, "The image, in the order of the file"),
        legend(IMAGE_KINDS, parts),
        element("details", element("summary", f"All {len(parts)} parts"), _scroll(table, "Parts of the image")),
    )


def _head(*columns: str | tuple[str, str]) -> Markup:
    cells = []
    for column in columns:
        name, kind = column if isinstance(column, tuple) else (column, None)
        cells.append(element("th", name, scope="col", class_=kind))
    return element("thead", element("tr", cells))


def _scroll(table: Markup, name: str) -> Markup:
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=name)


def sizes(record: dict[str, Any]) -> Markup:
    compared = record["compared"]
    image = record["image"]
    if compared is None:
        return element(
            "p",
            "There was no earlier image to compare with: the next build's page compares with this one.",
            class_="empty",
        )
    now = {part["name"]: part["bytes"] for part in image["parts"]}
    before: dict[str, int] = compared["parts"]
    names = [name for name in dict.fromkeys([*now, *before]) if now.get(name) != before.get(name)]
    rows = [_size_row(name, now.get(name), before.get(name)) for name in names]
    whole = _size_row("the image", image["bytes"], compared["bytes"])
    head = _head("part", ("last build", "number"), ("now", "number"), ("change", "number"))
    table = element("table", head, element("tbody", rows), element("tfoot", whole), class_="sizes")
    same = sum(1 for name in now if now[name] == before.get(name))
    note = f"Compared with the image that was booted at {compared['started']}; {same} parts have the size they had."
    return element("div", _scroll(table, "Sizes against the last build"), element("p", note, class_="note"))


def _size_row(name: str, now: int | None, before: int | None) -> Markup:
    if now is None:
        difference = element("span", "gone", class_="less")
    elif before is None:
        difference = element("span", "new", class_="more")
    else:
        difference = change(now, before)
    cells = [
        element("td", ABSENT if value is None else size(value), class_="number", data_label=label)
        for label, value in (("last build", before), ("now", now))
    ]
    last = element("td", difference, class_="number", data_label="change")
    return element("tr", element("th", name, scope="row"), cells, last)


def memory_map(record: dict[str, Any]) -> Markup:
    memory = record["memory"]
    parts = memory["parts"]
    if not parts:
        return element(
            "p", "No kernel of this project was there whose record leads to the processes' pages.", class_="empty"
        )
    used = [part for part in parts if part["kind"] in MEMORY_KINDS]
    whole, taken = memory["bytes"], sum(part["bytes"] for part in used)
    free = sum(part["bytes"] for part in parts if part["kind"] == "free")
    sentence = element(
        "p",
        size(taken),
        f" of {size_text(whole)} are in use ({taken / max(1, whole):.1%}); ",
        size(free),
        " are free, and the rest was not the kernel's to hand out.",
    )
    return element(
        "div",
        sentence,
        strip(used, "Memory in use"),
        legend(MEMORY_KINDS, used),
        _processes(record, parts),
        _sharing(record),
    )


def _processes(record: dict[str, Any], parts: list[dict[str, Any]]) -> Markup:
    own = {part["process"]: part["bytes"] for part in parts if "process" in part}
    shown = [each for each in record["processes"] if None not in (each["pages"], each["private_pages"])]
    most = max((max(1, process["pages"], process["private_pages"]) for process in shown), default=1)
    rows = []
    for process in shown:
        pages, private = process["pages"], process["private_pages"]
        shared = max(0, pages - private)
        picture = element(
            "svg",
            element("rect", x=0, y=0, width=1000 * shared / most, height=10, class_="kind-shared"),
            element("rect", x=1000 * shared / most, y=0, width=1000 * private / most, height=10, class_="kind-private"),
            viewBox="0 0 1000 10",
            preserveAspectRatio="none",
            aria_hidden="true",
            class_="bar",
        )
        rows.append(
            element(
                "tr",
                element(
                    "th", element("b", process["name"]), " ", element("small", str(process["number"])), scope="row"
                ),
                element("td", size(shared * PAGE), class_="number", data_label="of the image"),
                element("td", size(private * PAGE), class_="number", data_label="outside it"),
                element("td", size(own.get(process["number"], 0)), class_="number", data_label="its alone"),
                element("td", picture, class_="bars"),
                data_process=process["number"],
            )
        )
    head = _head(
        "process",
        ("of the image", "number of-image"),
        ("outside it", "number of-own"),
        ("its alone", "number"),
        (f"from 0 to {size_text(most * PAGE)}", "bars"),
    )
    table = element("table", head, element("tbody", rows), class_="memory")
    return element("div", element("h3", "Mapped by each process"), _scroll(table, "Memory of each process"))


def _sharing(record: dict[str, Any]) -> Markup | None:
    """A row for each library, a column for each process: who maps whose frames."""
    names = list(dict.fromkeys(process["name"] for process in record["processes"] if process["pages"] is not None))
    rows, saved = [], 0
    for use in record["sharing"]:
        if use["kind"] != "library":
            continue
        gain = use["read_only_pages"] * max(0, len(use["processes"]) - 1) * PAGE
        saved += gain
        dots = [
            element(
                "td",
                element("span", "●", title=f"{name} maps {use['name']}") if name in use["processes"] else "",
                class_="dot",
                data_label=name,
            )
            for name in names
        ]
        rows.append(
            element(
                "tr",
                element("th", use["name"], scope="row"),
                element("td", size(use["read_only_pages"] * PAGE), class_="number", data_label="read-only"),
                element("td", count(len(use["processes"])), class_="number", data_label="users"),
                element("td", size(gain), class_="number", data_label="saved"),
                dots,
            )
        )
    if not rows:
        return None
    slanted = [element("th", element("span", name), scope="col", class_="slanted") for name in names]
    head = element(
        "thead",
        element(
            "tr",
            element("th", "library", scope="col"),
            element("th", "read-only", scope="col", class_="number"),
            element("th", "users", scope="col", class_="number"),
            element("th", "saved", scope="col", class_="number"),
            slanted,
        ),
    )
    foot = element(
        "tfoot",
        element(
            "tr",
            element("th", "all", scope="row"),
            element("td"),
            element("td"),
            element("td", size(saved), class_="number", data_label="saved"),
            element("td", colspan=len(names)),
        ),
    )
    table = element("table", head, element("tbody", rows), foot, class_="sharing")
    return element(
        "div",
        element("h3", "Libraries shared"),
        element("p", "A dot: the process maps the image's own frames of this library.", class_="note"),
        _scroll(table, "Libraries and the processes that map them"),
    )

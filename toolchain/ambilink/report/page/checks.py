"""Each check of the verification, with what was looked at and what failed."""

from typing import Any

from ambilink.report.page.html import Markup, element

MARKS = {"passed": "\u2713", "failed": "\u2717", "skipped": "\u2013"}
GROUPS = {
    "machine": "The machine",
    "console": "The console",
    "memory": "Pages of every process",
    "linking": "Linking",
}


def checks(record: dict[str, Any]) -> Markup:
    groups = dict.fromkeys(check["group"] for check in record["checks"])
    return element(
        "div",
        [
            element(
                "div",
                element("h3", GROUPS.get(group, group)),
                element("ul", [_check(each) for each in record["checks"] if each["group"] == group], class_="checks"),
            )
            for group in groups
        ],
        class_="check-groups",
    )


def _check(check: dict[str, Any]) -> Markup:
    failures = element("ul", [element("li", failure) for failure in check["failures"]], class_="failures")
    return element(
        "li",
        element("span", MARKS[check["result"]], class_="mark", aria_hidden="true"),
        element(
            "div",
            element("b", check["name"]),
            " ",
            element("span", check["result"], class_="result"),
            element("div", check["detail"], class_="detail") if check["detail"] else None,
            failures if check["failures"] else None,
        ),
        class_=check["result"],
    )

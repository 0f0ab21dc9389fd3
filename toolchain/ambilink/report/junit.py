"""A boot as JUnit XML, as CI systems read it: a suite for the boot, a test case for each of its checks."""

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

from ambilink.report.visible import visible

BROKEN = "broken"


def junit(record: dict[str, Any]) -> bytes:
    checks = record["checks"]
    broken = record["verdict"] == BROKEN
    suites, suite = _suite(
        f"boot {record['image']['name']} in {record['machine']}",
        tests=len(checks),
        failures=0 if broken else sum(check["result"] == "failed" for check in checks),
        errors=sum(check["result"] == "failed" for check in checks) if broken else 0,
        skipped=sum(check["result"] == "skipped" for check in checks),
        time=f"{record['seconds']:.3f}",
        timestamp=record["started"].removesuffix("Z"),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("machine", "verdict", "instructions", "program"):
        if record[name] is not None:
            ElementTree.SubElement(properties, "property", name=name, value=visible(str(record[name])))
    for index, check in enumerate(checks):
        # The boot took the time, and the looking hardly any.
        seconds = f"{record['seconds']:.3f}" if index == 0 else "0"
        case = _case(suite, record["image"]["name"], check["group"], check["name"], seconds)
        if check["result"] == "skipped":
            ElementTree.SubElement(case, "skipped", message=visible(check["detail"]))
        elif check["result"] == "failed":
            kind = "error" if broken else "failure"
            failure = ElementTree.SubElement(case, kind, type=check["group"], message=visible(check["detail"]))
            failure.text = _lines([check["detail"], *check["failures"]])
    ElementTree.SubElement(suite, "system-out").text = _lines(_shown(line) for line in record["console"])
    ElementTree.SubElement(suite, "system-err").text = _lines(
        line
        for lines in ("warnings", "reasons", "failures", "faults", "crash", "waiting")
        for line in record.get(lines) or ()
    )
    return _bytes(suites)


def junit_without_machine(image: str, machine: str, reason: str) -> bytes:
    """Nothing was booted: the one test case is skipped."""
    suites, suite = _suite(f"boot {image} in {machine}", tests=1, failures=0, errors=0, skipped=1, time="0")
    case = _case(suite, image, "machine", "the guest passes", "0")
    ElementTree.SubElement(case, "skipped", message=visible(reason))
    return _bytes(suites)


def _suite(name: str, **attributes: Any) -> tuple[ElementTree.Element, ElementTree.Element]:
    suites = ElementTree.Element("testsuites")
    values = {"name": visible(name), **{key: str(value) for key, value in attributes.items()}}
    return suites, ElementTree.SubElement(suites, "testsuite", values)


def _case(suite: ElementTree.Element, image: str, group: str, name: str, seconds: str) -> ElementTree.Element:
    classname = f"boot.{image.replace('.', '_')}.{group}"
    return ElementTree.SubElement(suite, "testcase", classname=visible(classname), name=visible(name), time=seconds)


def _shown(line: dict[str, Any]) -> str:
    return f"{line['console']}: {line['text']}" if line["console"] else str(line["text"])


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{visible(line)}\n" for line in lines)


def _bytes(suites: ElementTree.Element) -> bytes:
    ElementTree.indent(suites)
    whole: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"

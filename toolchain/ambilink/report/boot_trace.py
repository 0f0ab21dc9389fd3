"""The course of a boot as the JSON that ui.perfetto.dev and chrome://tracing open ("Trace Event Format")."""

import json
from typing import Any

from ambilink.report.visible import visible

CONSOLE = 0  # in the place of a process' number
PHASES = {"created": "made and linked", "begun": "running", "ready": "serving"}
STEPS = {"begun": "linked", "ready": "ready", "ended": "end"}


def boot_trace(record: dict[str, Any]) -> bytes:
    """Times are microseconds. Where instructions are counted, a thousand of them are one, on every track; else
    processes have the guest's clock, and the console has the host's."""
    counted = record["instructions"] is not None
    events: list[dict[str, Any]] = []
    end = record["instructions"] / 1000 if counted else _latest(record)
    for process in record["processes"]:
        events += _of_process(process, counted, end)
    events += _of_console(record["console"], counted)
    clock = (
        "instructions, a thousand to the microsecond" if counted else "the guest's clock; of the console, the host's"
    )
    about = {key: record[key] for key in ("program", "machine", "verdict", "started")} | {"clock": clock}
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ns", "otherData": about}, indent=0).encode()


def _latest(record: dict[str, Any]) -> float:
    instants = [each for process in record["processes"] for each in (process["instants"] or {}).values() if each]
    latest: int = max(record["verdict_nanoseconds"] or 0, *(each["nanoseconds"] for each in instants), 0)
    return latest / 1000


def _named(number: int, name: str, track: str) -> list[dict[str, Any]]:
    return [
        {"name": "process_name", "ph": "M", "pid": number, "tid": 0, "args": {"name": name}},
        {"name": "process_sort_index", "ph": "M", "pid": number, "tid": 0, "args": {"sort_index": number}},
        {"name": "thread_name", "ph": "M", "pid": number, "tid": number, "args": {"name": track}},
    ]


def _of_process(process: dict[str, Any], counted: bool, end: float) -> list[dict[str, Any]]:
    number = process["number"]
    reached = [(key, each) for key, each in (process["instants"] or {}).items() if each]
    if not reached:
        return []
    common = {"pid": number, "tid": number}
    events = _named(number, visible(process["name"]), f"linked by {process['linker'] or 'another'}")
    times = [each["instructions"] / 1000 if counted else each["nanoseconds"] / 1000 for _, each in reached]
    for (key, instant), at, until in zip(reached, times, [*times[1:], end], strict=True):
        if key in PHASES:
            phase = {"name": PHASES[key], "cat": "process", "ph": "X", "ts": at, "dur": max(0.001, until - at)}
            events.append(phase | common | {"args": {"state": process["state"], **instant}})
        if key in STEPS:
            events.append({"name": STEPS[key], "cat": "step", "ph": "i", "s": "t", "ts": at, **common, "args": instant})
    return events


def _of_console(lines: list[dict[str, Any]], counted: bool) -> list[dict[str, Any]]:
    if not lines:
        return []
    events = _named(CONSOLE, "console" if counted else "console, by the host's clock", "lines")
    for line in lines:
        at = line["instructions"] / 1000 if counted else line["seconds"] * 1e6
        text = f"{line['console']}: {line['text']}" if line["console"] else line["text"]
        events.append(
            {
                "name": visible(text) or " ",
                "cat": "console",
                "ph": "i",
                "s": "t",
                "ts": at,
                "pid": CONSOLE,
                "tid": CONSOLE,
            }
            | {"args": {"seconds": line["seconds"], "instructions": line["instructions"]}}
        )
    return events

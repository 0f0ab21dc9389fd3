"""A boot as one record, `boot.json`: everything that the log, the page, the JUnit file and the trace show.

docs/boot-record.md describes the fields.
"""

import hashlib
import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ambilink import __version__
from ambilink.boot import BootResult
from ambilink.bootimage.layout import Archive, Linker
from ambilink.errors import AmbilinkError
from ambilink.files import read_regular
from ambilink.machine.memory import MEGABYTE
from ambilink.machine.model import Verdict
from ambilink.report.boot import waiting_lines
from ambilink.report.checks import checks
from ambilink.report.contents import image_parts, memory_parts
from ambilink.report.forms import forms
from ambilink.report.record_shape import check_shape
from ambilink.verify.kernel_state import Process
from ambilink.verify.lives import Instant, Life, LifeEvent
from ambilink.verify.modules import FIRST_PROCESS
from ambilink.verify.system import ProcessView

FORMAT = 2  # another number where a key is renamed, removed, or means something else; new keys may come
REMEDY = "boot again with this version of ambilink, or read it with the version that wrote it"
Record = dict[str, Any]


def read_record(path: Path) -> Record:
    """Refuses what is no record, and records of another format."""
    try:
        record = json.loads(read_regular(path, "boot with --record first"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise AmbilinkError(path, f"is no record of a boot ({error})", "boot with --record") from error
    if not isinstance(record, dict) or "format" not in record or "verdict" not in record:
        raise AmbilinkError(path, "is no record of a boot", "boot with --record")
    if record["format"] != FORMAT:
        raise AmbilinkError(path, f"has format {record['format']}; this program reads format {FORMAT}", REMEDY)
    check_shape(record, path)
    return record


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def as_json(result: BootResult, before: Record | None = None) -> Record:
    """`before`: the record that this one replaces, which sizes are compared with."""
    outcome, state, report, slots = result.outcome, result.state, result.report, result.slots
    parts = image_parts(result.request.image, result.image)
    digest = hashlib.blake2b(result.request.image.read_bytes(), digest_size=32).hexdigest()
    total = result.request.memory_megabytes * MEGABYTE
    record: Record = {
        "format": FORMAT,
        "program": f"ambilink {__version__}",
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(result.started)),
        "machine": outcome.machine,
        "image": {
            "name": result.request.image.name,
            "what": "a boot image" if result.image else result.what,
            "bytes": sum(part["bytes"] for part in parts),
            "digest": digest,
            "parts": parts,
        },
        "settings": _settings(result),
        "verdict": outcome.verdict.value if not result.failures else Verdict.FAIL.value,
        "passed": result.exit_status == 0,
        "detail": outcome.detail,
        "failures": result.failures,
        "reasons": result.reasons,
        "warnings": result.warnings,
        "seconds": round(outcome.seconds, 4),
        "instructions": outcome.instructions,
        "verdict_nanoseconds": state.ready_instant or None if state else None,
        "counters": _counters(result),
        "console": [
            {
                "text": line.text,
                "console": line.console,
                "seconds": round(line.seconds, 4),
                "instructions": line.instructions,
            }
            for line in outcome.console
        ],
        "crash": outcome.crash,
        "faults": result.faults,
        "cpu": result.stopped.as_json() if result.stopped else None,
        "nowhere": [each.as_json() for each in result.touched],
        "threads": [asdict(thread) for thread in result.threads],
        "memory_read": [
            {"place": read.text, "address": read.address, "bytes": read.data.hex()} for read in result.memory
        ],
        "waiting": waiting_lines(state) if state and outcome.verdict is Verdict.TIMEOUT else [],
        "checks": checks(result),
        "processes": _processes(result),
        "processes_created": result.lives.created if result.lives else None,
        "memory": {
            "bytes": total,
            "frames": state.frames_total if state else None,
            "used": state.frames_used if state else None,
            "parts": memory_parts(result.image, state, report, total) if result.image and state and report else [],
        },
        "sharing": [
            {
                "name": use.name,
                "kind": use.kind.name.lower(),
                "read_only_pages": use.read_only_pages,
                "processes": use.processes,
            }
            for use in (report.files if report else [])
        ],
        "slots": {
            **vars(slots.total),
            "judges": {judge.name.lower(): vars(counts) for judge, counts in slots.judges.items()},
            "no_core": slots.missing,
        }
        if slots
        else None,
        "forms": forms(result.root, result.image),
    }
    record["compared"] = _compared(record, before)
    return record


def _settings(result: BootResult) -> dict[str, Any]:
    request = result.request
    return {
        "memory_megabytes": request.memory_megabytes,
        "timeout": request.timeout if math.isfinite(request.timeout) else None,
        "seed": request.seed,
        "command_line": request.arguments,
        "accelerator": request.accelerator if result.outcome.machine == "qemu" else None,
        "firmware": request.firmware if request.is_cd else None,
        "protocol": result.protocol,
        "modules": " ".join(each.path.name for each in request.modules) or None,
        "judged_by": request.rules_from or "ambilink",
        "expected_lines": len(result.expected),
    }


def _counters(result: BootResult) -> dict[str, int]:
    state = result.state
    kernel = {"system calls": state.system_calls, "thread switches": state.context_switches} if state else {}
    return {**result.outcome.counters, **kernel}


def _instant(instant: Instant | None) -> dict[str, Any] | None:
    if instant is None:
        return None
    return {
        "nanoseconds": instant.nanoseconds,
        "instructions": instant.instructions,
        "seconds": None if instant.seconds is None else round(instant.seconds, 6),
    }


def _processes(result: BootResult) -> list[dict[str, Any]]:
    """All that were created, in their order; what is gone has no pages."""
    views = {view.process.number: view for view in (result.report.processes if result.report else [])}
    lives = result.lives.lives if result.lives else []
    numbers = {life.number for life in lives}
    found = [_of_life(result, life, views.get(life.number)) for life in lives]
    for number, view in views.items():
        if number not in numbers:  # the kernel's table of lives was full
            found.append(_process(result, view.process, view))
    return found


def _of_life(result: BootResult, life: Life, view: ProcessView | None) -> dict[str, Any]:
    process = view.process if view else Process(life.number, life.name, life.state, life.exit_status, 0, [])
    return _process(result, process, view) | {
        "instants": {event.name.lower(): _instant(life.instants.get(event)) for event in LifeEvent}
    }


def _process(result: BootResult, process: Process, view: ProcessView | None) -> dict[str, Any]:
    assert result.image is not None
    program, linker = _program_and_linker(result.image.archive, process)
    return {
        "number": process.number,
        "name": process.name,
        "program": program,
        "linker": linker,
        "state": process.state.name.lower(),
        "exit_status": process.exit_status,
        "instants": None,
        "pages": view.pages if view else None,
        "private_pages": view.private_pages if view else None,
        "modules": {module.file.name: module.base for module in view.modules} if view else {},
    }


def _program_and_linker(archive: Archive, process: Process) -> tuple[str | None, str | None]:
    """None of what the manifest does not name."""
    if process.number == FIRST_PROCESS:
        return archive.loader, "kernel" if archive.loader_linker is Linker.KERNEL else "static"
    service = next((each for each in archive.services if each.name == process.name), None)
    return (service.file, service.linker.name.lower()) if service else (None, None)


def _compared(record: Record, before: Record | None) -> dict[str, Any] | None:
    """Sizes of the image's files in the build before this one. A boot again of the same image compares with the same
    one as before."""
    if before is None:
        return None
    if before["image"]["digest"] == record["image"]["digest"]:
        compared = before.get("compared")
        return compared if isinstance(compared, dict) else None
    return {
        "started": before["started"],
        "bytes": before["image"]["bytes"],
        "parts": {part["name"]: part["bytes"] for part in before["image"]["parts"]},
    }

"""Each check of a boot, with its result: what the guest said, what the console had to show, what memory shows."""

from typing import Any

from ambilink.boot import BootResult
from ambilink.machine.model import Verdict
from ambilink.verify.system import Rule

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
Check = dict[str, Any]  # name, group, result, detail, failures

MACHINE, CONSOLE, MEMORY, LINKING = "machine", "console", "memory", "linking"
NOT_OURS = "there is no kernel of this project whose memory could be read"
UNFINISHED = "the boot did not pass, so processes may be unfinished"
ABSENT = "no such page was there"


def checks(result: BootResult) -> list[Check]:
    return [*_verdict(result), *_console(result), *_slots(result), *_memory(result)]


def _check(group: str, name: str, result: str, detail: str = "", failures: list[str] | None = None) -> Check:
    return {"group": group, "name": name, "result": result, "detail": detail, "failures": failures or []}


def _verdict(result: BootResult) -> list[Check]:
    outcome = result.outcome
    passed = outcome.verdict is Verdict.PASS
    detail = "" if passed else outcome.detail or outcome.verdict.value
    undecided = outcome.verdict is Verdict.ENDED
    return [_check(MACHINE, "the guest passes", PASSED if passed else SKIPPED if undecided else FAILED, detail)]


def _console(result: BootResult) -> list[Check]:
    name = "expected lines come in their order"
    if not result.expected:
        return [_check(CONSOLE, name, SKIPPED, "no lines were expected")]
    if result.missing is None:
        return [_check(CONSOLE, name, PASSED, f"{len(result.expected)} lines")]
    return [_check(CONSOLE, name, FAILED, f"{result.missing.line.place}: not found: {result.missing.line.text}")]


def _memory(result: BootResult) -> list[Check]:
    report = result.report
    if result.verify_error:
        return [_check(MEMORY, "the machine's memory can be read", FAILED, result.verify_error)]
    if report is None:
        return [_check(MEMORY, rule.value, SKIPPED, NOT_OURS) for rule in Rule]
    if result.outcome.verdict is not Verdict.PASS:
        return [_check(MEMORY, rule.value, SKIPPED, UNFINISHED) for rule in Rule]
    found = []
    for rule in Rule:
        count, broken = report.looked_at[rule], report.broken.get(rule, [])
        detail = f"{count:,} pages" if count else ABSENT
        found.append(_check(MEMORY, rule.value, FAILED if broken else PASSED if count else SKIPPED, detail, broken))
    return found


def _slots(result: BootResult) -> list[Check]:
    name = "relocated slots are what a second linker computes"
    slots = result.slots
    if slots is None:
        return [] if result.verify_error else [_check(LINKING, name, SKIPPED, NOT_OURS)]
    finished = result.outcome.verdict is Verdict.PASS
    failures = slots.failures if finished else slots.at_start
    total = slots.total
    judges = " and ".join(judge.value for judge in slots.judges)
    detail = f"{total.equal:,} slots in {total.objects} objects of {total.processes} processes, by {judges}"
    if not total.objects:
        return [_check(LINKING, name, FAILED if failures else SKIPPED, "no process was linked yet", failures)]
    if slots.missing:
        detail += f"; no second answer for packed services: {slots.missing}"
    return [_check(LINKING, name, FAILED if failures else PASSED, detail, failures)]

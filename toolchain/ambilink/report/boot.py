"""A boot's result as text."""

from collections.abc import Sequence

from ambilink.boot import BootResult
from ambilink.bootimage.layout import PAGE_SIZE
from ambilink.machine.judge import GUEST_FAILED, UNDECIDED
from ambilink.machine.model import Outcome, Verdict
from ambilink.verify.kernel_state import KernelState, ProcessState, ThreadState
from ambilink.verify.slots import SlotReport
from ambilink.verify.stopped import stopped_lines
from ambilink.verify.system import SystemReport


def _kib(pages: int) -> str:
    return f"{pages * PAGE_SIZE // 1024:,} KiB"


def sharing_table(report: SystemReport) -> list[str]:
    """Per library: how many processes map its read-only pages, all of them the same frames."""
    rows = [("library", "read-only", "processes", "saved")]
    for use in report.files:
        if use.kind.is_library:
            saved = use.read_only_pages * max(0, len(use.processes) - 1)
            rows.append((use.name, _kib(use.read_only_pages), str(len(use.processes)), _kib(saved)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        f"  {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}" for row in rows
    ]


def ended_processes(state: KernelState) -> list[str]:
    ended = (process for process in state.processes if process.state is not ProcessState.ALIVE)
    return [f"{process.name}: {process.state.name.lower()}, status {process.exit_status}" for process in ended]


def waiting_lines(state: KernelState) -> list[str]:
    """What each process was doing when the machine ended."""
    lines = [f"  {line}" for line in ended_processes(state)]
    for process in state.processes:
        for thread in process.threads:
            if thread.state is not ThreadState.DEAD:
                lines.append(f"  {process.name}: {thread.describe()}")
    return lines


def verdict_line(outcome: Outcome, failures: list[str], reasons: Sequence[str] = ()) -> str:
    words = {Verdict.PASS: "passed", Verdict.ENDED: "ended"}
    word = "FAILED" if failures else words.get(outcome.verdict, "FAILED")
    parts = [f"{outcome.machine}: {word} in {outcome.seconds:.2f} s"]
    if outcome.instructions is not None:
        parts.append(f"{outcome.instructions:,} instructions")
    if outcome.verdict is Verdict.ENDED:
        parts.append(outcome.detail)
    if outcome.verdict in (Verdict.PASS, Verdict.ENDED):
        parts += failures[:1]
    else:
        detail = "" if reasons and outcome.detail == GUEST_FAILED else outcome.detail
        why = [each for each in (detail, *(reasons or failures)[:1]) if each]
        parts.append(": ".join([outcome.verdict.value, "; ".join(why)] if why else [outcome.verdict.value]))
    return ", ".join(parts)


def slot_lines(slots: SlotReport) -> list[str]:
    """What was compared, by who judged."""
    lines = []
    for judge, counts in slots.judges.items():
        lines.append(
            f"  {counts.equal:,} relocated slots in {counts.objects} objects of {counts.processes} processes "
            f"are what {judge.value} computes"
        )
        notes = [
            f"{counts.changed:,} more were changed by their programs since" if counts.changed else "",
            f"{counts.pending:,} are the programs' own to fill" if counts.pending else "",
            f"of {counts.waiting:,} functions that wait for calls {counts.bound:,} are bound" if counts.waiting else "",
        ]
        lines += [f"  ({note})" for note in notes if note]
    if slots.missing:
        lines += [
            "  (no second answer: the model judged what it packed itself, because there is no linker core here:",
            f"   {slots.missing})",
        ]
    return lines


def _shows_cpu(result: BootResult) -> bool:
    """Where it could not go on, or nothing else says where it was. In the record it always is."""
    verdict = result.outcome.verdict
    stuck = result.outcome.cpu is not None and result.outcome.cpu.is_stuck
    asked = verdict is Verdict.ENDED and result.request.stop_at is not None
    return stuck or asked or verdict is Verdict.HALTED or (verdict in UNDECIDED and result.state is None)


def as_text(result: BootResult) -> list[str]:
    outcome, state, report, failures = result.outcome, result.state, result.report, result.failures
    lines: list[str] = []
    if result.faults:
        lines += ["", *result.faults]
    if outcome.crash:
        lines += ["", "what the console shows of the failure:", *(f"  {line}" for line in outcome.crash)]
    if result.stopped and _shows_cpu(result):
        lines += ["", "where the CPU stopped:", *stopped_lines(result.stopped)]
    wild = next((each for each in result.touched if not each.touch.is_port), None)
    if wild and outcome.verdict is not Verdict.PASS:
        lines += ["", "the first access to an address with nothing behind it:", *wild.lines()]
    if result.threads:
        ended = [f"  {name}" for name in ended_processes(state)] if state else []
        when = "threads, where they were stopped" if outcome.verdict is Verdict.ENDED else "when time was up"
        lines += ["", f"{when}:", *ended, *(line for thread in result.threads for line in thread.lines())]
    for read in result.memory:
        lines += ["", *read.lines()]
    if report and outcome.verdict is Verdict.PASS:
        lines += ["", *sharing_table(report)]
    if state:
        lines.append(
            f"  {len(state.processes)} processes, {_kib(state.frames_used)} of memory used, "
            f"{state.system_calls:,} system calls, {state.context_switches:,} thread switches"
        )
    if report and outcome.verdict is Verdict.PASS:
        frames = sum(use.read_only_pages for use in report.files if len(use.processes) > 1)
        promises = "" if report.failures else "; no page is writable and executable, RELRO is read-only"
        lines.append(f"  {frames:,} frames are shared, which saves {_kib(report.shared_pages_saved)}{promises}")
    if report and report.given_back and outcome.verdict is Verdict.PASS:
        names = ", ".join(process.name for process in report.given_back)
        lines.append(f"  not looked at after the boot, for others needed the memory when they had ended: {names}")
    if result.slots and outcome.verdict is Verdict.PASS:
        lines += slot_lines(result.slots)
    lines += [f"  warning: {warning}" for warning in result.warnings]
    lines += [f"  FAILED: {failure}" for failure in (*result.reasons[1:], *failures)]
    lines += ["", verdict_line(outcome, failures, result.reasons)]
    return lines

"""A boot's profile as text and as JSON."""

from collections import Counter
from typing import Any

from ambilink.report.boot import verdict_line
from ambilink.verify.profile import Profile


def _rows(counts: Counter[str], total: int, top: int) -> list[str]:
    shown = counts.most_common(top)
    rest = total - sum(count for _, count in shown)
    lines = [f"  {100 * count / total:5.1f} %  {count:>13,}  {text}" for text, count in shown]
    return [*lines, f"  {100 * rest / total:5.1f} %  {rest:>13,}  others"] if rest else lines


def as_text(profile: Profile, top: int) -> list[str]:
    """Three tables: processes, files, functions; the kernel is a process of its own."""
    total = profile.places.total()
    processes: Counter[str] = Counter()
    files: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for place, count in profile.places.items():
        processes[place.process] += count
        files[place.file] += count
        functions[f"{place.file}: {place.function}"] += count
    return [
        "instructions by process",
        *_rows(processes, total, top),
        "",
        "by file",
        *_rows(files, total, top),
        "",
        "by function",
        *_rows(functions, total, top),
        "",
        verdict_line(profile.outcome, []),
    ]


def as_json(profile: Profile) -> dict[str, Any]:
    return {
        "verdict": profile.outcome.verdict.value,
        "instructions": profile.outcome.instructions,
        "places": [
            {"process": place.process, "file": place.file, "function": place.function, "instructions": count}
            for place, count in profile.places.most_common()
        ],
    }

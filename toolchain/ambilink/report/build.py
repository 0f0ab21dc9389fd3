"""What a build made, as a table for the terminal: libraries and services with their sizes, and where time went."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ambilink.incremental.journal import Step

WORDS = {"CC": "compiled", "AR": "archived", "LD": "linked", "STUB": "stubbed", "PACK": "packed", "BOOT": "booted"}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _bytes(size: int | None) -> str:
    return f"{size:,}" if size is not None else ""


def made_lines(
    steps: list[Step], build: Path, debug_of: Callable[[str], str], archives: Mapping[str, str]
) -> list[str]:
    """Nothing if nothing was made. `archives` has the static form of shared libraries."""
    good = [step for step in steps if step.status == 0]
    linked = sorted({step.target for step in good if step.word == "LD" and Path(debug_of(step.target)).is_file()})
    if not good:
        return []
    if not linked:
        return ["", "  " + _summary(good)] if len(good) > 1 else []
    rows = [("linked", "shipped", "with debug", "archive", "seconds")]
    for name in linked:
        path = Path(name)
        shipped, debug = _size(path), _size(Path(debug_of(name)))
        archive = _size(Path(archives[name])) if name in archives else None
        seconds = sum(step.seconds for step in good if step.target in (name, archives.get(name)))
        shown = str(path.relative_to(build)) if path.is_relative_to(build) else name
        rows.append((shown, _bytes(shipped), _bytes((shipped or 0) + (debug or 0)), _bytes(archive), f"{seconds:.2f}"))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  "
        + "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return ["", *(line.rstrip() for line in lines), "  " + _summary(good)]


def _summary(steps: list[Step]) -> str:
    counts = []
    for word, name in WORDS.items():
        chosen = [step for step in steps if step.word == word]
        if chosen:
            cached = sum(step.cached for step in chosen)
            of_cache = f"{cached:,} from the cache" if cached else ""
            spent = "" if cached == len(chosen) else f"{sum(step.seconds for step in chosen):.1f} s"
            counts.append(f"{len(chosen):,} {name} ({', '.join(filter(None, (spent, of_cache)))})")
    start, end = min(step.start for step in steps), max(step.start + step.seconds for step in steps)
    return f"{', '.join(counts)}; {end - start:.1f} s in all"

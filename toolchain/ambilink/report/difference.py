"""What a build changed: sizes, sharing and verdicts, beside those of the build before it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.errors import AmbilinkError
from ambilink.report.record import Record, read_record

PAGE = 4096
ROWS_MAX = 12  # files that are listed


@dataclass(frozen=True)
class Boot:
    verdict: str
    shared_frames: int
    saved_bytes: int
    used_frames: int | None

    @classmethod
    def of(cls, record: Record) -> "Boot":
        shared = [use for use in record["sharing"] if len(use["processes"]) > 1]
        pages = [(use["read_only_pages"], len(use["processes"])) for use in shared]
        return cls(
            f"{record['machine']}: {'passed' if record['passed'] else 'FAILED'}",
            sum(count for count, _ in pages),
            sum(count * (users - 1) for count, users in pages) * PAGE,
            record["memory"]["used"],
        )


@dataclass(frozen=True)
class BuildState:
    """What is compared: sizes of what was linked, archived and packed, and boots, by path."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    boots: Mapping[str, Boot] = field(default_factory=dict)

    @classmethod
    def of(cls, outputs: list[str], records: list[str]) -> "BuildState":
        sizes = {path: Path(path).stat().st_size for path in outputs if Path(path).is_file()}
        boots = {}
        for path in records:
            try:
                boots[path] = Boot.of(read_record(Path(path)))
            except AmbilinkError:
                continue  # it was not booted
        return cls(sizes, boots)


def difference_lines(before: BuildState, after: BuildState) -> list[str]:
    """Nothing, where nothing differs."""
    return [*_sizes(before.sizes, after.sizes), *_boots(before.boots, after.boots)]


def _sizes(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[str]:
    names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    names.sort(key=lambda name: -abs(after.get(name, 0) - before.get(name, 0)))
    shown = names[:ROWS_MAX]
    width = max(map(len, shown), default=0)
    for name in shown:
        old, new = before.get(name), after.get(name)
        yield f"  {name.ljust(width)}  {_amount(old)} -> {_amount(new)} bytes ({(new or 0) - (old or 0):+,})"
    if len(names) > len(shown):
        yield f"  and {len(names) - len(shown)} more files of another size"


def _boots(before: Mapping[str, Boot], after: Mapping[str, Boot]) -> Iterator[str]:
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        rows = {
            "verdict": [each.verdict if each else None for each in (old, new)],
            "shared": [f"{each.shared_frames:,} frames" if each else None for each in (old, new)],
            "saved by sharing": [f"{each.saved_bytes // 1024:,} KiB" if each else None for each in (old, new)],
            "memory used": [
                f"{each.used_frames * PAGE // 1024:,} KiB" if each and each.used_frames is not None else None
                for each in (old, new)
            ],
        }
        for name, (was, now) in rows.items():
            if was != now:
                yield f"  {path}: {name}: {was or 'none'} -> {now or 'none'}"


def _amount(size: int | None) -> str:
    return "none" if size is None else f"{size:,}"

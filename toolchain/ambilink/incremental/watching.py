"""Waiting until something changes that a build depended on.

A build that is asked to (by the variable INPUTS) leaves a list of what it read, whether it went well or not. The files
are polled: they are known and few, and polling works on every file system, also on those of other machines.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

INPUTS = "INPUTS_FOR_AMBILINK_WATCH"  # none of AMBILINK_...: these are a part of up-to-date records
INTERVAL = 0.25  # seconds between two looks
SETTLED = 0.1  # without a change for so long, or an editor is still writing

MOVING = ("/proc/", "/sys/", "/dev/")  # there all times change

Stamp = tuple[int, int, int] | str | None


@dataclass(frozen=True)
class BuildInputs:
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()  # whose names matter
    outputs: list[str] = field(default_factory=list)  # files that were linked, archived or packed
    records: list[str] = field(default_factory=list)  # of boots
    good: bool = False

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({**vars(self), "files": sorted(self.files), "folders": sorted(self.folders)}))

    @classmethod
    def read(cls, path: Path) -> "BuildInputs | None":
        """None, if the build ended before it knew any."""
        try:
            saved = json.loads(path.read_text())
            files = (file for file in saved.pop("files") if not file.startswith(MOVING))
            return cls(frozenset(files), frozenset(saved.pop("folders")), **saved)
        except (OSError, ValueError):
            return None

    def joined(self, other: "BuildInputs") -> "BuildInputs":
        """After a build that failed: it may not have come to all that it depends on."""
        outputs = list(dict.fromkeys(self.outputs + other.outputs))
        records = list(dict.fromkeys(self.records + other.records))
        return BuildInputs(self.files | other.files, self.folders | other.folders, outputs, records, other.good)

    def stamps(self) -> dict[str, Stamp]:
        return {**{path: _stamp(path) for path in self.files}, **{path + os.sep: _names(path) for path in self.folders}}


def _stamp(path: str) -> Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _names(path: str) -> Stamp:
    """Without what editors leave while they work."""
    try:
        names = os.listdir(path)
    except OSError:
        return None
    return "/".join(sorted(name for name in names if not name.startswith((".", "#")) and not name.endswith("~")))


def changed(before: Mapping[str, Stamp], after: Mapping[str, Stamp]) -> list[str]:
    return sorted(path for path in before.keys() & after.keys() if before[path] != after[path])


def wait_for_change(inputs: BuildInputs, before: Mapping[str, Stamp]) -> list[str]:
    """What changed, once no more does for a moment."""
    while not changed(before, now := inputs.stamps()):
        time.sleep(INTERVAL)
    while True:
        time.sleep(SETTLED)
        later = inputs.stamps()
        if later == now:
            return changed(before, now) or sorted(now)[:1]
        now = later


def named(paths: Iterable[str], most: int = 3) -> str:
    """For people: a few of them."""
    listed = list(paths)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")

"""What a build did: each step with its reason, its time, and what came out. Kept for `ambilink why`, estimates,
the final table and `./scons profile`."""

import contextlib
import json
import os
import stat
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.files import write_atomically
from ambilink.incremental.files import MISSING, Stamp, stat_of

VERSION = 1


@dataclass
class Step:
    """One target that was made."""

    word: str  # CC, LD, ...
    target: str
    start: float  # seconds since the epoch
    seconds: float
    slot: int  # which of the steps at the same time, from 0
    status: int = 0
    cached: bool = False
    reasons: list[str] = field(default_factory=list)  # in words
    causes: list[str] = field(default_factory=list)  # files that changed, steps of their own or sources


@dataclass
class Journal:
    """Steps of this build; by target, the last step of each that ever was; and what files it left."""

    path: Path
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, Stamp] = field(default_factory=dict)  # how each looks
    modes: dict[str, int] = field(default_factory=dict)  # who may do what with each
    _made: set[str] = field(default_factory=set)  # outputs of this build
    _failed: dict[str, tuple[str, Stamp]] = field(default_factory=dict)  # what failed left: in words, how it looks
    _changed: bool = False
    _last: dict[str, Step] = field(default_factory=dict)
    _slots: list[bool] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._last = read_steps(self.path)
        self.outputs = _read_outputs(self.path)
        self.modes = _read_modes(self.path)
        self._failed = _read_failed(self.path)

    def take_slot(self) -> int:
        with self._lock:
            for number, taken in enumerate(self._slots):
                if not taken:
                    self._slots[number] = True
                    return number
            self._slots.append(True)
            return len(self._slots) - 1

    def release_slot(self, slot: int) -> None:
        """Of a step that was not done."""
        with self._lock:
            self._slots[slot] = False

    def add(self, step: Step) -> None:
        with self._lock:
            self._slots[step.slot] = False
            self.steps.append(step)
            if step.status == 0:
                self._last[step.target] = step

    def last(self, words: Collection[str]) -> list[Step]:
        """Of each target, if it is of one of these words."""
        with self._lock:
            return [step for step in self._last.values() if step.word in words]

    def note(self, step: Step) -> None:
        """A step that only sums up others."""
        with self._lock:
            self._last[step.target] = step

    def wrote(self, path: str) -> None:
        """An output is as it should be: remember how it looks."""
        with self._lock:
            self.outputs[path] = stat_of(path)
            self._failed.pop(path, None)
            self._made.add(path)
            self._changed = True

    def failed(self, path: str, what: str) -> None:
        """A step failed; it may have left or altered this output."""
        with self._lock:
            stamp = stat_of(path)
            if stamp not in (MISSING, self.outputs.get(path)):
                self._failed[path] = (what, stamp)

    def failure(self, path: str) -> str | None:
        """What failed, where that left this output as it is."""
        with self._lock:
            what, stamp = self._failed.get(path, ("", MISSING))
            return what if what and stamp == stat_of(path) else None

    def unaltered(self, path: str) -> bool:
        """Whether an output looks as it was left."""
        with self._lock:
            return self.outputs.get(path) == stat_of(path)

    def repair_mode(self, path: str) -> None:
        """Others may have changed it, so that a program cannot be started, or a library not be read."""
        mode = self.modes.get(path)
        if mode is not None and _mode_of(path) not in (None, mode):
            with contextlib.suppress(OSError):  # it is another user's; reading it will say what is wrong
                os.chmod(path, mode)

    def save(self) -> None:
        with self._lock:
            if not self.steps and not self._changed:
                return
            for path in self._made:  # now: SConscripts may have set it after the step
                mode = _mode_of(path)
                if mode is not None:
                    self.modes[path] = mode
            steps = [vars(step) for step in self._last.values()]
            saved = {
                "version": VERSION,
                "outputs": dict(self.outputs),
                "modes": self.modes,
                "failed": dict(self._failed),
                "steps": steps,
            }
        write_atomically(self.path, json.dumps(saved, separators=(",", ":")).encode())


def read_steps(path: Path) -> dict[str, Step]:
    """By target; nothing if there is no sound record."""
    try:
        saved = json.loads(path.read_bytes())
        if saved["version"] != VERSION:
            return {}
        return {step["target"]: Step(**step) for step in saved["steps"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _read_outputs(path: Path) -> dict[str, Stamp]:
    try:
        saved = json.loads(path.read_bytes())["outputs"]
        return {name: (modified, size, changed, number) for name, (modified, size, changed, number) in saved.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _read_modes(path: Path) -> dict[str, int]:
    try:
        saved = json.loads(path.read_bytes())["modes"]
        return {name: mode & 0o7777 for name, mode in saved.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _mode_of(path: str) -> int | None:
    """Of a regular file."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return None
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def _read_failed(path: Path) -> dict[str, tuple[str, Stamp]]:
    try:
        saved = json.loads(path.read_bytes())["failed"]
        return {name: (str(what), tuple(stamp)) for name, (what, stamp) in saved.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def trace(steps: list[Step]) -> str:
    """Steps as the JSON that trace viewers of browsers open ("Trace Event Format", complete events, times in us)."""
    first = min((step.start for step in steps), default=time.time())
    events = [
        {
            "name": step.target,
            "cat": step.word,
            "ph": "X",
            "ts": round((step.start - first) * 1e6),
            "dur": max(1, round(step.seconds * 1e6)),
            "pid": 1,
            "tid": step.slot,
            "args": {"reason": "; ".join(step.reasons), "status": step.status, "cached": step.cached},
        }
        for step in sorted(steps, key=lambda step: step.start)
    ]
    names = [
        {"name": "thread_name", "ph": "M", "pid": 1, "tid": slot, "args": {"name": f"job {slot + 1}"}}
        for slot in sorted({step.slot for step in steps})
    ]
    return json.dumps({"traceEvents": names + events, "displayTimeUnit": "ms"}, indent=0)

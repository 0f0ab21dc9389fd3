"""One tree that is edited and built, and another that is built from scratch each time, as the judge."""

import os
import shutil
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path

from .model import LINK
from .operations import Build, Step, Write

OUTPUTS = "build/out"
NO_SOURCES = (".sconsign.dblite", ".sconsign.tmp", "build", "__pycache__")
UNFINISHED = (".part", ".new", ".tmp")  # ends of names of what is not whole yet
NEVER_SAID = ("Traceback (most recent call last)", "internal stack trace", "it hangs:", "Exception in thread")


@dataclass
class Outcome:
    wrong: str = ""  # what differs; empty: nothing
    built: bool = True  # the tree builds
    incremental: float = 0.0  # seconds
    scratch: float = 0.0
    early: bool = False  # SCons was not needed to see that there is nothing to do
    said: str = ""


Snapshot = dict[str, tuple[str, int]]  # of sources: by path their text, and date in ns


@dataclass
class Trial:
    folder: Path
    jobs: int = 2
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def tree(self) -> Path:
        return self.folder / "tree"

    @property
    def judge(self) -> Path:
        """Another name, deeper: where a tree lies must not matter."""
        return self.folder / "from scratch" / "in another folder"

    def write(self, files: dict[str, str]) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for path, text in files.items():
            Write(path, text).apply(self.tree)

    def restore(self, snapshot: Snapshot) -> None:
        self.write({path: text for path, (text, _) in snapshot.items()})
        for path, (text, date) in snapshot.items():
            if not text.startswith(LINK):
                os.utime(self.tree / path, ns=(date, date))

    def snapshot(self) -> Snapshot:
        found: Snapshot = {}
        for path in _sources(self.tree):
            full = self.tree / path
            if full.is_symlink():
                found[path] = (LINK + os.readlink(full), 0)
            else:
                found[path] = (full.read_text(), full.stat().st_mtime_ns)
        return found

    def take(self, step: Step) -> Outcome:
        """Do it, build, and compare with a build from scratch."""
        for operation in step.operations:
            done = operation.apply(self.tree)
            if isinstance(operation, Build) and done is not None:
                wrong = _never_said(done[1])
                if wrong:
                    return self._note(Outcome(f"a disturbed build: {wrong}", said=done[1]))
        start = time.monotonic()
        status, said = Build([f"-j{step.jobs}"], step.variables).apply(self.tree)
        middle = time.monotonic()
        shutil.rmtree(self.judge.parent, ignore_errors=True)
        self.judge.mkdir(parents=True)
        for path in _sources(self.tree):
            (self.judge / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.tree / path, self.judge / path, follow_symlinks=False)
        expected, judges = Build([f"-j{self.jobs}"], step.variables).apply(self.judge)
        end = time.monotonic()
        wrong = _never_said(said) or _never_said(judges)
        if not wrong and (status == 0) != (expected == 0):
            wrong = f"exit status {status}; from scratch {expected}"
        if not wrong and status == 0:
            wrong = self._difference()
        if expected and not step.fails and not wrong:
            wrong = f"the tree does not build from scratch, and no edit broke it on purpose: exit status {expected}"
            said = judges
        early = "scons: nothing to do (" in said
        return self._note(Outcome(wrong, expected == 0, middle - start, end - middle, early, said))

    def _note(self, outcome: Outcome) -> Outcome:
        self.outcomes.append(outcome)
        return outcome

    def _difference(self) -> str:
        """Every file that a build from scratch makes, byte by byte and bit by bit; and what is half-written."""
        wrong = []
        for path in sorted((self.judge / OUTPUTS).rglob("*")):
            name = path.relative_to(self.judge)
            mine = self.tree / name
            if path.is_symlink():
                if not mine.is_symlink() or os.readlink(mine) != os.readlink(path):
                    wrong.append(f"{name} leads elsewhere")
            elif path.is_file():
                if not mine.is_file():
                    wrong.append(f"{name} is missing")
                elif mine.read_bytes() != path.read_bytes():
                    wrong.append(f"{name} differs")
                elif stat.S_IMODE(mine.stat().st_mode) != stat.S_IMODE(path.stat().st_mode):
                    wrong.append(f"{name} has another mode")
        for path in (self.tree / OUTPUTS).rglob("*"):
            name = path.relative_to(self.tree)
            if path.name.endswith(UNFINISHED) and not (self.judge / name).exists():
                wrong.append(f"{name} was left half-written")
        return "; ".join(wrong[:6]) + (f"; and {len(wrong) - 6} more" if len(wrong) > 6 else "")


def _sources(tree: Path) -> list[str]:
    found = []
    for inside, folders, files in os.walk(tree):
        links = [name for name in folders if Path(inside, name).is_symlink()]
        folders[:] = [name for name in folders if name not in NO_SOURCES and name not in links]
        found += [os.path.relpath(Path(inside, name), tree) for name in [*files, *links] if name not in NO_SOURCES]
    return found


def _never_said(output: str) -> str:
    return next((f"it says {each!r}" for each in NEVER_SAID if each in output), "")

"""Which change forced a target to be made: the chain from the target to the changed input, in plain words."""

import os
import time
from pathlib import Path

from ambilink.errors import AmbilinkError
from ambilink.incremental.journal import Step, read_steps

VERBS = {
    "CC": "compiled",
    "AR": "archived",
    "LD": "linked",
    "ABI": "read",
    "STUB": "written",
    "CHECK": "checked",
    "PACK": "packed",
    "BOOT": "booted",
    "OBJS": "listed",
}
CAUSES_MAX = 6  # chains that are shown of one step


def find_journal(target: Path | None) -> Path:
    """The journal of the build folder that a target lies in, or of the only one here."""
    for folder in [] if target is None else Path(os.path.realpath(target)).parents:
        path = folder.parent / ".ambilink" / folder.name / "journal.json"
        if path.is_file():
            return path
    found = sorted(Path("build/.ambilink").glob("*/journal.json"), key=lambda path: -path.stat().st_mtime)
    if not found:
        raise AmbilinkError("build", "no build left a record here", "run scons first, or go to the folder where it ran")
    return found[0]


def find_step(steps: dict[str, Step], name: str, journal: Path) -> Step:
    """By its path, or the end of its path."""
    if name in steps:
        return steps[name]
    full = os.path.abspath(name)
    end = "/" + os.path.normpath(name)
    matches = [step for target, step in steps.items() if os.path.abspath(target) == full or target.endswith(end)]
    if len(matches) > 1:
        exact = [step for step in matches if step.word != "CC"]
        matches = exact if len(exact) == 1 else matches
    if len(matches) == 1:
        return matches[0]
    if matches:
        several = ", ".join(sorted(step.target for step in matches)[:4])
        raise AmbilinkError(name, f"may be {several}", "give more of its path")
    raise AmbilinkError(name, f"was never made, says {journal}", "name a file that a build made, as scons prints it")


def why_lines(steps: dict[str, Step], step: Step, depth: int = 0, seen: set[str] | None = None) -> list[str]:
    """Two spaces deeper for each cause. A step is printed once."""
    seen = seen if seen is not None else set()
    seen.add(step.target)
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(step.start))
    verb = "taken from the cache" if step.cached else VERBS.get(step.word, "made")
    lines = [f"{'  ' * depth}{step.target} was {verb} at {when}: {'; '.join(step.reasons[:CAUSES_MAX])}"]
    causes = [steps[cause] for cause in step.causes if cause in steps and cause not in seen]
    # What was made later, by another build, did not cause this.
    causes = [cause for cause in causes if cause.start <= step.start]
    for cause in causes[:CAUSES_MAX]:
        if cause.target not in seen:
            lines += why_lines(steps, cause, depth + 1, seen)
    if len(causes) > CAUSES_MAX:
        lines.append(f"{'  ' * (depth + 1)}and {len(causes) - CAUSES_MAX} more")
    return lines


def why(name: str, target: Path) -> list[str]:
    journal = find_journal(target if target.parent.exists() else None)
    steps = read_steps(journal)
    return why_lines(steps, find_step(steps, name, journal))

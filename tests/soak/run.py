"""python -m tests.soak.run FOLDER [--seconds N] [--count N] [--seed N]: edit a generated tree, build after each edit.

Each step edits sources, settings, outputs or records, often kills a build half-way, then builds to the end. After
each, every output must have the bytes that a build of the same sources from scratch has, in another folder without
records. A failure is shrunk to its shortest story, which is written to FOLDER/story.json: --replay does it again.
Exit status: 1 if anything differed."""

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

from .edits import EDITS, Editor
from .model import generate, render
from .operations import Build, Step
from .shrink import fails, shrink
from .trial import Outcome, Snapshot, Trial

TOP = Path(__file__).resolve().parents[2]
REMEMBERED = 16  # steps that a story may have


def soak(options: argparse.Namespace, folder: Path) -> int:
    rng = random.Random(options.seed)
    model = generate(rng, options.libraries, options.programs, options.compiler, TOP)
    editor = Editor(rng, model, frozenset(options.without))
    trial = Trial(folder / "run")
    trial.write(render(model))
    steps: list[Step] = []
    snapshots: list[Snapshot] = []
    counts: Counter[str] = Counter()
    end = time.monotonic() + options.seconds if options.seconds else float("inf")
    step = Step("it is built", [])
    print(f"seed {options.seed}: {len(model.libraries)} libraries, {len(model.programs)} programs", flush=True)
    while len(steps) <= (options.count or sys.maxsize) and time.monotonic() < end:
        steps = [*steps, step]
        snapshots = [*snapshots[1 - REMEMBERED :], trial.snapshot()]
        outcome = trial.take(step)
        if options.verbose:
            print(f"{len(steps) - 1:4} {outcome.incremental:5.1f} s {outcome.scratch:5.1f} s  {step.title}", flush=True)
        counts["kills"] += sum(isinstance(each, Build) and each.signal != 0 for each in step.operations)
        counts["failing"] += not outcome.built
        counts["early stops"] += outcome.early
        if outcome.wrong:
            return fail(options, folder, snapshots, steps, outcome)
        step = editor.step(trial.tree)
    incremental, scratch = (
        sum(getattr(outcome, name) for outcome in trial.outcomes[1:]) for name in ("incremental", "scratch")
    )
    print(
        f"soak: {len(steps) - 1} edits, {counts['kills']} builds killed, {counts['failing']} that must fail, "
        f"{counts['early stops']} early stops: no difference\n"
        f"soak: {incremental:,.0f} s of builds, {scratch:,.0f} s from scratch; seed {options.seed}"
    )
    return 0


def fail(
    options: argparse.Namespace, folder: Path, snapshots: list[Snapshot], steps: list[Step], outcome: Outcome
) -> int:
    print(f"\nsoak: FAILED, seed {options.seed}, edit {len(steps) - 1}: {outcome.wrong}\n{outcome.said[-3000:]}")
    print("\n".join(["the last edits:", *(line for step in steps[-4:] for line in step.lines())]), flush=True)
    if options.shrink <= 0:
        return 1
    print(f"looking for its shortest story (at most {options.shrink:.0f} s)", flush=True)
    recent = steps[-len(snapshots) :]
    found = shrink(folder / "story", snapshots, recent, options.shrink)
    if found is None:
        print(f"the last {len(recent)} edits do not fail again; it depends on when builds were killed")
        found = snapshots[0], recent, outcome
    start, story, outcome = found
    saved = {"start": start, "steps": [step.saved() for step in story]}
    path = folder / "story.json"
    path.write_text(json.dumps(saved, indent=1))
    lines = [line for step in story for line in step.lines()]
    print("\n".join([f"\nTHE STORY, from a clean build: {outcome.wrong}", *lines]))
    print(f"{outcome.said[-2000:]}\nagain: python -m tests.soak.run {folder} --replay {path}")
    return 1


def replay(path: Path, folder: Path) -> int:
    saved = json.loads(path.read_text())
    start = {name: (text, date) for name, (text, date) in saved["start"].items()}
    outcome = fails(folder / "replay", start, [Step.load(step) for step in saved["steps"]])
    print("no difference" if outcome is None else f"{outcome.wrong}\n{outcome.said}")
    return int(outcome is not None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--libraries", type=int, default=30)
    parser.add_argument("--programs", type=int, default=15)
    parser.add_argument("--compiler", default=os.environ.get("AMBILINK_COMPILER", "hermetic"))
    parser.add_argument("--shrink", type=float, default=300, help="seconds to look for the shortest story")
    kinds = [*sorted(EDITS), "future"]
    parser.add_argument("--without", action="append", default=[], choices=kinds, help="a kind of edit")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--replay", type=Path)
    options = parser.parse_args()
    options.seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return replay(options.replay, folder) if options.replay else soak(options, folder)


if __name__ == "__main__":
    sys.exit(main())

"""A slice of `./scons soak-build`; and that it sees what is wrong, and shrinks it."""

import json
import random
import subprocess
import sys

from .edits import Editor
from .model import generate
from .operations import Damage, Step, Write
from .shrink import shrink
from .trial import Trial


def test_a_slice(tmp_path, top):
    words = [sys.executable, "-m", "tests.soak.run", tmp_path, "--seed", "2", "--shrink", "0"]
    size = ["--libraries", "15", "--programs", "5", "--count", "10", "--seconds", "20"]
    left: list[str] = []
    done = subprocess.run([*words, *size, *left], capture_output=True, text=True, cwd=top)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "no difference" in done.stdout


# A build with a fault, as an engine's would be: where a file says so, it leaves what it did not make.
SCONSTRUCT = """\
import os
Command("build/out/x", "x.in", Copy("$TARGET", "$SOURCE"))
if os.path.exists("wrong") and os.getcwd().endswith("tree"):
    import atexit
    atexit.register(lambda: open("build/out/x", "a").write("!"))
"""


def test_a_difference_is_seen_and_shrunk_to_its_cause(tmp_path):
    trial = Trial(tmp_path / "run")
    trial.write({"SConstruct": SCONSTRUCT, "x.in": "1"})
    harmless = Step("another text", [Write("x.in", "2", -86400.0)])
    fault = Step("the fault", [Write("x.in", "3"), Write("wrong", "yes")])
    snapshots, outcomes = [], []
    for step in (Step("it is built", []), harmless, fault):
        snapshots.append(trial.snapshot())
        outcomes.append(trial.take(step).wrong)
    assert outcomes == ["", "", "build/out/x differs"]
    found = shrink(tmp_path / "story", snapshots[1:], [harmless, fault], 60)
    assert found is not None
    _, story, outcome = found
    assert [step.title for step in story] == ["the fault"] and outcome.wrong == "build/out/x differs"
    assert story[0].operations == [Write("wrong", "yes")]


def test_steps_are_written_down_and_read_again(tmp_path, top):
    model = generate(random.Random(4), 15, 5, "hermetic", top)
    editor = Editor(random.Random(4), model)
    steps = [editor.step(tmp_path) for _ in range(100)]
    assert len({step.title.partition(":")[0] for step in steps}) > 20
    assert any(step.fails for step in steps) and any("repaired" in step.title for step in steps)
    for step in steps:
        saved = json.loads(json.dumps(step.saved()))
        assert Step.load(saved).saved() == saved


def test_damages_alter_files(tmp_path):
    for how in ("emptied", "cut", "longer", "flipped", "replaced", "removed"):
        path = tmp_path / "x"
        path.write_bytes(b"0123456789")
        Damage("x", how).apply(tmp_path)
        assert not path.exists() or path.read_bytes() != b"0123456789"

"""`ambilink watch`: a build at each change, with what differs."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time

import pytest

from ambilink.incremental.watching import BuildInputs, changed, wait_for_change
from ambilink.report.difference import Boot, BuildState, difference_lines


class Watch:
    """The process, and its lines as they come."""

    def __init__(self, tree, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ambilink", "watch", "--", "-Q", "-j2", *words],
            cwd=tree.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def until(self, start):
        """Lines up to one that begins so."""
        seen = []
        while True:
            line = self.lines.get(timeout=120)
            assert line is not None, seen
            seen.append(line)
            if line.startswith(start):
                return seen

    def end(self):
        self.process.send_signal(signal.SIGINT)
        rest = []
        while (line := self.lines.get(timeout=60)) is not None:
            rest.append(line)
        return self.process.wait(120), rest


@pytest.fixture
def watched(pair):
    watch = Watch(pair)
    watch.tree = pair
    yield watch
    watch.process.kill()
    watch.process.wait()


def test_each_change_is_built_and_compared(watched):
    """Sources, headers, scripts, failures and what repairs them; and nothing else is."""
    first = watched.until("watch: waiting")
    assert any(line.startswith("watch: built in ") for line in first)
    tree = watched.tree
    tree.write("notes.txt", "no input of the build\n")
    (tree.folder / "notes.txt").unlink()

    longer = "int low_data = 3;\nint low(int x) { return x * 5 / 7 + low_data + x % 9; }\n"
    tree.write("low/low.c", f"#include <low.h>\n{longer}")
    seen = watched.until("watch: waiting")
    assert "watch: low/low.c changed" in seen
    assert any("lib/liblow.a  " in line and " -> " in line and " bytes (+" in line for line in seen), seen

    tree.write("low/include/low.h", "int low(int);\nextern int low_data;\n#error wrong\n")
    seen = watched.until("watch: waiting")
    assert "watch: low/include/low.h changed" in seen
    assert any(line.startswith("watch: FAILED in ") for line in seen)
    assert sum("error: wrong" in line for line in seen) >= 2  # as it came, and last
    assert "  not booted" in seen and not any("as before" in line for line in seen)

    tree.write("low/include/low.h", "int low(int);\nextern int low_data;\n")
    seen = watched.until("watch: waiting")
    assert any(line.startswith("watch: built in ") and line.endswith(" s, after one that failed") for line in seen)

    tree.sconstruct(tree._text + "nonsense(\n")
    seen = watched.until("watch: waiting")
    assert any("SyntaxError" in line for line in seen) and any(line.startswith("watch: FAILED") for line in seen)

    tree.sconstruct(tree._text.replace("nonsense(\n", "") + 'env.DualLibrary("more", Glob("more/*.c"))\n')
    tree.write("more/more.c", "int more(void) { return 1; }\n")
    seen = watched.until("watch: waiting")
    assert any("lib/libmore.so" in line and "none -> " in line for line in seen), seen

    tree.write("more/second.c", "int second(void) { return 2; }\n")  # a glob finds it
    seen = watched.until("watch: waiting")
    assert any("second.c" in line for line in seen), seen

    status, rest = watched.end()
    assert status == 0 and rest == ["watch: ended after 7 builds"]


def test_a_change_during_a_build_is_built_too(pair):
    slow = '"touch begun; sleep 2; cat $SOURCE > $TARGET"'
    pair.sconstruct(f'{pair._text}env.Depends(env.Command("slow", "main.c", {slow}), "build")\n')
    watch = Watch(pair)
    try:
        while not (pair.folder / "begun").exists():
            time.sleep(0.01)
        pair.write("low/low.c", "int low_data = 3;\nint low(int x) { return x + 123; }\n")
        seen = watch.until("watch: waiting")
        assert "watch: low/low.c changed while it ran; again" in seen
        assert sum(line.startswith("watch: built in ") for line in seen) == 2
        assert sum("low.c.o" in line for line in seen) == 2
    finally:
        watch.process.kill()
        watch.process.wait()


def test_ending_while_a_build_runs(pair):
    pair.sconstruct(pair._text + 'env.Command("slow", [], "touch begun; sleep 60")\n')
    watch = Watch(pair)
    while not (pair.folder / "begun").exists():
        time.sleep(0.01)
    status, rest = watch.end()
    assert status == 0 and rest[-1] == "watch: ended after 0 builds"
    assert not any("Traceback" in line for line in rest)


def test_where_there_is_no_build(tmp_path):
    words = [sys.executable, "-m", "ambilink", "watch"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and "there is no SConstruct here" in done.stderr


def test_inputs_are_compared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").write_text("1")
    inputs = BuildInputs(frozenset({"a", "absent"}), frozenset({"folder"}))
    before = inputs.stamps()
    (tmp_path / "folder/.swap").write_text("")
    (tmp_path / "folder/text~").write_text("")
    assert changed(before, inputs.stamps()) == []
    (tmp_path / "folder/new").write_text("")
    assert wait_for_change(inputs, before) == ["folder/"]
    (tmp_path / "absent").write_text("")
    (tmp_path / "a").unlink()
    assert changed(before, inputs.stamps()) == ["a", "absent", "folder/"]
    inputs.write(tmp_path / "list")
    assert BuildInputs.read(tmp_path / "list") == inputs
    (tmp_path / "list").write_text("{")
    assert BuildInputs.read(tmp_path / "list") is None


def test_what_differs():
    before = BuildState({"a": 10, "b": 20}, {"boot.json": Boot("emulator: passed", 187, 3006464, 352)})
    after = BuildState({"a": 4106, "c": 5}, {"boot.json": Boot("emulator: FAILED", 190, 3006464, None)})
    assert difference_lines(before, before) == []
    assert difference_lines(before, after) == [
        "  a  10 -> 4,106 bytes (+4,096)",
        "  b  20 -> none bytes (-20)",
        "  c  none -> 5 bytes (+5)",
        "  boot.json: verdict: emulator: passed -> emulator: FAILED",
        "  boot.json: shared: 187 frames -> 190 frames",
        "  boot.json: memory used: 1,408 KiB -> none",
    ]

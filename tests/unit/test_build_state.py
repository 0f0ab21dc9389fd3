"""Depfiles, files as they were, headers that hide others, job slots: the parts that builds stand on."""

import os
import re
import shutil
import subprocess
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambilink.incremental.depfile import prerequisites
from ambilink.incremental.files import FileTable
from ambilink.incremental.inputs import Inputs
from ambilink.incremental.objects import ObjectStore
from ambilink.incremental.recipe import Job, Recipe
from ambilink.incremental.search import Shadows
from ambilink.incremental.slots import JobSlots


def escaped(name: str) -> str:
    """As make wants it (and gcc and clang write it): blanks and # behind a backslash, $ twice."""
    name = re.sub(r"(\\*)([ #])", lambda found: found[1] * 2 + "\\" + found[2], name)
    return name.replace("$", "$$")


simple_names = st.from_regex(r"[\w./+@%,=$ #-]{1,30}", fullmatch=True).filter(lambda name: name.strip() == name)


@given(names=st.lists(simple_names, unique=True), breaks=st.booleans())
def test_prerequisites_are_read_back(names, breaks):
    text = "x:" + "".join((" \\\n  " if breaks else " ") + escaped(name) for name in names) + "\n"
    assert prerequisites(text) == names
    assert prerequisites(text + "\nother.h:\n\nthird.h: fourth.h\n") == names


@given(text=st.text(max_size=300))
def test_no_depfile_hangs_or_crashes(text):
    try:
        prerequisites(text)
    except ValueError as error:
        assert "no rule" in str(error)


@pytest.mark.parametrize("compiler", ["hermetic", "gcc", "clang"])
def test_what_compilers_write(compiler, toolset, tmp_path):
    if compiler != "hermetic" and not shutil.which(compiler):
        pytest.skip(f"no {compiler} here")
    cc = list(toolset.cc) if compiler == "hermetic" else [compiler]
    names = ["plain.h", "with space.h", "a#b.h", "c$d.h", "e%f.h"]
    for name in names:
        (tmp_path / name).write_text("")
    (tmp_path / "x.c").write_text("".join(f'#include "{name}"\n' for name in names))
    subprocess.run([*cc, "-c", "x.c", "-MD", "-MF", "d", "-MT", "x", "-o", "x.o"], cwd=tmp_path, check=True)
    found = prerequisites((tmp_path / "d").read_text())
    assert [name for name in found if not name.startswith("/")] == ["x.c", *names]  # gcc reads one of its own


def test_a_row_is_current_while_the_file_has_that_content(tmp_path):
    path = str(tmp_path / "f")
    open(path, "w").write("one")
    table = FileTable()
    first = table.current(path)
    os.utime(path, (1, 1))
    table.forget_all()
    assert table.current(path) == first  # touched
    open(path, "w").write("two")
    table.forget_all()
    second = table.current(path)
    assert second != first
    open(path, "w").write("one")
    table.forget_all()
    assert table.current(path) == first  # put back
    os.unlink(path)
    table.forget_all()
    assert table.row(table.current(path)).digest == ""
    again = FileTable(map(table.saved, range(3)))
    open(path, "w").write("two")
    assert again.current(path) == second


def test_headers_that_hide_others(tmp_path):
    for name in ("a/x.h", "b/x.h", "b/sub/y.h", "src/z.c", "c/only.h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    search = [str(tmp_path / name) for name in ("a", "b", "c")]
    source = str(tmp_path / "src/z.c")
    assert Shadows(search).of([source, f"{search[0]}/x.h", f"{search[1]}/sub/y.h", f"{search[2]}/only.h"]) == set()
    assert Shadows(search).of([source, f"{search[1]}/x.h"]) == {f"{search[0]}/x.h"}
    (tmp_path / "src/sub").mkdir()
    (tmp_path / "src/sub/y.h").write_text("")
    assert Shadows(search).of([source, f"{search[1]}/sub/y.h"]) == {str(tmp_path / "src/sub/y.h")}
    # What was read itself (by #include_next) hides nothing.
    assert Shadows(search).of([source, f"{search[1]}/x.h", f"{search[0]}/x.h"]) == set()


@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"{", b"[]", b'{"version":3}', b"\xff\xfe", b'{"version":3,"files":3,"objects":{}}'),
        b'{"version":3,"names":[],"files":[],"objects":{"x.o":["k",[1,2,3,4],"d",0.1,"",[0],[]]}}',
        b'{"version":3,"files":[["x.c"]],"objects":{}}',
        b'{"version":3,"names":[],"files":[],"objects":{"x.o":["k"]}}',
    ],
)
def test_a_damaged_store_is_an_empty_one(tmp_path, damage):
    (tmp_path / "objects.json").write_bytes(damage)
    (tmp_path / "objects.journal").write_bytes(damage + b'\n["torn", "line"\n')
    stale = ObjectStore(tmp_path).stale(Recipe(("cc",), (), ""), [Job("x.o", "x.c")])
    assert [each.reason for each in stale] == ["it was never built"]


def test_what_is_in_the_journal_is_not_compiled_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x.c", "x.h", "x.o"):
        open(name, "w").write(name)
        os.utime(name, (1000, 1000))
    recipe, job = Recipe(("cc",), (), ""), Job("x.o", "x.c")
    assert ObjectStore(tmp_path / "state").built(recipe, job, Inputs(["x.h"]), None, 0.1)  # and the process is killed
    store = ObjectStore(tmp_path / "state")
    assert store.interrupted and store.stale(recipe, [job]) == []
    open("x.h", "w").write("other")
    store.forget_looks()
    (stale,) = store.stale(recipe, [job])
    assert (stale.reason, stale.cause) == ("x.h changed", "x.h")
    (stale,) = ObjectStore(tmp_path / "state").stale(Recipe(("cc", "-O2"), (), ""), [job])
    assert stale.reason == "x.h changed"


def test_slots_limit_what_runs_at_a_time(tmp_path):
    slots, most, lock, running = JobSlots(2), [0], threading.Lock(), [0]

    def work():
        with slots:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            threading.Event().wait(0.01)
            with lock:
                running[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 2


def test_output_of_a_command_is_kept_in_order():
    done = JobSlots(1).run(["sh", "-c", "echo one; echo two >&2; echo three; exit 3"], {"PATH": os.environ["PATH"]})
    assert (done.status, done.output) == (3, "one\ntwo\nthree\n")
    done = JobSlots(1).run(["/nowhere/cc"], {})
    assert done.status == 127 and "/nowhere/cc: cannot be started (No such file or directory)" in done.output

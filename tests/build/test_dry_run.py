"""Runs that build nothing: `-n` says what would be done, `-c` removes it, and `--debug=explain` gives true reasons."""

import os
import re
import shutil
import time

import pytest


def everything(tree):
    """Each file with its contents and times."""
    found = {}
    for folder, _, names in os.walk(tree.folder):
        for name in names:
            path = os.path.join(folder, name)
            status = os.stat(path)
            found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


def test_a_dry_run_of_a_fresh_tree_writes_nothing(pair):
    before = everything(pair)
    output = pair.good("-Q", "-n")
    assert everything(pair) == before and not (pair.folder / "build").exists()
    for step in ("obj/low/pic/low/low.c.o", "lib/liblow.a", "lib/liblow.so", "services/user"):
        assert any(line.endswith(step) for line in output.splitlines()), (step, output)
    assert output.splitlines()[-1].endswith("; nothing was written")


def test_a_dry_run_says_what_follows_from_a_change(pair):
    pair.good("-Q")
    before = everything(pair)
    assert "scons: 0 steps would be done; nothing was written" in pair.good("-Q", "-n")
    low = pair.folder / "low/low.c"
    low.write_text(low.read_text().replace("x + low_data", "x - low_data"))
    before[str(low)] = everything(pair)[str(low)]
    output = pair.good("-Q", "-n")
    assert everything(pair) == before
    targets = [line.split()[-1] for line in output.splitlines()[:-1] if "build/" in line]
    made = [str((pair.folder / target).relative_to(pair.out)) for target in targets]
    for target in ("obj/low/pic/low/low.c.o", "lib/liblow.a", "lib/liblow.so", "services/alone"):
        assert target in made, (target, output)
    assert "obj/high/pic/high/high.c.o" not in made
    steps = len([line for line in output.splitlines() if line.startswith("  ")])
    assert f"scons: {steps} steps would be done, " in output
    assert "liblow.so" in pair.good("-Q")  # and so it is


def test_a_dry_run_reports_no_verdict_that_a_change_may_alter(pair):
    """What stands on an output that would be made again is not said to be unchanged."""
    pair.sconstruct(
        'low = env.DualLibrary("low", ["low/low.c"], includes=["low/include"])\n'
        'env.Command("report", low.shared, "cat $SOURCE > $TARGET")\n'
    )
    pair.good("-Q")
    assert "cat " not in pair.good("-Q", "-n")
    pair.write("low/low.c", "int low_data = 4;\nint low(int x) { return x; }\n")
    assert "liblow.so > report" in pair.good("-Q", "-n")
    assert "scons: `report' is up to date" not in pair.good("-Q", "-n", "report")


def test_cleaning_a_fresh_tree(pair):
    done = pair.scons("-Q", "-c")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_cleaning_what_is_half_built(pair):
    pair.write("low/low.c", "#error stop\n")
    pair.bad("-Q", "-k")
    done = pair.scons("-Q", "-c")
    assert done.returncode == 0 and done.stderr == ""
    left = [path for path in pair.out.rglob("*") if path.is_file()] if pair.out.exists() else []
    assert left == []
    assert pair.scons("-Q", "-c").stdout == ""  # nothing is left to be said


def test_cleaning_says_what_is_kept(pair):
    pair.good("-Q")
    output = pair.good("-Q", "-c")
    assert output.splitlines()[-1] == "scons: kept what builds remember: build/.ambilink, .sconsign.dblite"
    assert (pair.folder / "build/.ambilink").is_dir()
    assert pair.good("-Q", "-c", "-s") == ""
    shutil.rmtree(pair.folder / "build")
    assert pair.good("-Q", "-c") == ""


@pytest.mark.parametrize("option", [(), ("-n",)])
def test_explaining_gives_the_true_reason(pair, option):
    pair.good("-Q")
    pair.write("low/include/low.h", "int low(int);\nextern int low_data;\n#define MORE 1\n")
    (pair.out / "lib/libhigh.so").write_bytes(b"altered")
    (pair.out / "services/user").unlink()
    output = pair.good("-Q", "--debug=explain", *option)
    assert "AlwaysBuild" not in output
    folder = pair.out.relative_to(pair.folder)
    for reason in (
        f"rebuilding `{folder}/obj/low/pic.objects' because 1 of 1 objects are out of date",
        f"building `{folder}/obj/low/pic/low/low.c.o' because low/include/low.h changed",
        f"rebuilding `{folder}/lib/libhigh.so' because it was altered since it was made",
        f"building `{folder}/services/user' because it doesn't exist",
    ):
        assert f"scons: {reason}\n" in output, (reason, output)


def test_what_is_always_built_is_explained_as_that(pair):
    pair.sconstruct('env.AlwaysBuild(env.Command("always", [], "echo > $TARGET"))\n')
    pair.good("-Q")
    assert "rebuilding `always' because AlwaysBuild() is specified" in pair.good("-Q", "--debug=explain")


CHANGED = re.compile(r"`([^']+)' (?:changed|is a new dependency)")


@pytest.mark.parametrize("decider", ["content", "content-timestamp", "timestamp-match"])
def test_explaining_compares_as_the_decider_does(pair, decider):
    pair.write("one.txt", "1\n")
    pair.write("other.txt", "2\n")
    pair.sconstruct(
        f'env.Decider("{decider}")\nlow = env.DualLibrary("low", ["low/low.c"], includes=["low/include"])\n'
        'env.Command("report", ["one.txt", "other.txt", low.shared], "cat $SOURCES > $TARGET")\n'
        'env.Command("second", ["report", low.static], "cat $SOURCES > $TARGET")\n'
    )
    pair.good("-Q")
    pair.good("-Q")
    time.sleep(1.1)  # SCons' deciders by time compare whole seconds
    pair.write("one.txt", "changed\n")
    output = pair.good("-Q", "--debug=explain")
    assert CHANGED.findall(output) == ["one.txt", "report"], output

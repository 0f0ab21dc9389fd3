"""Seeing that there is nothing to do: each kind of change is noticed, and nothing else is."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from ambilink.incremental import up_to_date

BEFORE = 0.1  # seconds between a change and the start of a process, which is known by a hundredth

LOOK = (
    "import sys; from ambilink.incremental import up_to_date; "
    "print(up_to_date.current_message(*sys.argv[1:2], sys.argv[2:]) or '')"
)


def look(tree, *words: str) -> str:
    """What a new process sees; empty: SCons must look."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(tree.folder), *words],
        cwd=tree.folder,
        capture_output=True,
        text=True,
        env={**os.environ, **tree.variables},
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def recorded(pair):
    """A build that left an up-to-date record. Its compiler is a script of its own, found by the PATH."""
    bin_folder = pair.folder / "bin"
    bin_folder.mkdir()
    (pair.folder / "first").mkdir()
    pair.variables = {"PATH": f"{pair.folder}/first:{bin_folder}:{os.environ['PATH']}"}
    pair.write("low/with space.h", "#define SPACE 1\n")
    text = (pair.folder / "low/low.c").read_text()
    pair.write("low/low.c", '#include "with space.h"\n' + text)
    pair.sconstruct(
        'import os\nenv["ENV"]["PATH"] = os.environ["PATH"]\n'
        'env.DualLibrary("high", ["high/high.c"], LIBS=["low"], includes=["high/include"])\n'
        'env.DualLibrary("low", Glob("low/*.c"), includes=["low/include"])\n'
        'env.Service("user", ["main.c"], LIBS=["high"])\n'
        'env.Service("alone", ["main.c"], LIBS=["high"], linkage="static")\n'
    )
    pair.write("site_scons/site_init.py", "from ambilink.early import stop; stop()\n")
    past = time.time() - 100  # a change while a build runs would leave no record
    for path in pair.folder.rglob("*"):
        os.utime(path, (past, past))
    pair.good()
    assert look(pair).startswith("scons: nothing to do ("), pair.good()
    return pair


def test_nothing_to_do_is_seen_again_and_again(recorded):
    first = look(recorded)
    assert look(recorded) == first
    assert look(recorded, "-j7", "-Q") == first
    assert recorded.built(recorded.good()) == []
    assert look(recorded) == first


def write(name, text="int x;\n"):
    return lambda tree: tree.write(name, text)


def remove(name):
    return lambda tree: (tree.folder / name).unlink()


def append(name, text="\n"):
    def change(tree):
        with (tree.folder / name).open("a") as stream:
            stream.write(text)

    return change


def same_size(tree):
    path = tree.out / "lib/liblow.so"
    path.write_bytes(path.read_bytes()[:-4] + b"evil")


CHANGES = {
    "a source": append("low/low.c"),
    "a source that is touched": lambda tree: os.utime(tree.folder / "low/low.c"),
    "a header": append("low/include/low.h"),
    "a header with a space in its name": append("low/with space.h"),
    "a header that is gone": remove("low/with space.h"),
    "the SConstruct": append("SConstruct"),
    "an output that is gone": lambda tree: (tree.out / "services/user").unlink(),
    "an object that is gone": lambda tree: next(tree.out.rglob("low.c.o")).unlink(),
    "a debug file that is gone": lambda tree: (tree.out / "lib/liblow.so.debug").unlink(),
    "an output of another size": lambda tree: (tree.out / "lib/liblow.so").write_bytes(b"short"),
    "an output of the same size": same_size,
    "a file that a glob would find": write("low/new.c"),
    "a header that would be found first": write("high/include/low.h", "int low(int);\nextern int low_data;\n"),
    "a header beside the source": write("high/low.h", "int low(int);\nextern int low_data;\n"),
    "a folder that is gone": lambda tree: shutil.rmtree(tree.folder / "high/include"),
}


@pytest.mark.parametrize("name", CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_a_change_is_noticed(recorded, name):
    """And the next build, where there can be one, leaves a record that holds."""
    CHANGES[name](recorded)
    assert look(recorded) == ""
    if name in ("a header that is gone", "a folder that is gone"):
        return
    past = time.time() - 50
    for folder, _, names in os.walk(recorded.folder):
        if "build" not in folder:
            for each in [folder, *(os.path.join(folder, one) for one in names)]:
                os.utime(each, (past, past))
    recorded.good()
    recorded.good()
    assert look(recorded).startswith("scons: nothing to do (")


def test_the_environment_that_matters(recorded):
    recorded.variables = {**recorded.variables, "UNRELATED": "1"}
    assert look(recorded) != ""
    for name in ("PATH", "SCONSFLAGS", "CCACHE_DIR", "DISTCC_HOSTS", "AMBILINK_X"):
        before = dict(recorded.variables)
        recorded.variables[name] = before.get(name, "") + ":/nowhere"
        assert look(recorded) == "", name
        recorded.variables = before
        assert look(recorded) != ""


def test_another_command_line(recorded):
    assert look(recorded, "x=1") == "" and look(recorded, "services") == "" and look(recorded, "-k") == ""


def test_what_is_always_built_is_never_done(recorded):
    with (recorded.folder / "SConstruct").open("a") as stream:
        stream.write('env.AlwaysBuild(env.Alias("again", [], Action(lambda target, source, env: 0)))\n')
    time.sleep(BEFORE)
    recorded.good("again")
    recorded.good("again")
    assert look(recorded, "again") == ""


def test_only_builds_leave_a_record(recorded):
    for word in ("-n", "-q", "-h", "-c"):
        for _ in range(2):
            recorded.scons(word)
        assert look(recorded, word) == "", word


def test_a_build_that_fails_leaves_none(recorded):
    recorded.write("low/low.c", "this is not C\n")
    recorded.bad()
    assert look(recorded) == ""
    recorded.bad()
    assert look(recorded) == ""


def test_a_file_that_changes_while_the_build_runs(recorded):
    """The compiler read the old one, so the next build must look."""
    script = recorded.write(
        "launch", f'#!/bin/sh\n"$@"\nstatus=$?\necho "/* later */" >> {recorded.folder}/low/low.c\nexit $status\n'
    )
    script.chmod(0o755)
    recorded.more = f"AMBILINK_LAUNCHER={str(script)!r}, "
    recorded.resettle()
    recorded.good()
    assert look(recorded) == ""
    script.write_text('#!/bin/sh\nexec "$@"\n')
    assert any(name.endswith("low.c.o") for name in recorded.built(recorded.good()))


def test_a_tool_that_changes_and_one_that_is_found_first(recorded, top):
    """With a compiler that the PATH leads to: a script that starts the usual one."""
    from ambilink.compile.toolset import load_toolset

    toolset = load_toolset(recorded.compiler, "x86_64")
    script = recorded.write("bin/ourcc", '#!/bin/sh\nexec {} "$@"\n'.format(" ".join(toolset.cc)))
    script.chmod(0o755)
    given = (top / f"toolchain/ambilink/compile/compilers/{recorded.compiler}.toml").read_text()
    lines = ['cc = ["ourcc"]' if line.startswith("cc = [") else line for line in given.splitlines()]
    recorded.write("our.toml", "\n".join(lines) + "\n")
    text = (
        (recorded.folder / "SConstruct")
        .read_text()
        .replace(f"AMBILINK_COMPILER={recorded.compiler!r}", "AMBILINK_COMPILER='our.toml'")
    )
    recorded.write("SConstruct", text)
    time.sleep(BEFORE)
    recorded.good()
    assert look(recorded) != ""
    append("our.toml")(recorded)
    assert look(recorded) == ""
    time.sleep(BEFORE)
    recorded.good()
    assert look(recorded) != ""
    shutil.copy(script, recorded.folder / "first/ourcc")
    assert look(recorded) == ""
    (recorded.folder / "first/ourcc").unlink()
    assert look(recorded) != ""
    append("bin/ourcc", "# another\n")(recorded)
    assert look(recorded) == ""
    time.sleep(BEFORE)
    assert len([name for name in recorded.built(recorded.good()) if name.endswith(".o")]) == 3


def test_a_damaged_record_is_not_believed(recorded):
    (path,) = (recorded.folder / "build/.ambilink/up-to-date").iterdir()
    data = path.read_bytes()
    for damaged in (b"", data[:50], data[: len(data) // 2], b"\xff" + data):
        path.write_bytes(damaged)
        assert look(recorded) == "", damaged[:60]
    path.write_bytes(data)
    assert look(recorded) != ""


def test_a_verdict_is_printed_with_its_time(build, top):
    """Of the repository's own build, if it has been built."""
    words = up_to_date.command_words([])
    path = top / "build/.ambilink/up-to-date" / os.path.basename(up_to_date.record_path(str(top), words))
    if not path.is_file():
        pytest.skip("the default targets have not been built yet")
    lines = [line[2:] for line in path.read_text().splitlines() if line.startswith("M ")]
    assert len(lines) == 1 and "passed in" in lines[0] and "nothing changed since, `scons boot` boots again" in lines[0]


def test_the_wrapper_is_a_shell_script_and_a_python_program(top):
    text = (top / "scons").read_text()
    shell = "".join(text.splitlines(keepends=True)[:4])
    done = subprocess.run(["sh", "-n"], input=shell, capture_output=True, text=True)
    assert done.returncode == 0 and "exec python3" in shell, done.stderr
    compile(text, "scons", "exec")


def test_the_top_as_a_folder_of_headers(tree):
    """What is built below it is no header that may appear; a header that would be found first is."""
    tree.write("late/x.h", "#define X 1\n")
    tree.write("a.c", "#include <x.h>\nint a = X;\n")
    tree.write("site_scons/site_init.py", "from ambilink.early import stop; stop()\n")
    tree.sconstruct('env.DualLibrary("a", "a.c", CPPPATH=["#", "late"])')
    past = time.time() - 100
    for path in tree.folder.rglob("*"):
        os.utime(path, (past, past))
    tree.good()
    assert look(tree).startswith("scons: nothing to do (")
    tree.write("x.h", "#define X 2\n")
    assert look(tree) == ""
    assert "a.c.o" in tree.good()

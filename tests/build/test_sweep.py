"""Seeing that there is nothing to do: each kind of change is noticed, and nothing else is."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from ambilink.incremental import sweep

LOOK = (
    "import sys; from ambilink.incremental import sweep; "
    "print(sweep.current_message(*sys.argv[1:2], sys.argv[2:]) or '')"
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
def swept(pair):
    """A build that left a sweep. Its compiler is a script of its own, found by the PATH."""
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
    past = time.time() - 100  # a change while a build runs would leave no sweep
    for path in pair.folder.rglob("*"):
        os.utime(path, (past, past))
    pair.good()
    assert look(pair).startswith("scons: nothing to do ("), pair.good()
    return pair


def test_nothing_to_do_is_seen_again_and_again(swept):
    first = look(swept)
    assert look(swept) == first
    assert look(swept, "-j7", "-Q") == first
    assert swept.built(swept.good()) == []
    assert look(swept) == first


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


@pytest.mark.parametrize("change", CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_a_change_is_noticed(swept, change):
    CHANGES[change](swept)
    assert look(swept) == ""


@pytest.mark.parametrize(
    "name", [name for name in CHANGES if "gone" not in name or "output" in name or "object" in name]
)
def test_after_the_change_all_is_well_again(swept, name):
    """The next build leaves a sweep that holds."""
    CHANGES[name](swept)
    past = time.time() - 50
    for folder, _, names in os.walk(swept.folder):
        if "build" not in folder:
            for each in [folder, *(os.path.join(folder, one) for one in names)]:
                os.utime(each, (past, past))
    swept.good()
    time.sleep(1.1)  # times of change are those of the files' status too
    swept.good()
    assert look(swept).startswith("scons: nothing to do (")


def test_the_environment_that_matters(swept):
    swept.variables = {**swept.variables, "UNRELATED": "1"}
    assert look(swept) != ""
    for name in ("PATH", "SCONSFLAGS", "CCACHE_DIR", "DISTCC_HOSTS", "AMBILINK_X"):
        before = dict(swept.variables)
        swept.variables[name] = before.get(name, "") + ":/nowhere"
        assert look(swept) == "", name
        swept.variables = before
        assert look(swept) != ""


def test_another_command_line(swept):
    assert look(swept, "x=1") == "" and look(swept, "services") == "" and look(swept, "-k") == ""


def test_what_is_always_built_is_never_done(swept):
    with (swept.folder / "SConstruct").open("a") as stream:
        stream.write('env.AlwaysBuild(env.Alias("again", [], Action(lambda target, source, env: 0)))\n')
    time.sleep(1.1)
    swept.good("again")
    swept.good("again")
    assert look(swept, "again") == ""


@pytest.mark.parametrize("words", [("-n",), ("-c",), ("-q",), ("-h",)])
def test_only_builds_leave_a_sweep(swept, words):
    for _ in range(2):
        swept.scons(*words)
    assert look(swept, *words) == ""


def test_a_build_that_fails_leaves_none(swept):
    swept.write("low/low.c", "this is not C\n")
    swept.bad()
    assert look(swept) == ""
    swept.bad()
    assert look(swept) == ""


def test_a_file_that_changes_while_the_build_runs(swept):
    """The compiler read the old one, so the next build must look."""
    script = swept.write(
        "launch", f'#!/bin/sh\n"$@"\nstatus=$?\necho "/* later */" >> {swept.folder}/low/low.c\nexit $status\n'
    )
    script.chmod(0o755)
    swept.more = f"AMBILINK_LAUNCHER={str(script)!r}, "
    swept.resettle()
    swept.good()
    assert look(swept) == ""
    script.write_text('#!/bin/sh\nexec "$@"\n')
    assert any(name.endswith("low.c.o") for name in swept.built(swept.good()))


def test_a_tool_that_changes_and_one_that_is_found_first(swept, top):
    """With a compiler that the PATH leads to: a script that starts the usual one."""
    from ambilink.compile.toolset import load_toolset

    toolset = load_toolset(swept.compiler, "x86_64")
    script = swept.write("bin/ourcc", '#!/bin/sh\nexec {} "$@"\n'.format(" ".join(toolset.cc)))
    script.chmod(0o755)
    given = (top / f"toolchain/ambilink/compile/compilers/{swept.compiler}.toml").read_text()
    lines = ['cc = ["ourcc"]' if line.startswith("cc = [") else line for line in given.splitlines()]
    swept.write("our.toml", "\n".join(lines) + "\n")
    text = (
        (swept.folder / "SConstruct")
        .read_text()
        .replace(f"AMBILINK_COMPILER={swept.compiler!r}", "AMBILINK_COMPILER='our.toml'")
    )
    swept.write("SConstruct", text)
    time.sleep(1.1)
    swept.good()
    assert look(swept) != ""
    append("our.toml")(swept)
    assert look(swept) == ""
    time.sleep(1.1)
    swept.good()
    assert look(swept) != ""
    shutil.copy(script, swept.folder / "first/ourcc")
    assert look(swept) == ""
    (swept.folder / "first/ourcc").unlink()
    assert look(swept) != ""
    append("bin/ourcc", "# another\n")(swept)
    assert look(swept) == ""
    time.sleep(1.1)
    assert len([name for name in swept.built(swept.good()) if name.endswith(".o")]) == 3


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[:50], lambda data: data[: len(data) // 2], lambda data: b"\xff" + data],
)
def test_a_damaged_sweep_is_not_believed(swept, damage):
    (path,) = (swept.folder / "build/.ambilink/sweep").iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert look(swept) == ""


def test_a_verdict_is_told_with_its_time(build, top):
    """Of the repository's own build, if it has been built."""
    words = sweep.command_words([])
    path = top / "build/.ambilink/sweep" / os.path.basename(sweep.sweep_path(str(top), words))
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

"""What SCons does when something changed, and what it does not do when nothing did."""

import os
import shutil
import subprocess


def test_nothing_to_do(pair):
    pair.good()
    output = pair.good()
    assert pair.built(output) == []


def test_a_moved_tree_builds_nothing_again(pair):
    """But for compile_commands.json, which names the folder."""
    pair.resettle()
    (pair.folder / "SConstruct").write_text((pair.folder / "SConstruct").read_text() + "env.CompileCommands()\n")
    pair.good()
    moved = pair.folder.with_name(pair.folder.name + "-moved")
    pair.folder.rename(moved)
    pair.folder = moved
    assert pair.built(pair.good()) == ["compile_commands.json"]
    assert str(moved) in (moved / "compile_commands.json").read_text()
    assert pair.built(pair.good()) == []


def test_a_changed_header_rebuilds_its_users(pair):
    pair.good()
    pair.write("low/include/low.h", "int low(int);\nextern int low_data;\n#define CHANGED 1\n")
    objects = [os.path.basename(name) for name in pair.built(pair.good()) if name.endswith(".o")]
    assert sorted(objects) == ["high.c.o", "low.c.o"]


def test_a_header_that_appears_earlier_in_the_search_path(pair):
    pair.good()
    pair.write("high/include/low.h", "int low(int);\nextern int low_data;\n#define NEARER 1\n")
    objects = [os.path.basename(name) for name in pair.built(pair.good()) if name.endswith(".o")]
    assert objects == ["high.c.o"]


def test_a_changed_flag_rebuilds(pair):
    pair.good()
    text = (pair.folder / "SConstruct").read_text()
    (pair.folder / "SConstruct").write_text(text.replace('"-O1"', '"-O2"'))
    # main.c is compiled once: both programs compile it by the same command.
    assert len([name for name in pair.built(pair.good()) if name.endswith(".o")]) == 3


def test_a_comment_stops_after_the_compile(pair):
    pair.good()
    source = pair.folder / "low/low.c"
    source.write_text(source.read_text() + "/* nothing */\n")
    assert [os.path.basename(name) for name in pair.built(pair.good())] == ["low.c.o"]


def test_a_dry_run_builds_nothing_and_says_all(pair):
    output = pair.good("-n")
    assert not pair.out.exists() or not list(pair.out.rglob("*.o"))
    assert {"lib/liblow.so", "lib/liblow.a", "services/user", "services/alone"} <= {
        os.path.relpath(name, pair.out.relative_to(pair.folder)) for name in pair.built(output)
    }


def test_cleaning_removes_everything(pair):
    pair.good()
    pair.good("-c")
    assert not [path for path in pair.out.rglob("*") if path.is_file()]


def test_cleaning_reaches_what_only_scanners_found(pair):
    user = str(pair.out / "services/user")
    pair.good(user)
    assert (pair.out / "lib/liblow.so").exists()
    pair.good("-c", user)
    assert not [path for path in pair.out.rglob("*") if path.is_file()]


def test_going_on_after_an_error(pair):
    pair.write("low/low.c", "this is not C\n")
    output = pair.bad("-k")
    assert any(name.endswith("high.c.o") for name in pair.built(output))
    assert not (pair.out / "lib/liblow.so").exists()


def test_explain_names_the_reason(pair):
    pair.good()
    source = pair.folder / "low/low.c"
    source.write_text(source.read_text() + "int another;\n")
    output = pair.good("--debug=explain")
    assert "obj/low/pic/low/low.c.o' because low/low.c changed\n" in output


def test_verbose_shows_commands(pair):
    pair.verbose = True
    text = (pair.folder / "SConstruct").read_text()
    (pair.folder / "SConstruct").write_text(text.replace("AMBILINK_VERBOSE=False", "AMBILINK_VERBOSE=True"))
    output = pair.good()
    assert " -c -I" in output and "-soname liblow.so" in output and "  CC " not in output


def test_an_archive_forgets_a_removed_source(pair):
    pair.write("low/more.c", "int more(void) { return 1; }\n")
    text = (pair.folder / "SConstruct").read_text()
    (pair.folder / "SConstruct").write_text(text.replace('["low/low.c"]', '["low/low.c", "low/more.c"]'))
    pair.good()
    assert b"more.c.o" in (pair.out / "lib/liblow.a").read_bytes()
    (pair.folder / "SConstruct").write_text(text)
    pair.good()
    assert b"more.c.o" not in (pair.out / "lib/liblow.a").read_bytes()


def test_nothing_but_python_is_needed(pair, tmp_path):
    """The hermetic toolset builds with a PATH on which there is nothing at all."""
    import sys

    if pair.compiler != "hermetic":
        import pytest

        pytest.skip(f"compiler={pair.compiler} uses the machine's own programs")
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {"PATH": str(empty), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "SCons"], cwd=pair.folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_build_that_was_killed_between_an_object_and_its_list(pair):
    """The object is as it should be, and nothing that is made of it."""
    pair.good()
    before = pair.folder / "before"
    shutil.copytree(pair.folder / "build", before / "build", symlinks=True)
    shutil.copy2(pair.folder / ".sconsign.dblite", before)
    pair.write("low/low.c", (pair.folder / "low/low.c").read_text().replace("= 3", "= 4"))
    pair.good()
    expected = (pair.out / "lib/liblow.a").read_bytes()
    compiled = [next(pair.out.rglob("low.c.o")), next((pair.folder / "build/.ambilink").rglob("objects.json"))]
    after = {path: path.read_bytes() for path in compiled}
    shutil.rmtree(pair.folder / "build")
    shutil.copytree(before / "build", pair.folder / "build", symlinks=True)
    shutil.copy2(before / ".sconsign.dblite", pair.folder)
    for path, data in after.items():
        path.write_bytes(data)
    pair.good()
    assert (pair.out / "lib/liblow.a").read_bytes() == expected

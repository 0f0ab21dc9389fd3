"""Builds that go on, and are right the next time: files that change under the compiler, wrong clocks, copied and
touched outputs, many jobs."""

import os
import shutil
import time

import pytest

from .test_inputs import compiled, has, library


def launcher(tree, text: str) -> None:
    """A compiler launcher that does something first; $last is the source."""
    script = tree.write("launch", f'#!/bin/sh\nfor last; do :; done\n{text}\nexec "$@"\n')
    script.chmod(0o755)
    tree.more = f"AMBILINK_LAUNCHER={str(script)!r},"


@pytest.mark.parametrize("edited", ["y.h", "x.c"])
def test_a_file_that_is_edited_while_it_is_compiled(tree, edited):
    tree.write("y.h", '#define ANSWER "answer-one"\n')
    tree.write("x.c", '#include "y.h"\nconst char x[] = ANSWER;\n')
    cache = f"AMBILINK_CACHE={str(tree.folder / 'cache')!r},"
    new = "'#define ANSWER \"answer-two\"'" if edited == "y.h" else "'const char x[] = \"answer-two\";'"
    # The compiler has read it; the editor saves.
    launcher(tree, f'"$@"; [ -e edited ] || {{ touch edited; echo {new} > {edited}; }}; exit')
    tree.more += cache
    library(tree, ["x.c"])
    time.sleep(0.05)
    tree.good()
    assert has(tree, b"answer-one")  # as the compiler saw it
    tree.good()
    assert has(tree, b"answer-two") and compiled(tree) == []
    shutil.rmtree(tree.folder / "build")  # what was made of something else is not shared
    tree.good()
    assert has(tree, b"answer-two")


def test_dates_in_the_future(tree):
    tree.write("y.h", '#define ANSWER "answer-one"\n')
    tree.write("x.c", '#include "y.h"\nconst char x[] = ANSWER;\n')
    library(tree, ["x.c"])
    for name in ("x.c", "y.h", "SConstruct"):
        os.utime(tree.folder / name, (time.time() + 1e8,) * 2)
    tree.good()
    assert has(tree, b"answer-one") and compiled(tree) == []
    tree.write("y.h", '#define ANSWER "answer-two"\n')
    os.utime(tree.folder / "y.h", (time.time() + 1e8,) * 2)
    tree.good()
    assert has(tree, b"answer-two") and compiled(tree) == []


def test_sources_whose_dates_are_all_the_same(tree):
    """As archives have them that were made to be reproducible: another release looks the same, but for its content."""
    texts = {
        "x.c": "int f1(void) {{ return {0}; }} int f2(void) {{ return 0; }}\n",
        "x.map": "{{ global: f{0}; local: *; }};\n",
    }
    library(tree, ["x.c"], "version_script='x.map'")
    for release in (1, 2):
        for name, text in texts.items():
            tree.write(name, text.format(release))
            os.utime(tree.folder / name, (499162500, 499162500))
        tree.good()
        assert [f"f{number}" in (tree.out / "lib/libx.abi").read_text() for number in (1, 2)] == [
            release == 1,
            release == 2,
        ]


def test_built_sources_and_headers_that_were_altered(tree):
    """Nothing else than their command makes them; a folder is built before `out`."""
    tree.write("x.in", '#include "y.h"\nconst char x[] = ANSWER;\n')
    tree.write("y.in", '#define ANSWER "answer-one"\n')
    tree.sconstruct(
        "for name in ('x.c', 'y.h'):\n    env.Command(f'a/{name}', name[0] + '.in', Copy('$TARGET', '$SOURCE'))\n"
        "env.DualLibrary('x', ['a/x.c'])\n"
    )
    tree.good()
    tree.write("a/y.h", '#define ANSWER "altered"\n')
    tree.good()
    assert has(tree, b"answer-one") and (tree.folder / "a/y.h").read_text() == (tree.folder / "y.in").read_text()
    tree.write("a/x.c", "altered\n")
    tree.good()
    assert has(tree, b"answer-one") and compiled(tree) == []


def made(tree) -> list[str]:
    words = {line.split()[0] for line in tree.good().splitlines() if line.startswith("  ") and line.split()}
    return sorted(words & {"CC", "AR", "LD", "ABI", "STUB", "RT", "OBJS"})


def test_outputs_that_are_touched_or_copied(pair):
    pair.good()
    outputs = [path for path in (pair.folder / "build").rglob("*") if path.is_file()]
    for number, path in enumerate(outputs):
        os.utime(path, (number, number))
    assert made(pair) == []
    shutil.copytree(pair.folder / "build", pair.folder / "copy", symlinks=True, copy_function=shutil.copyfile)
    shutil.rmtree(pair.folder / "build")
    (pair.folder / "copy").rename(pair.folder / "build")
    assert made(pair) == []
    # The whole tree, as `cp -r` makes it.
    shutil.copytree(pair.folder, pair.folder.with_name("other"), copy_function=shutil.copyfile)
    pair.folder = pair.folder.with_name("other")
    assert made(pair) == []
    object_file = next((pair.out / "obj/low").rglob("low.c.o"))
    status = os.stat(object_file)
    object_file.write_bytes(bytes(status.st_size))
    os.utime(object_file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "CC" in made(pair)


def test_thirty_two_jobs_for_a_thousand_files(tree):
    """With a compiler that only copies; 40 libraries, each with a header that is built."""
    tree.write("proto.c", "static int x;\n")
    tree.sconstruct("env.DualLibrary('proto', ['proto.c'])\n")
    tree.good()
    shutil.copyfile(next((tree.out / "obj").rglob("proto.c.o")), tree.folder / "proto.o")
    copying = "while [ $# -gt 1 ]; do case $1 in -MF) d=$2;; -o) o=$2;; esac; shift; done\n"
    script = tree.write("launch", f'#!/bin/sh\n{copying}echo "x: $1 ${{1%/*}}/own.h" > $d\nexec cp proto.o $o\n')
    script.chmod(0o755)
    tree.more = f"AMBILINK_LAUNCHER={str(script)!r},"
    for number in range(40):
        for name in range(25):
            tree.write(f"l{number}/{name}.c", "")
    tree.sconstruct(
        "for number in range(40):\n"
        "    env.Command(f'l{number}/own.h', [], 'echo > $TARGET')\n"
        "    env.DualLibrary(f'l{number}', Glob(f'l{number}/*.c', strings=True), shared=None)\n"
    )
    output = tree.good("-j32")
    assert output.count("  CC ") == 1000
    assert compiled(tree, "-j32") == []


def _wrapper(tree, value: int) -> None:
    """A compiler in the PATH that is a script; each has the size and the date of the others."""
    real = shutil.which("gcc")
    path = tree.write("bin/gcc", f'#!/bin/sh\nexec {real} \'-DANSWER="answer-{value}"\' "$@"\n')
    path.chmod(0o755)
    os.utime(path, (1_600_000_000, 1_600_000_000))


@pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
@pytest.mark.parametrize("cached", [False, True])
def test_a_compiler_that_is_a_script(tree, cached):
    tree.compiler = "gnu"
    tree.variables = {"PATH": f"{tree.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    tree.more = f"AMBILINK_CACHE={str(tree.folder / 'cache')!r}," if cached else ""
    tree.write("x.c", "const char x[] = ANSWER;\n")
    _wrapper(tree, 1)
    library(tree, ["x.c"])
    tree.good()
    assert has(tree, b"answer-1")
    _wrapper(tree, 2)
    tree.good()
    assert has(tree, b"answer-2") and compiled(tree) == []


def test_a_launcher_that_is_a_script(tree):
    tree.write("x.c", "const char x[] = ANSWER;\n")
    for value in (1, 2):
        script = tree.write("launch", f'#!/bin/sh\nexec "$@" \'-DANSWER="answer-{value}"\'\n')
        script.chmod(0o755)
        os.utime(script, (1_600_000_000, 1_600_000_000))
        tree.more = f"AMBILINK_LAUNCHER='./launch', AMBILINK_CACHE={str(tree.folder / 'cache')!r},"
        library(tree, ["x.c"])
        tree.good()
        assert has(tree, f"answer-{value}".encode())
    assert compiled(tree) == []


OTHER = (
    'other = Environment(tools=["ambilink"], toolpath=[{toolpath!r}], AMBILINK_COMPILER={compiler!r},\n'
    '    AMBILINK_FLAGS=["-O1"], {settings})\n'
    'other.DualLibrary("{name}", ["x.c"])\n'
)


def _two(tree, name: str, settings: str) -> None:
    tree.write("x.c", "const char x[] = ANSWER;\n")
    tree.more = "CPPDEFINES={'ANSWER': r'\\\"answer-one\\\"'},"
    other = OTHER.format(toolpath=str(tree.toolpath), compiler=tree.compiler, name=name, settings=settings)
    library(tree, ["x.c"])
    tree.sconstruct(f"{tree._text}\n{other}")


def test_two_environments_of_one_build_folder(tree):
    """They share what is known of it; each has its variables."""
    settings = "CPPDEFINES={'ANSWER': r'\\\"answer-two\\\"'}"
    _two(tree, "second", settings)
    tree.good()
    assert b"answer-two" in (tree.out / "lib/libsecond.so").read_bytes() and has(tree, b"answer-one")
    assert compiled(tree) == []
    tree.write("x.c", "const char x[] = ANSWER ANSWER;\n")
    assert len(compiled(tree)) == 2
    assert compiled(tree) == []


def test_two_environments_of_one_build_folder_with_other_settings(tree):
    _two(tree, "second", "AMBILINK_OS='freestanding', AMBILINK_BUILD='build/x86_64'")
    said = tree.bad()
    assert "SConstruct:11: this environment has the build folder build/x86_64, and so has that of SConstruct:1" in said
    assert "give one of them another AMBILINK_BUILD" in said and "Traceback" not in said

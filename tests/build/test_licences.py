"""`ambilink licences`: what is linked, by the debug information of the build itself."""

import json
import shutil
import subprocess
import sys

import pytest

from ambilink.compile.wheel import wheel_folder
from ambilink.errors import AmbilinkError
from ambilink.report.licences import UNKNOWN, as_text, licences


def by_name(found):
    return {origin.name: (origin.licence, linked) for origin, linked in found.items()}


def test_what_an_image_is_made_of(build, top):
    found = by_name(licences(build / "boot.img", build, {}))
    licence, musl = found["musl"]
    assert licence == "MIT" and "lib/libc.so" in musl.outputs and "services/loader" in musl.outputs
    assert all((wheel_folder().parent / source[source.index("ziglang/") :]).is_file() for source in musl.sources)
    assert any(source.endswith("/string/strlen.c") for source in musl.sources)
    licence, ours = found["Ambilink"]
    assert licence == "MIT" and {"libs/rtld/src/link.c", "boot/kernel/start/main.c"} <= ours.sources
    assert all((top / source).is_file() for source in ours.sources) and "kernel" in ours.outputs
    licence, data = found["data"]
    assert licence == UNKNOWN and data.sources == {"etc/motd", "etc/fortunes"}
    assert set(found) <= {"musl", "Ambilink", "data", "Zig compiler run-time"}, "something of ours is not known"


def test_what_the_linker_left_out_is_not_listed(build):
    names = ("services/loader", "lib/libc.so")
    static, whole = (by_name(licences(build / name, build, {}))["musl"][1] for name in names)
    assert static.sources < whole.sources and len(static.sources) < 200 < len(whole.sources)


@pytest.fixture
def foreign(tree):
    """A program of sources with debug information and without, and one ready object."""
    tree.write("src/main.c", "int theirs(void);\nint bare(void);\nvoid _start(void) { for (;;) theirs(), bare(); }\n")
    tree.write("vendor/theirs.c", "__attribute__((noinline)) int theirs(void) { return 1; }\n")
    tree.write("bare.c", "__attribute__((noinline)) int bare(void) { return 2; }\n")
    tree.sconstruct(
        'env.DualLibrary("bare", ["bare.c"], shared=None, flags="-g0")\n'
        'env.Service("user", ["src/main.c", "vendor/theirs.c"], flags="-g", LIBS=["bare"], linkage="static")\n'
    )
    tree.good()
    return tree


def test_foreign_sources_are_unknown_until_they_are_named(foreign):
    user = foreign.out / "services/user"
    found = licences(user, foreign.out, {})
    unknown = {source for origin, linked in found.items() if origin.licence == UNKNOWN for source in linked.sources}
    assert unknown == {"src/main.c", "vendor/theirs.c", "bare() (no debug information)"}
    named = by_name(licences(user, foreign.out, {"vendor/": "BSD-2-Clause"}))
    assert named["vendor"][0] == "BSD-2-Clause" and named["vendor"][1].sources == {"vendor/theirs.c"}
    assert any("bare() (no debug information)" in line for line in as_text(found))
    shutil.move(user.with_name("user.debug"), foreign.folder / "away")
    (without,) = licences(user, foreign.out, {}).values()
    assert without.sources == {"user (no debug information)"}


def run(*words):
    return subprocess.run([sys.executable, "-m", "ambilink", "licences", *words], capture_output=True, text=True)


def test_the_command(foreign, tmp_path):
    user = foreign.out / "services/user"
    done = run(user, "--root", foreign.out, "--own", "src/=MIT", "--json")
    rows = json.loads(done.stdout)
    assert rows["format"] == 1 and {row["licence"] for row in rows["licences"]} == {"MIT", UNKNOWN}
    text = tmp_path / "text"
    text.write_text("no image")
    cases = {
        (text,): "is a text file, no boot image",
        (tmp_path / "none",): "cannot be read",
        (user, "--own", "src"): "is no PATH=LICENCE",
        (user, "--own", "nothing/=MIT"): "has no source of its own whose path begins with nothing/; correct --own",
    }
    for words, message in cases.items():
        done = run(*words)
        assert done.returncode != 0 and message in done.stderr and "Traceback" not in done.stderr


def test_a_folder_of_the_same_name_takes_nothing_of_ours(build):
    found = licences(build / "services/greet", build, {})
    assert [origin.name for origin in found if origin.name == "Ambilink"]
    with pytest.raises(AmbilinkError, match="has no source of its own whose path begins with services/"):
        licences(build / "services/greet", build, {"services/": "BSD-2-Clause"})

"""Ambilink's own system, declared in other trees: from the tool's sources, in parts, and as a subfolder."""

import json
import os
import shutil

import pytest

from ambilink.sources import FLAGS

MANIFEST = """\
[image]
modules = ["serial"]

[[service]]
name = "names"
grants = ["log"]

[[service]]
name = "console"
grants = ["log"]
stack = 131072

[[service]]
name = "hello"
role = "program"
"""
HELLO = '#include <stdio.h>\n\nint main(void)\n{\n    puts("Hello from elsewhere.");\n    return 0;\n}\n'
OWN = """\
env.Service("hello", ["hello.c"], LIBS=["log", "c"])
image = env.BootImage("boot.img", "boot.toml")
log = env.BootTest("boot.log", image)
"""
SHIPPED = ["kernel", "modules/serial.so", "services/loader", "services/names", "services/console"]
LIBRARIES = ["lib/libc.so", "lib/libposix.so", "lib/libipc.so", "lib/libsys.so", "lib/liblog.so"]


@pytest.fixture
def system(tree, build_cache):
    tree.more = f"AMBILINK_CACHE={str(build_cache)!r},"
    tree.write("hello.c", HELLO)
    tree.write("boot.toml", MANIFEST)
    return tree


def outputs(tree) -> set[str]:
    return {str(path.relative_to(tree.out)) for path in tree.out.rglob("*") if path.is_file()}


def test_an_image_of_it_is_built_and_boots(system, build, top):
    """What is compiled is what this repository compiles, byte by byte, and only what the image needs."""
    system.sconstruct("env.AmbilinkSystem()\n" + OWN)
    before = stamps(top)
    system.good()
    assert "hello: Hello from elsewhere." in (system.out / "boot.log").read_text()
    if os.environ.get("AMBILINK_COMPILER", "hermetic") == "hermetic":
        for name in SHIPPED + LIBRARIES:
            assert (system.out / name).read_bytes() == (build / name).read_bytes(), name
    made = outputs(system)
    assert not {"services/files", "services/audit", "lib/libbootimage.so", "lib/ld.so", "modules/rtc.so"} & made
    assert stamps(top) == before, "something was written beside the sources"
    assert "up to date" in system.good()


def stamps(top) -> dict[str, int]:
    folders = [top / name for name in ("libs", "services", "boot")]
    return {str(path): path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*")}


def test_flags_of_the_environment_are_not_for_it(tree):
    tree.more = 'CCFLAGS="-ansi", CPPDEFINES="int=char",'
    tree.sconstruct(
        'env["AMBILINK_FLAGS"] = ["-std=c89", "-Werror", "-Weverything", "-DSEEN"]\n'
        'system = env.AmbilinkSystem("libs/rtld", flags="-DMORE")\nDefault(system.libraries["rtld"].static)\n'
        "env.CompileCommands()\n"
    )
    tree.good(".")
    entries = json.loads((tree.folder / "compile_commands.json").read_text())
    for entry in entries:
        assert "-DMORE" in entry["arguments"] and "-DSEEN" not in entry["arguments"]
        assert entry["arguments"].count("-O2") == 1 and "-ansi" not in entry["arguments"]


def test_parts_by_name(tree):
    tree.write("main.c", "void _start(void) { for (;;); }\n")
    tree.sconstruct(
        'system = env.AmbilinkSystem(["libs/rtld", "libs/rtld/"])\nenv.AmbilinkSystem("libs/rtld")\n'
        'assert list(system.libraries) == ["rtld"] and not system.programs\n'
        'env.Service("user", ["main.c"], LIBS=["rtld"], linkage="static")\n'
    )
    tree.good()
    made = outputs(tree)
    assert {"services/user", "lib/librtld.a"} <= made and "lib/librtld.so" not in made


MISTAKES = {
    "an unknown part": ('env.AmbilinkSystem("libs/rtdl")', "there is no part 'libs/rtdl'; did you mean 'libs/rtld'?"),
    "no part": ('env.AmbilinkSystem("boot/system/files")', "there is no part 'boot/system/files'"),
    "the whole after a part": (
        'env.AmbilinkSystem("libs/rtld")\nenv.AmbilinkSystem()',
        "'libs' has 'libs/rtld' in it, which was declared before; declare the whole first, or the others by name",
    ),
    "a library of it that was not declared": (
        'env.AmbilinkSystem("libs/hostlink")\nenv.AmbilinkSystem("libs/rtld")',
        "the unknown library 'c' in LIBS; known: hostlink, rtld; env.AmbilinkSystem('libs/c') declares Ambilink's",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(tree, mistake):
    text, message = MISTAKES[mistake]
    tree.sconstruct(text + "\n")
    said = tree.bad()
    assert message in said and "Traceback" not in said
    assert "SConstruct:" in said or "SConscript:" in said


@pytest.fixture(scope="module")
def copy(top, tmp_path_factory):
    """This repository as a subfolder of another project."""
    folder = tmp_path_factory.mktemp("parent") / "third_party/ambilink"
    for name in ("libs", "services", "boot", "toolchain", "site_scons"):
        shutil.copytree(top / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(top / "SConscript", folder)
    return folder


SUBFOLDER = """\
mine = Environment(
    tools=["ambilink"], toolpath=["third_party/ambilink/site_scons/site_tools"], AMBILINK_COMPILER={compiler!r},
    AMBILINK_CACHE={cache!r}, AMBILINK_FLAGS={flags},
)
SConscript("third_party/ambilink/SConscript", exports={{"env": mine}}{more})
env = mine
{own}
env["AMBILINK"].check()
Default({wanted})
"""
WITHOUT_LIBC = 'env["AMBILINK"].programs["kernel"].node, "build/{0}/modules/rtc.so", "build/{0}/lib/librtld.so"'


def build_parent(system, build_cache, more: str, wanted: str) -> None:
    shutil.rmtree(system.folder / "build", ignore_errors=True)
    system.write("hello.c", HELLO)
    system.write("boot.toml", MANIFEST)
    cache, flags = str(build_cache), list(FLAGS)
    values = dict(compiler=system.compiler, cache=cache, more=more, own=OWN, flags=flags, wanted=wanted)
    system.write("SConstruct", SUBFOLDER.format(**values))
    system.good()


def test_as_a_subfolder(copy, system, build_cache):
    """Of a build with an environment of its own, which is called something else there."""
    system.folder = copy.parents[1]
    build_parent(system, build_cache, "", "log")
    assert "hello: Hello from elsewhere." in (system.out / "boot.log").read_text()
    assert not (copy / "build").exists()


@pytest.mark.parametrize("duplicate", [0, 1])
def test_as_a_subfolder_with_a_variant_folder(copy, system, build_cache, duplicate):
    system.folder = copy.parents[1]
    more = f', variant_dir="out/ours{duplicate}", duplicate={duplicate}'
    build_parent(system, build_cache, more, WITHOUT_LIBC.format(system.out.name))
    assert (system.out / "kernel").is_file() and (system.out / "lib/librtld.so").is_file()

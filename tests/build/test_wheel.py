"""The tool of an installed wheel, without the checkout, loaded in each way."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.build.test_system import HELLO, LIBRARIES, MANIFEST, SHIPPED

CHECK = """\
import sys
top = {top!r}
for name, module in sorted(sys.modules.items()):
    if name.split(".")[0] == "ambilink" and (getattr(module, "__file__", None) or "").startswith(top):
        raise SystemExit(f"{{name}} is the checkout's: {{module.__file__}}")
import ambilink.scons, ambilink.files
assert ambilink.scons.tool and ambilink.files.write_atomically and not hasattr(ambilink, "generate")
"""
SETTINGS = 'AMBILINK_COMPILER={compiler!r}, AMBILINK_FLAGS="-O1"'
WAYS = {
    "as a function": 'import ambilink.scons\nenv = Environment(tools=["default", ambilink.scons.tool], {settings})\n',
    "by name": (
        "import ambilink.scons\n"
        'env = Environment(tools=["ambilink"], toolpath=[ambilink.scons.toolpath()], {settings})\n'
    ),
    "by name, twice": (
        "import ambilink.scons\npath = [ambilink.scons.toolpath()]\n"
        'other = Environment(tools=["ambilink"], toolpath=path, AMBILINK_BUILD="other", {settings})\n'
        'env = Environment(tools=["ambilink"], toolpath=path, {settings})\nenv.Tool("ambilink")\n'
        'assert env.Clone()["AMBILINK"] is env["AMBILINK"] is not other["AMBILINK"]\n'
    ),
}


def build(tree, top, python: Path, head: str) -> None:
    text = (tree.folder / "SConstruct").read_text().split("\n)\n", 1)[1]
    settings = SETTINGS.format(compiler=tree.compiler)
    tree.write("SConstruct", head.format(settings=settings) + text + CHECK.format(top=str(top)))
    scons(python, tree)


def scons(python: Path, tree) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, "-m", "SCons", "-Q"], cwd=tree.folder, capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_a_dual_library_is_built(wheel_python, pair, top, way):
    build(pair, top, wheel_python, WAYS[way])
    assert (pair.out / "lib/libhigh.a").is_file() and (pair.out / "lib/libhigh.so").is_file()
    assert (pair.out / "services/user").is_file() and (pair.out / "services/alone").is_file()


def test_the_checkouts_tool_is_the_checkouts(pair, top):
    """By its own path, whatever is installed."""
    pair.sconstruct(f"import ambilink.scons\nassert ambilink.scons.__file__.startswith({str(top)!r})\n")
    pair.good()


def test_the_wheel_has_the_command(wheel_python):
    done = subprocess.run([wheel_python.with_name("ambilink"), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "image" in done.stdout


SYSTEM = """\
import ambilink.scons
env = Environment(tools=[ambilink.scons.tool], AMBILINK_COMPILER={compiler!r}, AMBILINK_CACHE={cache!r})
env.AmbilinkSystem()
env.Service("hello", ["hello.c"], LIBS=["log", "c"])
env.BootTest("boot.log", env.BootImage("boot.img", "boot.toml"))
env["AMBILINK"].check()
"""


def test_the_system_is_built_and_booted_in_an_empty_folder(wheel_python, tree, build, build_cache):
    """As `pip install ambilink` gives it; its package is only read."""
    tree.write("hello.c", HELLO)
    tree.write("boot.toml", MANIFEST)
    tree.write("SConstruct", SYSTEM.format(compiler=tree.compiler, cache=str(build_cache)))
    (package,) = wheel_python.parents[1].glob("lib/python*/site-packages/ambilink/system")
    before = {path: path.stat().st_mtime_ns for path in package.rglob("*")}
    scons(wheel_python, tree)
    assert "hello: Hello from elsewhere." in (tree.out / "boot.log").read_text()
    assert "<style>" in (tree.out / "boot.html").read_text() and "hello" in (tree.out / "boot.json").read_text()
    assert {path: path.stat().st_mtime_ns for path in package.rglob("*")} == before
    for name in SHIPPED + LIBRARIES if tree.compiler == "hermetic" else []:
        assert (tree.out / name).read_bytes() == (build / name).read_bytes(), name

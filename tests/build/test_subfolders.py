"""Building from a subfolder of a project, and the help that belongs to the project."""

import os
import subprocess
import sys

import pytest

OPTIONS = """\
import ambilink.scons
env = Environment(
    tools=[ambilink.scons.tool], variables=ambilink.scons.options(), AMBILINK_COMPILER={compiler!r})
"""


@pytest.fixture
def project(pair):
    pair.write("services/two.c", "void _start(void) { for (;;) ; }\n")
    pair.write("services/SConscript", "Import('env')\nenv.Service('two', ['two.c'])\n")
    pair.write("notes/x", "")
    pair.sconstruct(pair._text + 'env.SConscript("services/SConscript", exports="env")\n')
    return pair


def run(project, folder, *words, module="SCons"):
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=project.folder / folder,
        capture_output=True,
        text=True,
        env={**os.environ, **project.variables},
    )


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("low", {"lib/liblow.a", "lib/liblow.so"}),
        ("services", {"services/two"}),
        ("high/include", None),
        ("notes", None),
    ],
)
@pytest.mark.parametrize("option", ["-u", "-U"])
def test_what_lies_in_a_folder(project, folder, expected, option):
    """Its sources, or its SConscript."""
    done = run(project, folder, option)
    if expected is None:
        assert done.returncode == 2 and f"{folder}: nothing is declared here, or has its sources here" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    built = {path.relative_to(project.out).as_posix() for path in project.out.glob("[ls][ie]*/*")}
    assert {path for path in built if not path.endswith((".debug", ".abi"))} == expected


def test_the_command_goes_up_to_the_project(project):
    done = run(project, "low", "build", module="ambilink")
    assert done.returncode == 0 and (project.out / "lib/liblow.so").exists(), done.stderr
    assert not (project.out / "services").exists()


def test_help_of_a_project_that_has_none_of_its_own(tree):
    tree.write("SConstruct", OPTIONS.format(compiler=tree.compiler) + "env.Alias('prove', [])\n")
    said = tree.good("-h")
    assert "compiler=" in said and "Targets: prove" in said and "--cache-debug" not in said
    tree.write("SConstruct", OPTIONS.format(compiler=tree.compiler) + "Help('mine')\n")
    assert tree.good("-h").startswith("scons: Reading") and "Targets:" not in tree.good("-h")

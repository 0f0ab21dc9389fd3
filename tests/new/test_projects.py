"""Each template of an installed wheel builds and passes its test as it is made."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Case:
    made: tuple[str, ...]  # in the build folder
    source: str  # a source file
    rebuilt: tuple[str, ...]  # what is linked again when it changes


CASES = {
    "kernel": Case(("my-os", "my-os.debug"), "kernel/main.c", ("my-os",)),
}


@pytest.fixture(scope="module", params=CASES)
def project(request, installed, tmp_path_factory) -> Path:
    """Made, built and tested."""
    parent = tmp_path_factory.mktemp(request.param)
    installed.new(parent, "my-os", "--template", request.param)
    return parent / "my-os"


def case(project: Path) -> Case:
    return CASES[project.parent.name.rstrip("0123456789")]


def test_it_builds_and_passes(installed, project, top):
    installed.scons(project)
    built = project / "build/x86_64"
    assert [name for name in case(project).made if not (built / name).is_file()] == []
    assert (project / "compile_commands.json").is_file()
    assert str(top / "toolchain") not in (project / "compile_commands.json").read_text()
    installed.scons(project, "test")
    assert "is up to date" in installed.scons(project)


def test_one_changed_line_is_built_again(installed, project):
    source = project / case(project).source
    source.write_text(source.read_text() + "\nint one_line_more;\n")
    output = installed.scons(project)
    linked = {Path(line.split()[1]).name for line in output.splitlines() if line.startswith("  LD ")}
    compiled = [line for line in output.splitlines() if line.startswith("  CC ")]
    assert linked == set(case(project).rebuilt)
    assert compiled and all(case(project).source in line for line in compiled)


def test_git_sees_sources_only(project):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    git = ["git", "-C", str(project), "-c", "safe.directory=*"]
    subprocess.run([*git, "init", "-q"], check=True)
    status = subprocess.run([*git, "status", "--porcelain", "-uall"], capture_output=True, text=True, check=True).stdout
    from ambilink.new.template import project_files

    assert sorted(line[3:] for line in status.splitlines()) == sorted(project_files(project.parent.name[:-1], "my-os"))


def test_a_second_one_is_refused(installed, project):
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    assert "is not empty" in installed.new(project.parent, "my-os", expect=1)
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before

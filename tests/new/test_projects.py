"""Each template of an installed wheel builds and passes its test as it is made."""

import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ambilink.new.template import project_files


@dataclass
class Case:
    build: str  # the build folder
    made: tuple[str, ...]  # in it
    source: str  # a source file
    linked: tuple[str, ...]  # again, when it changes
    tested: str  # what the test prints


CASES = {
    "system": Case(
        "build/x86_64",
        ("boot.img", "lib/libgreeting.so", "services/greeter", "services/hello", "services/loader", "kernel"),
        "libs/greeting/src/write.c",
        ("libgreeting.so",),
        "hello: Hello, my-os!",
    ),
    "kernel": Case(
        "build/x86_64-os", ("my-os.elf", "my-os.elf.debug"), "kernel/main.c", ("my-os.elf",), "my-os: ready"
    ),
    "library": Case(
        "build/x86_64-os",
        ("lib/libmy-os.a", "lib/libmy-os.so.1", "bin/my-os-static", "bin/my-os-dynamic"),
        "src/checksum.c",
        ("libmy-os.so.1", "my-os-static"),
        "start: libmy-os.so.1 my-os-dynamic",
    ),
    "loader": Case(
        "build/x86_64-os",
        ("bin/loader", "bin/loader-linux", "bin/hello", "lib/libcounter.so", "lib/libsystem.so"),
        "libs/counter/counter.c",
        ("libcounter.so",),
        "hello: relocations, a constructor and thread-local storage work",
    ),
}


@pytest.fixture(scope="module", params=CASES)
def project(request, installed, tmp_path_factory) -> Path:
    """Made and built."""
    parent = tmp_path_factory.mktemp(request.param)
    installed.new(parent, "my-os", "--template", request.param)
    installed.scons(parent / "my-os")
    return parent / "my-os"


def template(project: Path) -> str:
    return project.parent.name.rstrip("0123456789")


def case(project: Path) -> Case:
    return CASES[template(project)]


def test_it_builds_and_passes(installed, project, top):
    missing = [name for name in case(project).made if not (project / case(project).build / name).is_file()]
    assert not missing
    assert f'"{top}' not in (project / "compile_commands.json").read_text().replace(f'"{sys.prefix}', "")
    assert case(project).tested in installed.scons(project, "test")
    assert "nothing to do" in installed.scons(project)


def test_one_changed_line_is_built_again(installed, project):
    source = project / case(project).source
    more = f'static const char more[] __attribute__((used)) = "{time.time_ns()}";'  # not what the cache holds
    source.write_text(f"{source.read_text()}\n{more}\n")
    lines = [line.split() for line in installed.scons(project).splitlines() if re.match("  [A-Z]+ ", line)]
    linked = {Path(path).name for step, path in lines if step == "LD"}
    compiled = [path for step, path in lines if step == "CC"]
    assert linked == set(case(project).linked)
    assert {Path(path).name for path in compiled} == {source.name + ".o"}


def test_git_sees_sources_only(project):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    git = ["git", "-C", str(project), "-c", "safe.directory=*"]
    subprocess.run([*git, "init", "-q"], check=True)
    done = subprocess.run([*git, "status", "--porcelain", "-uall"], capture_output=True, text=True, check=True)
    assert sorted(line[3:] for line in done.stdout.splitlines()) == sorted(project_files(template(project), "my-os"))


def test_a_second_one_is_refused(installed, project):
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    assert "is not empty" in installed.new(project.parent, "my-os", expect=1)
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before


def test_clangd_reads_the_settings(project):
    clangd = shutil.which("clangd") or shutil.which("clangd-14")
    if clangd is None:
        pytest.skip("clangd is not installed")
    command = [clangd, f"--check={project / case(project).source}"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0 and "0 errors" in done.stderr, done.stderr
    assert "no such file" not in done.stderr


@pytest.mark.parametrize("project", ["kernel", "library", "loader"], indirect=True, scope="module")
def test_gcc_and_gnu_ld_will_do(installed, project):
    if shutil.which("gcc") is None or shutil.which("ld") is None:
        pytest.skip("gcc, or GNU ld, is not installed")
    output = installed.scons(project, "compiler=gnu", "test", compilers="/usr/bin")
    assert case(project).tested in output


# Names that something else has: a profile, a folder of the build, a library, a program.
NAMES = [
    ("kernel", "ambilink"),
    ("kernel", "obj"),
    ("library", "c"),
    ("library", "x" * 31),
    ("loader", "hello"),
    ("loader", "system"),
    ("system", "greeting"),
]


@pytest.mark.parametrize("template, name", NAMES)
def test_a_name_that_something_else_has(installed, tmp_path, template, name):
    """All is declared, and nothing twice."""
    installed.new(tmp_path, name, "--template", template)
    installed.scons(tmp_path / name, "-n")


def test_an_abi_that_drifts_fails_the_build(installed, tmp_path):
    installed.new(tmp_path, "mine", "--template", "library")
    source = tmp_path / "mine/src/checksum.c"
    source.write_text(source.read_text() + "int extra(void);\nint extra(void) { return 1; }\n")
    output = installed.scons(tmp_path / "mine", expect=2)
    assert "its ABI differs from mine.abi" in output and "extra" in output and "abi-update" in output


def test_a_contract_that_is_broken_fails_the_test(installed, tmp_path):
    """And the build before it: no file is left that the system's loader could not load."""
    installed.new(tmp_path, "mine", "--template", "library")
    os_toml = tmp_path / "mine/os.toml"
    os_toml.write_text(os_toml.read_text().replace('"R_X86_64_GLOB_DAT", ', ""))
    output = installed.scons(tmp_path / "mine", expect=2)
    assert "R_X86_64_GLOB_DAT" in output and "mine_version" in output and "SConstruct:" in output
    assert not (tmp_path / "mine/build/x86_64-os/bin/mine-dynamic").exists()

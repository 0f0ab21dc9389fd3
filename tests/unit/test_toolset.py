"""Targets and compilers: TOML files, and what is said when they are wrong."""

import sys

import pytest

from ambilink.compile.musl import find_musl
from ambilink.compile.toolset import HERE, load_target, load_toolset
from ambilink.errors import AmbilinkError

FAKE = """
[compiler]
[programs]
cc = ["{cc}"]
ld = ["{cc}"]
ar = ["{cc}"]
[minimum]
cc = "{minimum}"
[flags]
compile = ["--target={{triple}}"]
"""


def fake(tmp_path, version="tool version 3.4.5", **values):
    program = tmp_path / "tool"
    program.write_text(f"#!{sys.executable}\nprint({version!r})\n")
    program.chmod(0o755)
    path = tmp_path / "own.toml"
    path.write_text(values.pop("text", FAKE).format(**{"cc": program, "minimum": "3.0", **values}))
    return str(path)


def test_the_hermetic_toolset_is_the_wheels():
    toolset = load_toolset("hermetic", "x86_64")
    assert toolset.versions["cc"].startswith("19.1") and "ziglang" in toolset.cc[0]
    assert "--target=x86_64-unknown-none-elf" in toolset.compile_flags


def test_a_file_of_ones_own(tmp_path):
    toolset = load_toolset(fake(tmp_path), "x86_64")
    assert toolset.versions == {"cc": "3.4.5"} and toolset.name == "own"
    assert "--target=x86_64-unknown-none-elf" in toolset.compile_flags


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"minimum": "3.5"}, "minimum.cc is 3.5, and"),
        ({"version": "no number here"}, "prints no version; is it the right program?"),
        ({"cc": "/no/such/cc"}, "programs.cc names /no/such/cc, which is not there; install it"),
        ({"text": FAKE + "warnings = []\n"}, "unknown key flags.warnings; known here: compile, direct-data"),
        ({"text": FAKE.replace("{{triple}}", "{{tripel}}")}, "flags.compile uses {tripel}; known: {triple}"),
        ({"text": FAKE.replace("[flags]", "[flag]")}, "the key flags is missing; add it"),
        (
            {"text": FAKE.replace("[compiler]", '[compiler]\npackage = "no_such_package"')},
            "which is not installed; pip install",
        ),
    ],
)
def test_mistakes(tmp_path, settings, message):
    with pytest.raises(AmbilinkError) as caught:
        load_toolset(fake(tmp_path, **settings), "x86_64")
    assert message in str(caught.value) and "own.toml" in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_names():
    with pytest.raises(AmbilinkError, match="pdp11: is no known target; choose one of aarch64, riscv64, x86_64,"):
        load_target("pdp11")
    with pytest.raises(AmbilinkError, match="tcc: is no known compiler; choose one of gnu, hermetic, llvm"):
        load_toolset("tcc", "x86_64")


@pytest.mark.parametrize("size", [0, 4095, 12288])
def test_pages_are_powers_of_two(tmp_path, size):
    path = tmp_path / "own.toml"
    text = (HERE / "targets/aarch64.toml").read_text().replace("= 65536", f"= {size}")
    path.write_text(text)
    with pytest.raises(AmbilinkError, match=rf"max-page-size is {size}; use a power of two from 4096 on"):
        load_target(str(path))


def test_gnu_tools_of_another_processor_have_its_triple_in_their_names(monkeypatch):
    asked = []
    monkeypatch.setattr("ambilink.compile.toolset.shutil.which", asked.append)
    monkeypatch.setattr("ambilink.compile.toolset.platform.machine", lambda: "aarch64")
    for name in ("aarch64", "riscv64", "x86_64"):
        with pytest.raises(AmbilinkError, match="is not there; install it"):
            load_toolset("gnu", name)
    assert asked == ["gcc", "riscv64-linux-gnu-gcc", "x86_64-linux-gnu-gcc"]


def test_nothing_of_x86_outside_target_files(top):
    """Other machines are added as data: target, relocation table, and folders of their own name."""
    for path in (top / "toolchain/ambilink/compile").glob("*.py"):
        assert "x86" not in path.read_text(), path


@pytest.mark.parametrize("name, sources", [("x86_64", 1343), ("aarch64", 1343), ("riscv64", 1344)])
def test_musl_is_complete(name, sources):
    found = find_musl(load_target(name))
    assert len(found.sources) == sources
    assert any(path.endswith(f"/thread/{name}/clone.s") for path in found.sources)
    assert all(folder.is_dir() for folder in (*found.private_includes, *found.public_includes))


def test_the_targets_own_files_of_musl_win():
    target = load_target("x86_64")
    everything = find_musl(target)
    assert any(path.endswith("/math/x86_64/sqrt.c") for path in everything.sources)
    assert not any(path.endswith("/math/sqrt.c") for path in everything.sources)  # the target's own wins
    less = find_musl(target, frozenset({"thread/x86_64/clone"}))
    assert any(path.endswith("/thread/clone.c") for path in less.sources)
    with pytest.raises(AmbilinkError, match="is to be left out and is not there"):
        find_musl(target, frozenset({"thread/x86_64/clown"}))


def test_a_target_without_musl(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('[target]\ntriple = "x86_64-unknown-none-elf"\nmachine = "EM_X86_64"\n[flags]\n')
    target = load_target(str(path))
    assert target.musl == "" and target.musl_headers == ()
    with pytest.raises(AmbilinkError, match=r"target\.musl is missing, and musl is asked for; add it"):
        find_musl(target)

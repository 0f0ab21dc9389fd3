"""A foreign system from the installed wheel: what is built, and how it boots."""

import re
import shutil

import pytest
from elftools.elf.elffile import ELFFile

from .conftest import PROJECT

# In this order, each on its own console.
EXPECTED = {
    "gallery-static": [
        "shapes: a square is made",
        "shapes: a square is made",
        "gallery: area 25 and 1, tally 102, by the kernel",
        "gallery: good",
        "shapes: the tally ends at 102",
        "shapes: a square goes",
        "shapes: a square goes",
    ],
    "hello": [
        "hello: constructor, 43",
        "hello: hello, fern; 1 arguments, welcome",
        "hello: this is Fern",
        "hello: destructor, 43",
    ],
    "gallery": [
        "shapes: a square is made",
        "shapes: a square is made",
        "gallery: area 25 and 1, tally 102, by the loader",
        "shapes: a circle is made",
        "plugin: call 42, 3 shapes",
        "plugin: call 44, 3 shapes",
        "gallery: the program needs a library that is not there: libnothing.fern",
        "shapes: a circle goes",
        "gallery: good",
        "shapes: the tally ends at 102",
        "shapes: a square goes",
        "shapes: a square goes",
    ],
    "loader": [
        "loader: a program of the kernel's ended, status 0",
        "loader: all ended, 0 pages lost",
        "loader: trial: a library is missing",
        "loader: gallery: gallery needs a library that is not there: libshapes.fern",
        "loader: trial: refused, 0 pages lost",
        "loader: trial: a library is another one",
        "loader: gallery: gallery needs a symbol that no object defines: unit; looked in gallery, libshapes.fern",
        "loader: trial: refused, 0 pages lost",
        "loader: trial: a library is cut",
        "loader: gallery: libshapes.fern has a program header out of range",
        "loader: trial: refused, 0 pages lost",
        "loader: trial: a library is a text",
        "loader: gallery: libfernc.fern is not a 64-bit little-endian ELF file",
        "loader: trial: refused, 0 pages lost",
        "loader: trial: the program is cut",
        "loader: gallery: gallery has an ELF header field out of range",
        "loader: trial: refused, 0 pages lost",
        "loader: trial: there is no such program",
        "loader: gallery: there is no such program",
        "loader: trial: refused, 0 pages lost",
        "loader: refused without memory, 0 pages lost",
        "loader: passed",
    ],
}


@pytest.fixture(scope="module", params=["emulator", "qemu"])
def boot(request, fern) -> str:
    if request.param == "qemu" and shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    return fern.boot(request.param)


def test_every_console_shows_what_it_must(boot):
    lines = boot.splitlines()
    for console, expected in EXPECTED.items():
        at = 0
        for wanted in expected:
            found = next((n for n, line in enumerate(lines[at:], at) if wanted in line), None)
            assert found is not None, f"{console}: {wanted}\n{boot}"
            at = found + 1


def test_a_line_that_two_writes_make_is_whole_though_others_wrote_between(boot):
    assert sum("hello: hello, fern; 1 arguments, welcome" in line for line in boot.splitlines()) == 3


def test_the_form_of_each_output_is_the_profiles(fern):
    kinds = {"loader": "ET_EXEC", "gallery-static": "ET_EXEC", "hello": "ET_DYN", "gallery": "ET_DYN"}
    for name, kind in kinds.items():
        with open(fern.build / "bin" / name, "rb") as file:
            elf = ELFFile(file)
            segments = {segment["p_type"] for segment in elf.iter_segments()}
            assert elf["e_type"] == kind and "PT_INTERP" not in segments, name
            assert ("PT_DYNAMIC" in segments) == (kind == "ET_DYN")
    for name in ("libfernc", "libshapes"):
        assert (fern.build / f"lib/{name}.a").is_file()
        with open(fern.build / f"lib/{name}.fern", "rb") as file:
            elf = ELFFile(file)
            tags = {tag.entry.d_tag for tag in elf.get_section_by_name(".dynamic").iter_tags()}
        assert "DT_HASH" in tags and "DT_GNU_HASH" not in tags and not any("RELR" in str(tag) for tag in tags)


def test_a_program_that_crashes_fails_the_boot(fern, installed, tmp_path):
    """And nothing that another process says afterwards makes it a pass."""
    folder = tmp_path / "crash"
    shutil.copytree(PROJECT, folder)
    program = folder / "programs/hello.c"
    program.write_text(program.read_text().replace("zero += shared_answer;", "*(volatile int *)16 = 1;"))
    output = installed.scons(folder, "test", expect=2)
    assert "a fault ends hello" in output
    assert "FAILED" in (folder / "build" / fern.build.name / "boot.log").read_text().splitlines()[-1]


def test_its_files_are_few_lines():
    def lines(*names: str) -> int:
        return sum(len((PROJECT / name).read_text().splitlines()) for name in names)

    assert lines("SConstruct") < 60
    assert lines("fern.toml") < 60
    assert lines("loader/port.c", "loader/port.h") < 300


def test_it_takes_nothing_of_our_system():
    """Of this repository's headers: the kit's, those of the two libraries in it, the start block and pages."""
    allowed = re.compile(r"(fern|loaderkit|hostlink|rtld)/|ambilink/(start|page)\.h$")
    own = {path.name for path in PROJECT.rglob("*.h")} | {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h"}
    for path in PROJECT.rglob("*.[chS]*"):
        for name in re.findall(r"#include [<\"]([^>\"]+)", path.read_text()):
            assert name in own or name.rpartition("/")[2] in own or allowed.match(name), f"{path.name} includes {name}"


@pytest.mark.parametrize("name", ["loaderkit", "hostlink"])
def test_the_libraries_that_it_takes_know_nothing_of_our_kernel(top, name):
    for path in (top / "libs" / name).rglob("*.[ch]"):
        for header in re.findall(r"#include <(ambilink/[^>]+)>", path.read_text()):
            assert header in ("ambilink/start.h", "ambilink/page.h"), f"{path} includes {header}"

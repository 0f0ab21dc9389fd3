"""The kernel's parts know only what lies below them: includes against boot/kernel/layers.txt."""

import re
import shutil
from pathlib import Path

import pytest

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def read_layers(kernel: Path) -> tuple[dict[str, int], dict[str, str]]:
    """The line of each part, and the part of each file without suffix."""
    lines, parts = {}, {}
    for number, line in enumerate((kernel / "layers.txt").read_text().splitlines()):
        for word in line.split() if not line.startswith("#") else []:
            part, _, files = word.partition(":")
            lines[part] = number
            for file in [part, *(files.split(",") if files else [])]:
                parts[file] = part
    return lines, parts


def sources(kernel: Path) -> list[Path]:
    return sorted(path for path in kernel.rglob("*") if path.suffix in (".c", ".h", ".S"))


def part_of_include(kernel: Path, quoted: str, angled: str, lines: dict[str, int]) -> str:
    if f"<{angled}>" in lines:
        return f"<{angled}>"
    if angled:
        folder = f"<{angled.split('/')[0]}>"
        return folder if "/" in angled and folder in lines else "<standard>"
    # Headers of the target are named without their folder.
    return quoted.removesuffix(".h") if (kernel / quoted).exists() else f"x86_64/{quoted.removesuffix('.h')}"


def violations(kernel: Path) -> list[str]:
    lines, parts = read_layers(kernel)
    found = []
    for path in sources(kernel):
        name = str(path.relative_to(kernel).with_suffix(""))
        if name == "x86_64/entry" and path.suffix == ".S":
            continue  # assembly sees numbers only
        if name not in parts:
            found.append(f"{path.relative_to(kernel)} is in no line of layers.txt")
            continue
        own = parts[name]
        for quoted, angled in INCLUDE.findall(path.read_text()):
            other = part_of_include(kernel, quoted, angled, lines)
            if other != own and (other not in lines or lines[other] >= lines[own]):
                found.append(f"{path.relative_to(kernel)} includes {quoted or angled}, which does not lie below {own}")
    return found


@pytest.fixture
def kernel(top, tmp_path) -> Path:
    """A copy that a test may break."""
    return shutil.copytree(top / "boot/kernel", tmp_path / "kernel")


def test_no_part_knows_what_lies_above_it(top):
    assert violations(top / "boot/kernel") == []


def test_every_line_of_the_order_is_in_use(top):
    _, parts = read_layers(top / "boot/kernel")
    names = {str(path.relative_to(top / "boot/kernel").with_suffix("")) for path in sources(top / "boot/kernel")}
    assert {file for file in parts if not file.startswith("<")} <= names


@pytest.mark.parametrize(
    ("file", "include"),
    [
        ("memory/frames.c", '"memory/pool.h"'),  # the line above
        ("base/log.c", '"process/process.h"'),  # far above
        ("memory/area.h", '"memory/space.h"'),  # of the same line
        ("x86_64/cpu.c", '"base/log.h"'),  # the target's folder has parts of several layers
        ("object/endpoint.c", '"process/process.h"'),
        ("memory/space.c", "<rtld/elf.h>"),  # a library
    ],
)
def test_an_include_the_wrong_way_is_found(kernel, file, include):
    path = kernel / file
    path.write_text(path.read_text().replace("#include", f"#include {include}\n#include", 1))
    assert [line.split(" includes ")[0] for line in violations(kernel)] == [file]


def test_a_file_without_a_place_in_the_order_is_found(kernel):
    (kernel / "memory/more.c").write_text("")
    assert violations(kernel) == ["memory/more.c is in no line of layers.txt"]

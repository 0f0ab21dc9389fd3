"""The loader's parts know only what lies below them, and nothing of any system but its port."""

import re
import shutil
from pathlib import Path

import pytest

from tests.unit.test_kernel_layers import read_layers, violations

FORBIDDEN = re.compile(
    r"\b(sys_\w+|handle_t|(STATUS|RIGHT|MESSAGE|VERDICT|SYS)_[A-Z_]+|ambilink/(abi|loaded|record)\.h)\b"
)


@pytest.fixture
def loader(top, tmp_path) -> Path:
    """A copy that a test may break."""
    return shutil.copytree(top / "services/loader", tmp_path / "loader")


def named(loader: Path) -> dict[str, set[str]]:
    """What policy files name of our kernel."""
    found = {path.name: set(FORBIDDEN.findall(path.read_text())) for path in sorted(loader.glob("*.[ch]"))}
    return {name: words for name, words in found.items() if words}


def test_no_part_knows_what_lies_above_it(top):
    assert violations(top / "services/loader") == []


def test_every_line_of_the_order_is_in_use(top):
    loader = top / "services/loader"
    names = {str(path.relative_to(loader).with_suffix("")) for path in loader.rglob("*.[ch]")}
    assert {part for part in read_layers(loader)[1] if not part.startswith("<")} == names


def test_policy_names_no_kernel(top):
    assert named(top / "services/loader") == {}


def test_a_port_knows_the_contract_and_its_system_only(top):
    includes = re.findall(r'#include "(\S+)"', (top / "services/loader/port/ambilink.c").read_text())
    assert includes == ["port.h"]


@pytest.mark.parametrize(
    ("file", "include"),
    [
        ("space.c", '"child.h"'),
        ("log.c", '"heap.h"'),  # of the same line
        ("port.h", "<system/call.h>"),
        ("serve.c", "<system/call.h>"),
        ("child.c", "<protocol/loader.h>"),
    ],
)
def test_an_include_the_wrong_way_is_found(loader, file, include):
    path = loader / file
    path.write_text(path.read_text().replace("#include", f"#include {include}\n#include", 1))
    assert [line.split(" includes ")[0] for line in violations(loader)] == [file]


@pytest.mark.parametrize(
    "text", ["sys_handle_close(1);", "handle_t h;", "return STATUS_OK;", "#include <ambilink/loaded.h>"]
)
def test_a_word_of_the_kernel_is_found(loader, text):
    path = loader / "wait.c"
    path.write_text(f"{path.read_text()}{text}\n")
    assert list(named(loader)) == ["wait.c"]

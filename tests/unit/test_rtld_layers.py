"""The linker core's parts know only what lies below them: includes and calls against libs/rtld/layers.txt."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from ambilink.compile.toolset import load_toolset

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|(<rtld/[^>]+>))', re.MULTILINE)


def read_layers(core: Path) -> dict[str, int]:
    """The line of each part."""
    lines = enumerate((core / "layers.txt").read_text().splitlines())
    return {part: number for number, line in lines if not line.startswith("#") for part in line.split()}


def sources(core: Path) -> list[Path]:
    return sorted(path for path in (core / "src").iterdir() if path.suffix in (".c", ".h"))


def wrong_includes(core: Path) -> Iterator[str]:
    lines = read_layers(core)
    for path in sources(core):
        if path.stem not in lines:
            yield f"{path.name} is in no line of layers.txt"
            continue
        for quoted, public in INCLUDE.findall(path.read_text()):
            other = public or Path(quoted).stem
            # A part implements what a public header of its name declares.
            if other in (path.stem, f"<rtld/{path.stem}.h>"):
                continue
            if other not in lines or lines[other] >= lines[path.stem]:
                yield f"{path.name} includes {other}"


def wrong_public_includes(core: Path) -> Iterator[str]:
    lines = read_layers(core)
    for path in sorted((core / "include/rtld").glob("*.h")):
        own = lines.get(f"<rtld/{path.name}>")
        for _, public in INCLUDE.findall(path.read_text()):
            if own is not None and (public not in lines or lines[public] >= own):
                yield f"{path.name} includes {public}"


def symbols_of(path: Path) -> tuple[set[str], set[str]]:
    """Global names that an object defines, and those that it wants."""
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        named = [symbol for symbol in table.iter_symbols() if symbol["st_info"]["bind"] != "STB_LOCAL"]
        wanted = {symbol.name for symbol in named if symbol["st_shndx"] == "SHN_UNDEF"}
        return {symbol.name for symbol in named} - wanted, wanted


def wrong_calls(core: Path, folder: Path) -> Iterator[str]:
    """What the compiled units want of each other: functions and data."""
    toolset, lines = load_toolset("hermetic", "x86_64"), read_layers(core)
    defined: dict[str, str] = {}
    wanted: dict[str, set[str]] = {}
    for source in sorted((core / "src").glob("*.c")):
        output = folder / f"{source.stem}.o"
        flags = [*toolset.compile_flags, "-O1", "-w", f"-I{core / 'include'}"]
        subprocess.run([*toolset.cc, *flags, "-c", source, "-o", output], check=True)
        names, wanted[source.stem] = symbols_of(output)
        defined |= dict.fromkeys(names, source.stem)
    for unit, names in wanted.items():
        for name in sorted(names):
            provider = defined.get(name)
            if provider is None:
                yield f"{unit} calls {name}, which is nowhere in the core"
            elif lines[provider] >= lines[unit]:
                yield f"{unit} calls {name} of {provider}"


@pytest.fixture
def core(top, tmp_path) -> Path:
    """A copy that a test may break."""
    return shutil.copytree(top / "libs/rtld", tmp_path / "rtld")


def test_no_part_includes_what_lies_above_it(top):
    assert [*wrong_includes(top / "libs/rtld"), *wrong_public_includes(top / "libs/rtld")] == []


def test_no_part_calls_what_lies_above_it(top, tmp_path):
    """So there is no circle among the units either; and the core calls nothing that it does not bring."""
    assert list(wrong_calls(top / "libs/rtld", tmp_path)) == []


def test_every_line_of_the_order_is_in_use(top):
    core = top / "libs/rtld"
    public = {f"<rtld/{path.name}>" for path in (core / "include/rtld").glob("*.h")}
    assert set(read_layers(core)) <= {path.stem for path in sources(core)} | public


@pytest.mark.parametrize(
    ("file", "include"),
    [
        ("arena.c", '"modules.h"'),  # far above
        ("scope.h", '"reference.h"'),  # the line above
        ("tls.c", '"order.h"'),  # of the same line
        ("headers.c", "<rtld/link.h>"),  # parsing needs no link
        ("modules.c", "<rtld/cache.h>"),  # the edge
    ],
)
def test_an_include_the_wrong_way_is_found(core, file, include):
    path = core / "src" / file
    path.write_text(path.read_text().replace("#include", f"#include {include}\n#include", 1))
    assert [line.split(" includes ")[0] for line in wrong_includes(core)] == [file]


def test_a_call_the_wrong_way_is_found(core, tmp_path):
    """Without the header that declares it."""
    path = core / "src/symbols.c"
    wrong = "int scope_prepare(void *link);\nint wrong(void *link) { return scope_prepare(link); }\n"
    path.write_text(path.read_text() + wrong)
    assert list(wrong_calls(core, tmp_path)) == ["symbols calls scope_prepare of scope"]


def test_a_file_without_a_place_in_the_order_is_found(core):
    (core / "src/more.c").write_text("")
    assert list(wrong_includes(core)) == ["more.c is in no line of layers.txt"]

"""The library of hosts that link: what it may know, the order of its units, and that neither it nor its hosts keep
state outside of what their callers own."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from ambilink.compile.musl import public_headers
from ambilink.compile.toolset import load_toolset

INCLUDE = re.compile(r"^\s*#\s*include\s+[<\"]([^>\"]+)", re.MULTILINE)
STANDARD = {"stdbool.h", "stddef.h", "stdint.h", "string.h"}
LIBRARIES = {"hostlink", "rtld", "ambilink"}
HOSTS_ONLY = {"archive.h": {"bootimage"}}  # headers for hosts of our boot image, which nothing here includes
INCLUDES = [f"libs/{name}/include" for name in ("hostlink", "rtld", "bootimage", "imagetree")] + ["boot/include"]


def wrong_includes(top: Path) -> Iterator[str]:
    for path in sorted((top / "libs/hostlink").rglob("*.[ch]")):
        allowed = LIBRARIES | HOSTS_ONLY.get(path.name, set())
        for name in INCLUDE.findall(path.read_text()):
            folder = name.split("/")[0]
            if name in STANDARD or name == "internal.h" or (folder in allowed and name != "hostlink/archive.h"):
                continue
            yield f"{path.name} includes {name}"
    for path in sorted((top / "libs/rtld").rglob("*.[ch]")):
        for name in INCLUDE.findall(path.read_text()):
            if name.startswith(("hostlink/", "ambilink/")):
                yield f"{path.name} includes {name}"


def compiled(top: Path, folder: Path, sources: list[Path], *includes: str) -> dict[str, ELFFile]:
    toolset = load_toolset("hermetic", "x86_64")
    found = {}
    for source in sources:
        output = folder / f"{source.stem}.o"
        folders = [*(top / each for each in (*INCLUDES, *includes)), *public_headers(toolset.target)]
        flags = [*toolset.compile_flags, "-O1", "-w", *(f"-I{each}" for each in folders)]
        subprocess.run([*toolset.cc, *flags, "-c", source, "-o", output], check=True)
        found[source.stem] = ELFFile(output.open("rb"))
    return found


def symbols(unit: ELFFile) -> Iterator[tuple[str, object]]:
    for symbol in unit.get_section_by_name(".symtab").iter_symbols():
        yield symbol.name, symbol


def wrong_calls(library: Path, units: dict[str, ELFFile]) -> Iterator[str]:
    rows = enumerate((library / "layers.txt").read_text().splitlines())
    lines = {name: number for number, row in rows if not row.startswith("#") for name in row.split()}
    defined = {
        name: unit
        for unit, file in units.items()
        for name, symbol in symbols(file)
        if symbol["st_info"]["bind"] != "STB_LOCAL" and symbol["st_shndx"] != "SHN_UNDEF"
    }
    for unit, file in units.items():
        if unit not in lines:
            yield f"{unit} is in no line of layers.txt"
            continue
        for name, symbol in symbols(file):
            provider = defined.get(name)
            if symbol["st_shndx"] == "SHN_UNDEF" and provider and lines.get(provider, 0) >= lines[unit]:
                yield f"{unit} calls {name} of {provider}"


def state(units: dict[str, ELFFile]) -> list[str]:
    """Data that can be written after relocation."""
    found = []
    for unit, file in units.items():
        for name, symbol in symbols(file):
            index = symbol["st_shndx"]
            section = file.get_section(index).name if isinstance(index, int) else str(index)
            if symbol["st_info"]["type"] == "STT_OBJECT" and (
                section == "SHN_COMMON" or (section.startswith((".data", ".bss")) and ".rel.ro" not in section)
            ):
                found.append(f"{unit}: {name}")
    return found


@pytest.fixture(scope="module")
def units(top, tmp_path_factory) -> dict[str, ELFFile]:
    sources = sorted((top / "libs/hostlink/src").glob("*.c"))
    return compiled(top, tmp_path_factory.mktemp("hostlink"), sources)


def test_includes(top):
    assert list(wrong_includes(top)) == []


def test_no_unit_calls_what_lies_above_it(top, units):
    assert list(wrong_calls(top / "libs/hostlink", units)) == []


def test_a_call_the_wrong_way_is_found(top, units, tmp_path):
    turned = tmp_path / "layers.txt"
    turned.write_text("\n".join(reversed((top / "libs/hostlink/layers.txt").read_text().splitlines())))
    assert "map calls is_found of place" in list(wrong_calls(tmp_path, units))


def test_an_include_the_wrong_way_is_found(top, tmp_path):
    for name in ("hostlink", "rtld"):
        shutil.copytree(top / "libs" / name, tmp_path / "libs" / name)
    for path, name in (("hostlink/src/map.c", "bootimage/archive.h"), ("rtld/src/arena.c", "hostlink/host.h")):
        file = tmp_path / "libs" / path
        file.write_text(f"#include <{name}>\n" + file.read_text())
    assert list(wrong_includes(tmp_path)) == ["map.c includes bootimage/archive.h", "arena.c includes hostlink/host.h"]


def test_no_static_state(top, units, tmp_path):
    """Of the library, of the interpreter, and of the kernel where it links processes."""
    assert state(units) == []
    sources = [top / f"libs/ld/src/{name}.c" for name in ("main", "host", "system")]
    assert state(compiled(top, tmp_path, sources, "libs/ld/src", "libs/sys/src/x86_64")) == []
    sources = [top / "boot/kernel/link/link.c"]
    assert state(compiled(top, tmp_path, sources, "boot/kernel", "boot/kernel/x86_64")) == []
    broken = tmp_path / "broken.c"
    broken.write_text("static int count; int next(void) { static int other = 1; return count += other++; }")
    assert len(state(compiled(top, tmp_path, [broken]))) == 2

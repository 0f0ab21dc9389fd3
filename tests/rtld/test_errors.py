"""Every refusal names the object, and what it misses."""

import struct

import pytest

from ambilink.core.linker import STOP_AT_FIRST

from .test_binding import START

pytestmark = pytest.mark.compiler


def test_an_undefined_symbol(linker, make):
    library = make("liba.so", "int gone(void); int also_gone(void); int a(void) { return gone() + also_gone(); }")
    program = make("program", START + "int a(void); int use(void) { return a(); }", "liba.so")
    result = linker.link({"program": program, "liba.so": library})
    assert not result.good
    assert sorted(error.split(";")[0] for error in result.errors) == [
        "liba.so needs a symbol that no object defines: also_gone",
        "liba.so needs a symbol that no object defines: gone",
    ]


def test_the_host_may_stop_at_the_first(linker, make):
    library = make("liba.so", "int gone(void); int also_gone(void); int a(void) { return gone() + also_gone(); }")
    program = make("program", START + "int a(void); int use(void) { return a(); }", "liba.so")
    files = {"program": program, "liba.so": library}
    assert len(linker.link(files).errors) == 2
    assert len(linker.link(files, flags=STOP_AT_FIRST).errors) == 1


def test_who_needs_which_version_of_whom(linker, make, tmp_path):
    script = tmp_path / "versions.map"
    script.write_text("V2 { global: *; };")
    make("liba.so", "int a(void) { return 1; }", flags=(f"--version-script={script}",))
    program = make("program", START + "int a(void); int use(void) { return a(); }", "liba.so")
    script.write_text("V1 { global: *; };")
    older = make("liba.so", "int a(void) { return 1; }", flags=(f"--version-script={script}",))
    errors = linker.link({"program": program, "liba.so": older}).errors
    assert errors == ["program needs a version that is not defined: V2 of liba.so"]
    script.write_text("V2 { global: other; };")
    emptied = make("liba.so", "int other(void) { return 1; }", flags=(f"--version-script={script}",))
    (error,) = linker.link({"program": program, "liba.so": emptied}).errors
    assert error.startswith(
        "program needs a symbol that no object defines: a, version V2 of liba.so; looked in program"
    )


def test_a_missing_library(linker, make):
    make("libgone.so", "int gone(void) { return 1; }")
    program = make("program", START + "int gone(void); int use(void) { return gone(); }", "libgone.so")
    result = linker.link({"program": program})
    assert result.errors == ["program needs a library that is not there: libgone.so"]


def test_text_relocations(linker, make):
    program = make("program", START + "int x; int *const where = &x;", flags=("-z", "notext", "-z", "norelro"))
    at, count = struct.unpack_from("<Q", program, 32)[0], struct.unpack_from("<H", program, 56)[0]
    for header in range(at, at + 56 * count, 56):  # every segment becomes read-only, as a careless linker script has it
        if struct.unpack_from("<I", program, header)[0] == 1 and struct.unpack_from("<I", program, header + 4)[0] & 2:
            size = struct.unpack_from("<Q", program, header + 32)[0]
            program = patch(patch(program, header + 4, "<I", 4), header + 40, "<Q", size)
    assert "wants a relocation in read-only memory" in linker.link({"program": program}).errors[0]


def test_a_block_that_is_too_small(linker, make):
    program = make("program", START)
    result = linker.link({"program": program}, block_size=100)
    assert not result.good and "no memory to link it" in result.errors[0]


def patch(data: bytes, offset: int, format: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(format, changed, offset, *values)
    return bytes(changed)


def first_load(data: bytes) -> int:
    at, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    return next(at + 56 * i for i in range(count) if struct.unpack_from("<I", data, at + 56 * i)[0] == 1)


def test_wrong_headers(linker, make):
    program = make("program", START)
    load = first_load(program)
    cases = {
        "is not a 64-bit little-endian ELF file": [
            b"",
            b"\x7fELF",
            b"#!/bin/sh" + bytes(100),
            patch(program, 4, "B", 1),
        ],
        "is for another machine, e_machine 0x28": [patch(program, 18, "<H", 40)],
        "is not what is wanted here (a program, or a library that it needs), e_type 0x1": [patch(program, 16, "<H", 1)],
        "has an ELF header field out of range": [
            patch(program, 32, "<Q", 1 << 63),
            patch(program, 54, "<H", 40),
            patch(program, 56, "<H", 0),
        ],
        "has more program headers than are read, count 0x1001 (at 0x38)": [patch(program, 56, "<H", 4097)],
        "has a program header out of range": [
            patch(program, load + 8, "<Q", 0xFFFFFFFFFFFFF000),  # p_offset
            patch(program, load + 32, "<Q", 1 << 40),  # p_filesz
            patch(program, load + 16, "<Q", 0xFFFFFFFFFFFFF000),  # p_vaddr
            patch(program, load + 48, "<Q", 3),  # p_align becomes the page size; p_vaddr is still sound
        ][:3],
        "has a segment that is writable and executable": [patch(program, load + 4, "<I", 7)],
    }
    for message, files in cases.items():
        for data in files:
            result = linker.link({"program": data})
            assert not result.good
            assert message in result.errors[0], (message, result.errors)

"""Linker sets: sections with a C name, which code walks from `__start_<name>` to `__stop_<name>`. Nothing refers to
their members, and garbage collection must keep them, whichever linker it is."""

import shutil

import pytest
from elftools.elf.elffile import ELFFile

MEMBER = """\
__attribute__((used, section("drivers"))) static const int {name} = {value};
"""
WALK = """\
extern const int __start_drivers[], __stop_drivers[];
int {name}(void) {{
    int sum = 0;
    for (const int *at = __start_drivers; at < __stop_drivers; at++) sum += *at;
    return sum;
}}
"""
SCRIPT = """\
ENTRY(_start)
SECTIONS {
    . = 0x100000;
    .text : { *(.text .text.*) }
    . = ALIGN(0x1000);
    .rodata : { *(.rodata .rodata.*) }
    drivers : { *(drivers) }
    . = ALIGN(0x1000);
    .data : { *(.data .data.*) *(.bss .bss.*) }
}
"""
PROGRAMS = {"hermetic": None, "llvm": "ld.lld", "gnu": "gcc"}


@pytest.fixture(params=PROGRAMS)
def sets(request, tree):
    program = PROGRAMS[request.param]
    if program and shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    tree.compiler = request.param
    tree.write("walk.c", MEMBER.format(name="own", value=1) + WALK.format(name="walk"))
    tree.write("alone.c", MEMBER.format(name="alone", value=2) + "int alone_is_used(void) { return 1; }\n")
    tree.write(
        "main.c",
        MEMBER.format(name="of_main", value=4)
        + "int walk(void); int alone_is_used(void);\n"
        + WALK.format(name="walk_here")
        + "volatile int sum;\nvoid _start(void) { for (;;) sum = walk() + alone_is_used() + walk_here(); }\n",
    )
    tree.write("k.lds", SCRIPT)
    tree.sconstruct(
        'env.DualLibrary("set", ["walk.c", "alone.c"], variants={"kernel": {}})\n'
        'env.Service("dynamic", ["main.c"], LIBS=["set"])\n'
        'env.Service("static", ["main.c"], LIBS=["set"], linkage="static")\n'
        'env.Kernel("kernel", ["main.c"], "k.lds", LIBS=["set"])\n'
    )
    return tree


def members(path) -> list[int]:
    with path.open("rb") as stream:
        section = ELFFile(stream).get_section_by_name("drivers")
        data = section.data() if section else b""
    return sorted(int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4))


def test_members_are_kept_by_each_linker_in_each_kind(sets):
    sets.good()
    assert members(sets.out / "lib/libset.so") == [1, 2]
    assert "__start_drivers" not in (sets.out / "lib/libset.abi").read_text()  # or the program's own would be this one
    assert members(sets.out / "services/dynamic") == [4]
    assert members(sets.out / "services/static") == [1, 2, 4]
    assert members(sets.out / "kernel") == [1, 2, 4]


def test_a_set_that_nothing_walks_is_collected(sets):
    sets.write("main.c", MEMBER.format(name="of_main", value=4) + "void _start(void) { for (;;); }\n")
    sets.good()
    with (sets.out / "services/dynamic").open("rb") as file:
        section = ELFFile(file).get_section_by_name("drivers")
    assert section is None or members(sets.out / "services/dynamic") == []

"""Construction variables, as users of SCons set them; and what is built again when one changes."""

import pytest

from ambilink.elf.inspect import inspect
from tests.build.test_languages import commands

SOURCES = ("a.c", "b.cc", "c.S")


@pytest.fixture
def three(tree):
    for name in SOURCES:
        tree.write(name, "")
    return tree


LIBRARY = 'env.DualLibrary("x", ["a.c", "b.cc", "c.S"])\n'
C, CXX, ASSEMBLY = {"a.c"}, {"b.cc"}, {"c.S"}


@pytest.mark.parametrize(
    "setting, word, where",
    [
        ('CCFLAGS=["-DX"]', "-DX", C | CXX),
        ('CCFLAGS="-DX -DY"', "-DY", C | CXX),
        ('CFLAGS=["-DX"]', "-DX", C),
        ('CXXFLAGS=["-DX"]', "-DX", CXX),
        ('ASFLAGS=["-DX"]', "-DX", ASSEMBLY),
        ('ASPPFLAGS=["-DX"]', "-DX", ASSEMBLY),
        ('CPPFLAGS=["-DX"]', "-DX", C | CXX | ASSEMBLY),
        ('CPPDEFINES="X"', "-DX", C | CXX | ASSEMBLY),
        ('CPPDEFINES=["X", ("Y", 2)]', "-DY=2", C | CXX | ASSEMBLY),
        ('CPPDEFINES={"X": 1, "Y": None}', "-DX=1", C | CXX | ASSEMBLY),
        ('CPPDEFINES={"X": "$VALUE"}, VALUE="7"', "-DX=7", C | CXX | ASSEMBLY),
        ("CPPDEFINES={'X': '\\\\\"text\\\\\"'}", '-DX="text"', C | CXX | ASSEMBLY),
        ('CPPPATH=["include", "#other"]', "-Iother", C | CXX | ASSEMBLY),
        ('CPPPATH="include:other"', "-Iother", C | CXX | ASSEMBLY),
        ('CPPPATH=["$FOLDER"], FOLDER="#other"', "-Iother", C | CXX | ASSEMBLY),
        ('CCFLAGS="$MORE", MORE=["-DX", "-DY"]', "-DY", C | CXX),
    ],
)
def test_a_variable_reaches_its_languages(three, setting, word, where):
    three.more = setting + ","
    three.sconstruct(LIBRARY)
    assert {name for name, words in commands(three).items() if word in words} == where


def test_all_ways_of_setting(three):
    """Append, MergeFlags, ParseFlags, an override, and an append that comes after the declaration."""
    three.sconstruct(
        'env.Append(CCFLAGS=["-DAPPENDED"])\nenv.MergeFlags("-DMERGED -Iother -Wall -std=c11")\n'
        'env.MergeFlags(env.ParseFlags("-DPARSED=1"))\nenv.DualLibrary("x", ["a.c", "b.cc"])\n'
        'env.DualLibrary("y", ["c.S"], ASPPFLAGS=["-DOVERRIDE"])\nenv.Append(CFLAGS=["-DLATE"])\n'
    )
    found = commands(three)
    for word in ("-DAPPENDED", "-DMERGED", "-Iother", "-Wall", "-DPARSED=1"):
        assert word in found["a.c"] and word in found["b.cc"], word
    assert {"-DLATE", "-std=c11"} <= set(found["a.c"]) and not {"-DLATE", "-std=c11"} & set(found["b.cc"])
    assert "-DOVERRIDE" in found["c.S"] and "-DMERGED" in found["c.S"]


def test_the_words_are_those_that_scons_gives_to_a_shell(tree):
    """A judge: SCons' own builder with the same variables, on a program that prints its arguments."""
    variables = (
        "CCFLAGS=['-DA=\"b c\"', '-D', 'E=1'], CFLAGS='-DF=\\\\\"g\\\\\"', CPPFLAGS=['-DM=\\'n o\\''], "
        "CPPDEFINES=[('H', '\\\\\"i j\\\\\"'), 'K', ('L', 3)], CPPPATH=['#one', 'two']"
    )
    tree.write("a.c", "")
    script = '[ "$1" = --version ] && exit\nfor word in "$@"; do echo "$word"; done > words.txt\ntouch a.o\n'
    tree.write("print", f"#!/bin/sh\n{script}").chmod(0o755)
    tree.sconstruct('env.DualLibrary("x", ["a.c"])')
    text = (tree.folder / "SConstruct").read_text()
    tree.write(
        "SConstruct",
        text.replace("AMBILINK_FLAGS", variables + ", AMBILINK_FLAGS")
        + f"judge = Environment(tools=['gcc'], CC='./print', {variables})\njudge.Object('a.o', 'a.c')\n",
    )
    tree.good("a.o")
    ours = commands(tree)["a.c"]
    theirs = [
        word for word in (tree.folder / "words.txt").read_text().splitlines() if word.startswith(("-D", "-I", "E="))
    ]
    assert len(theirs) == 10, theirs
    assert sorted(word for word in ours if word in theirs) == sorted(theirs), ours


CHANGES = [
    ('CCFLAGS=["-DX"]', {"a.c.o", "b.cc.o"}),
    ('CFLAGS=["-DX"]', {"a.c.o"}),
    ('CXXFLAGS=["-DX"]', {"b.cc.o"}),
    ('ASFLAGS=["-DX"]', {"c.S.o"}),
    ('CPPDEFINES=["X"]', {"a.c.o", "b.cc.o", "c.S.o"}),
    ('CPPPATH=["other"]', {"a.c.o", "b.cc.o", "c.S.o"}),
    ('LINKFLAGS=["-z", "nodelete"]', {"libx.so"}),
    ('LIBPATH=["other"]', {"libx.so"}),
]


def test_what_a_change_builds_again(three):
    three.write("a.c", "int a(void) { return 1; }\n")
    three.sconstruct(LIBRARY)
    three.good()
    for setting, made in CHANGES:
        three.more += setting + ","
        three.resettle()
        names = {name.rpartition("/")[2] for name in three.built(three.good())}
        assert made <= names and {name for name in names if name.endswith(".o")} <= made, (setting, names)


@pytest.mark.parametrize(
    "flags", ['["-Wl,-z,nodelete"]', '["-Xlinker", "-z", "-Xlinker", "nodelete"]', '"-nostdlib -z nodelete"']
)
def test_link_flags_for_a_driver(three, flags):
    three.write("a.c", "int a(void) { return 1; }\n")
    three.sconstruct(f"env.Append(LINKFLAGS={flags})\n{LIBRARY}")
    three.good()
    from elftools.elf.elffile import ELFFile

    with (three.out / "lib/libx.so").open("rb") as stream:
        tags = {tag.entry.d_tag: tag.entry.d_val for tag in ELFFile(stream).get_section_by_name(".dynamic").iter_tags()}
    assert tags["DT_FLAGS_1"] & 8  # DF_1_NODELETE


def test_the_folder_of_a_sconscript(three):
    """Relative paths are from where the library is declared."""
    three.write("deep/headers/x.h", "#define X 1\n")
    three.write("deep/a.c", "#include <x.h>\nint a = X;\n")
    three.write("deep/SConscript", 'Import("env")\nenv.DualLibrary("x", "a.c")\n')
    three.sconstruct('env.Append(CPPPATH="headers")\nSConscript("deep/SConscript", exports="env")\n')
    three.good()
    assert inspect(three.out / "lib/libx.so").defined == {"a"}
    three.write("deep/headers/x.h", "#define X 2\n")
    assert "a.c.o" in {name.rpartition("/")[2] for name in three.built(three.good())}


@pytest.mark.parametrize(
    "setting, message",
    [
        ("CCFLAGS=['-DX=\"']", "the construction variable CCFLAGS: No closing quotation"),
        ('CPPPATH=["SConstruct"]', "the construction variable CPPPATH: names a file where a folder is wanted"),
        ("LIBS=['nowhere']", "names the unknown library 'nowhere' in LIBS"),
        ("LIBS=['a/b']", "LIBS= has an item that is 'a/b', which is no name"),
    ],
)
def test_mistakes(three, setting, message):
    three.more = setting + ","
    three.sconstruct(LIBRARY)
    output = three.bad()
    assert message in output and "SConstruct:9: " in output and "Traceback" not in output, output

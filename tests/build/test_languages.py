"""Sources of each language, each compiled with its own flags."""

import json
import shlex

import pytest

from ambilink.elf.inspect import inspect

TEXTS = {
    ".c": "extern int x;\nint x = sizeof(_Bool);\n",
    ".s": ".globl x\n.data\nx: .long 1\n",
}
CXX = 'extern "C" { extern int x; }\nconstexpr int one() { return 1; }\nint x = one();\n'


def commands(tree) -> dict[str, list[str]]:
    """Words of the compile command of each source."""
    with (tree.folder / "SConstruct").open("a") as stream:
        stream.write('Default(env.CompileCommands("#commands.json"))\n')
    tree.good("commands.json")
    return {each["file"]: each["arguments"] for each in json.loads((tree.folder / "commands.json").read_text())}


@pytest.mark.parametrize("suffix", [".c", ".cc", ".cpp", ".cxx", ".c++", ".C", ".S", ".s"])
def test_each_suffix(tree, suffix):
    """C has no `constexpr` functions, C++ no `_Bool` where it is strict."""
    tree.write(f"x{suffix}", TEXTS.get(suffix.lower() if suffix == ".S" else suffix, CXX))
    tree.sconstruct(f'env.DualLibrary("x", "x{suffix}", CXXFLAGS="-std=c++17")')
    tree.good()
    assert inspect(tree.out / "lib/libx.so").defined == {"x"}


def test_flags_go_to_their_language(tree):
    for name in ("a.c", "b.cc", "c.S"):
        tree.write(name, "")
    tree.sconstruct(
        'env.DualLibrary("x", ["a.c", "b.cc", "c.S"], flags={"all": "-DALL", "c": ["-std=c11", "-DC"],'
        ' "c++": "-std=c++20", "assembly": "-DASSEMBLY"}, shared={"flags": {"c++": ["-DFORM"]}})'
    )
    found = commands(tree)
    only = {"-std=c11": "a.c", "-DC": "a.c", "-std=c++20": "b.cc", "-DFORM": "b.cc", "-DASSEMBLY": "c.S"}
    for flag, source in only.items():
        assert [name for name, words in found.items() if flag in words] == [source], flag
    assert all("-DALL" in words for words in found.values())


def test_a_standard_among_common_flags_is_for_its_language(tree):
    tree.write("a.c", "int a = __STDC_VERSION__ == 201112L;\nstatic char ok[__STDC_VERSION__ == 201112L ? 1 : -1];\n")
    tree.write("b.cc", 'static_assert(__cplusplus == 202002L);\nextern "C" { int b; }\n')
    tree.write("c.S", ".globl c\n.data\nc: .long 1\n")
    for statement in (
        'env["AMBILINK_FLAGS"] = ["-std=c11", "-std=c++20"]\nflags = []',
        'flags = ["-std=c11", "-std=c++20"]',
        'flags = []\nenv.Append(CCFLAGS=["-std=c11", "-std=c++20"])',
        'flags = []\nenv.MergeFlags("-std=c11 -std=c++20")',
    ):
        tree.sconstruct(f'{statement}\nenv.DualLibrary("x", ["a.c", "b.cc", "c.S"], flags=flags)')
        tree.good()


def test_a_changed_standard_compiles_its_language_again(tree):
    for name in ("a.c", "b.cc", "c.S"):
        tree.write(name, "")
    text = 'env.DualLibrary("x", ["a.c", "b.cc", "c.S"], flags={{"c++": "-std=c++{}"}})'
    tree.sconstruct(text.format(17))
    tree.good()
    tree.sconstruct(text.format(20))
    assert [each for each in tree.built(tree.good()) if each.endswith(".o")] == [
        f"{tree.out.relative_to(tree.folder)}/obj/x/pic/b.cc.o"
    ]


def test_cxx_links_freestanding(tree):
    """Constructors and virtual functions, static and dynamic, without a C++ run-time."""
    tree.write("shape.h", "struct shape { virtual int area() const = 0; };\nshape *make(int side);\n")
    tree.write(
        "shape.cc",
        '#include "shape.h"\nstruct square : shape {\n'
        "    int side;\n    int area() const override { return side * side; }\n};\n"
        "static square one;\nshape *make(int side) { one.side = side; return &one; }\n"
        'extern "C" void __cxa_pure_virtual() { for (;;) {} }\n',
    )
    tree.write("main.cpp", '#include "shape.h"\nextern "C" void _start() { for (;;) make(2)->area(); }\n')
    tree.sconstruct(
        'env.Append(CXXFLAGS=["-fno-exceptions", "-fno-rtti", "-std=c++17"])\n'
        'env.DualLibrary("shape", "shape.cc", includes=".")\n'
        'env.Service("user", "main.cpp", LIBS="shape")\n'
        'env.Service("alone", "main.cpp", LIBS="shape", linkage="static")\n'
    )
    tree.good()
    assert "_Z4makei" in inspect(tree.out / "lib/libshape.so").defined
    assert inspect(tree.out / "services/user").needed == ("libshape.so",)


def test_an_unknown_suffix(tree):
    tree.write("x.pas", "")
    tree.sconstruct('env.DualLibrary("x", ["x.pas"])')
    output = tree.bad()
    assert "SConstruct:9: library 'x' has the source x.pas, whose suffix says no language; known: .c .cc" in output
    assert ".asm" in output and ".S" in output and "Traceback" not in output


def test_verbose_prints_the_command_of_the_language(tree):
    tree.verbose = True
    tree.write("b.cc", "")
    tree.sconstruct('env.DualLibrary("x", "b.cc", CXXFLAGS="-std=c++20")')
    (line,) = [line for line in tree.good().splitlines() if line.endswith(" b.cc")]
    assert "-std=c++20" in shlex.split(line)


def test_flags_of_a_profile(tree):
    """The toolset's and the profile's come first, then the environment's, then the call's."""
    for name in ("a.c", "b.cc", "c.S"):
        tree.write(name, "")
    tree.write(
        "os.toml",
        'profile = 1\nextends = "bare"\n[language]\nflags = ["-DALL", "-std=c11"]\nc = ["-DC"]\ncxx = ["-DCXX"]\n'
        'asm = ["-DASM"]\ndefines = ["OS=1"]\n',
    )
    tree.more = 'AMBILINK_OS="os.toml", CPPDEFINES="ENVIRONMENT",'
    tree.sconstruct('env.DualLibrary("x", ["a.c", "b.cc", "c.S"], shared=None, defines="CALL")')
    found = commands(tree)
    for flag, source in {"-DC": "a.c", "-DCXX": "b.cc", "-DASM": "c.S"}.items():
        assert [name for name, words in found.items() if flag in words] == [source], flag
    for words in found.values():
        assert [word for word in words if word in ("-DOS=1", "-DALL", "-DENVIRONMENT", "-DCALL")] == [
            "-DOS=1",
            "-DALL",
            "-DENVIRONMENT",
            "-DCALL",
        ]
    assert "-std=c11" in found["a.c"] and "-std=c11" not in found["b.cc"]

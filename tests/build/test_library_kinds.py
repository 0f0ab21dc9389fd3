"""Libraries that are only static, of headers alone, in variants, or made by others."""

import pytest

from ambilink.elf.archive import members
from ambilink.elf.inspect import inspect

KERNEL_SCRIPT = """\
ENTRY(start)
SECTIONS {
    . = 0xffffffff80000000;
    .text : { *(.text*) }
    . = ALIGN(4096);
    .data : { *(.data*) *(.bss*) }
}
"""


@pytest.fixture
def helper(tree):
    """A static library of two objects, of which its users need one."""
    tree.write("helper.c", "int state = 1;\nint helper(void) { return state++; }\n")
    tree.write("unused.c", "int unused(void) { return 2; }\n")
    tree.write("lib.c", "int helper(void);\nint lib(void) { return helper(); }\n")
    tree.write("main.c", "int lib(void), helper(void);\nvoid _start(void) { for (;;) lib() + helper(); }\n")
    return tree


STATIC_ONLY = 'env.DualLibrary("helper", ["helper.c", "unused.c"], shared=None)\n'


def test_static_only_in_a_shared_library(helper):
    """What it uses becomes a part of it, and is not exported; the rest is left out."""
    helper.sconstruct(
        STATIC_ONLY + 'env.DualLibrary("lib", ["lib.c"], LIBS=["helper"])\n'
        'env.Service("user", ["main.c"], LIBS=["lib", "helper"])\n'
    )
    helper.good()
    assert not (helper.out / "lib/libhelper.so").exists()
    assert inspect(helper.out / "lib/liblib.so").defined == {"lib"}
    assert inspect(helper.out / "lib/liblib.so").needed == ()
    assert inspect(helper.out / "services/user").needed == ("liblib.so",)
    assert "helper" not in inspect(helper.out / "services/user").undefined


def test_static_only_is_linked_again_when_it_changes(helper):
    helper.sconstruct(STATIC_ONLY + 'env.DualLibrary("lib", ["lib.c"], LIBS=["helper"])')
    helper.good()
    helper.write("helper.c", "int state = 1;\nint helper(void) { return state + 5; }\n")
    made = [name.rpartition("/")[2] for name in helper.built(helper.good())]
    assert {"helper.c.o", "libhelper.a", "liblib.so"} <= set(made), made


def test_static_only_needs_a_shared_library(helper):
    """What a static library needs, its user links."""
    helper.write("low.c", "int low(void) { return 3; }\n")
    helper.write("helper.c", "int low(void);\nint helper(void) { return low(); }\n")
    helper.sconstruct(
        'env.DualLibrary("low", ["low.c"])\nenv.DualLibrary("helper", ["helper.c"], shared=None, LIBS=["low"])\n'
        'env.DualLibrary("lib", ["lib.c"], LIBS=["helper"])\nenv.Service("user", ["main.c"], LIBS=["lib", "helper"])\n'
    )
    helper.good()
    assert inspect(helper.out / "lib/liblib.so").needed == ("liblow.so",)
    assert set(inspect(helper.out / "services/user").needed) == {"liblib.so", "liblow.so"}


@pytest.mark.parametrize("reach", ["direct", "all"])
def test_static_only_by_way_of_a_shared_library(helper, reach):
    """Each of those that need the shared one gets a copy of its own, or none does."""
    helper.write("lib.c", "int lib(void) { return 1; }\n")
    helper.sconstruct(
        f'env.DualLibrary("helper", ["helper.c", "unused.c"], shared=None, reach="{reach}")\n'
        'env.DualLibrary("lib", ["lib.c"], LIBS=["helper"])\nenv.Service("user", ["main.c"], LIBS=["lib"])\n'
        'env.Service("static", ["main.c"], LIBS=["lib"], linkage="static")\n'
    )
    if reach == "direct":
        assert "undefined" in helper.bad() and not (helper.out / "services/user").exists()
        return
    helper.good()
    assert inspect(helper.out / "lib/liblib.so").defined == {"lib"}
    assert inspect(helper.out / "services/user").needed == ("liblib.so",)
    assert (helper.out / "services/static").exists()


def test_headers_that_wrap_those_of_another_library(tree):
    """Whatever the order of LIBS: the library's own come first, and reach the other's by #include_next."""
    tree.write("low/sys/number.h", "#define NUMBER 1\n")
    tree.write("high/sys/number.h", "#include_next <number.h>\n#undef NUMBER\n#define NUMBER 2\n")
    for name in ("low", "high", "between"):
        tree.write(f"{name}.c", f"int {name} = 1;\n")
    tree.write("main.c", "#include <number.h>\nchar is_two[NUMBER == 2 ? 1 : -1];\nvoid _start(void) { for (;;); }\n")
    tree.sconstruct(
        'env.DualLibrary("low", ["low.c"], public_system_includes=["low/sys"])\n'
        'env.DualLibrary("high", ["high.c"], LIBS=["low"], public_system_includes=["high/sys"])\n'
        'env.DualLibrary("between", ["between.c"], LIBS=["high"])\n'
        'for number, libraries in enumerate((["low", "high"], ["high", "low"], ["low", "between"], ["between"])):\n'
        '    env.Service(f"user{number}", ["main.c"], LIBS=libraries)\n'
    )
    tree.good()


def test_a_library_that_cannot_be_had(tree):
    """As C++ with a compiler that is too old for its library: only a user of it is refused."""
    tree.write("main.c", "void _start(void) { for (;;); }\n")
    absent = 'env["AMBILINK"].absent["c++"] = "the compiler is too old; choose another"\n'
    tree.sconstruct(absent + 'env.Service("user", ["main.c"])\n')
    tree.good()
    tree.sconstruct(absent + 'env.Service("user", ["main.c"], LIBS=["c++"])\n')
    output = tree.bad()
    assert "SConstruct:10: service 'user' needs library 'c++', which is not to be had: the compiler" in output
    assert "Traceback" not in output


def test_static_only_without_position_independence(helper):
    helper.sconstruct(
        'env.DualLibrary("helper", ["helper.c"], shared=None, objects="separate")\n'
        'env.Service("alone", ["main.c"], LIBS=["helper"], linkage="static")\n'
        'env.DualLibrary("lib", ["lib.c"], LIBS=["helper"])'
    )
    output = helper.bad()
    assert "SConstruct:11: library 'lib' is dynamic and needs library 'helper'" in output
    assert "which is declared static only at SConstruct:9" in output
    assert "leave out objects=" in output and "Traceback" not in output


def test_headers_alone(helper):
    """Folders, macros and LIBS are passed on, to both linkages and to libraries."""
    helper.write("headers/numbers.h", "#define NUMBER (MACRO + 1)\n")
    helper.write("lib.c", "#include <numbers.h>\nint helper(void);\nint lib(void) { return helper() + NUMBER; }\n")
    helper.sconstruct(
        'env.DualLibrary("numbers", includes=["headers"], defines={"MACRO": 4}, LIBS=["helper"])\n'
        'env.DualLibrary("helper", ["helper.c"])\nenv.DualLibrary("lib", ["lib.c"], LIBS=["numbers"])\n'
        'env.Service("user", ["main.c"], LIBS=["lib", "numbers"])\n'
        'env.Service("alone", ["main.c"], LIBS=["lib", "numbers"], linkage="static")\n'
    )
    helper.good()
    assert inspect(helper.out / "lib/liblib.so").needed == ("libhelper.so",)
    assert not list((helper.out / "lib").glob("libnumbers*"))


def test_defines_reach_users(helper):
    """A library's own users, through another library; a change compiles all of them again."""
    text = 'env.DualLibrary("helper", ["helper.c"], defines=["A", ("B", {})])\n'
    for name in ("helper.c", "lib.c", "main.c"):
        old = (helper.folder / name).read_text()
        helper.write(name, f"#if !defined A || B < 2\n#error macros\n#endif\n{old}")
    rest = (
        'env.DualLibrary("lib", ["lib.c"], LIBS=["helper"])\nenv.Service("user", ["main.c"], LIBS=["lib", "helper"])\n'
    )
    helper.sconstruct(text.format(2) + rest)
    helper.good()
    helper.sconstruct(text.format(3) + rest)
    made = {name.rpartition("/")[2] for name in helper.built(helper.good())}
    assert {"helper.c.o", "lib.c.o", "main.c.o"} <= made
    helper.sconstruct(text.format(1) + rest)
    assert "macros" in helper.bad()


def test_a_kernel_links_its_variant(helper):
    """The same sources, with a kernel's flags, macros and LIBS; and modules theirs."""
    helper.write("k.lds", KERNEL_SCRIPT)
    helper.write("k.abi", "soname kernel.so\nfunc start\n")
    helper.write(
        "helper.c",
        "#ifdef KERNEL\nint in_kernel;\n#define user() in_kernel\n#else\nint user(void);\n#endif\n"
        "int helper(void) { return user(); }\n",
    )
    helper.write("user.c", "int user(void) { return 1; }\n")
    helper.write(
        "kernel.c", "#ifndef KERNEL\n#error macros\n#endif\nint helper(void);\nvoid start(void) { helper(); }\n"
    )
    helper.write("module.c", "int helper(void);\nint module(void) { return helper(); }\n")
    helper.sconstruct(
        'kernel = {"defines": "KERNEL", "LIBS": [], "flags": {"c": "-DFLAG"}}\n'
        'env.DualLibrary("user", ["user.c"])\n'
        'env.DualLibrary("helper", ["helper.c"], LIBS=["user"], variants={"kernel": kernel, "module": kernel})\n'
        'env.Kernel("kernel", ["kernel.c"], "k.lds", LIBS=["helper"], abi="k.abi")\n'
        'env.KernelModule("module", ["module.c"], LIBS=["helper"])\n'
        'env.Service("user", ["main.c"], LIBS=["lib", "helper"])\n'
        'env.DualLibrary("lib", ["lib.c"], LIBS=["helper"])\n'
        'Default(env.CompileCommands("#commands.json"), ".")\n'
    )
    helper.verbose = True
    helper.resettle()
    output = helper.good()
    (line,) = [line for line in output.splitlines() if "obj/helper/kernel/helper.c.o" in line and " -c " in line]
    assert "-mcmodel=kernel" in line and "-fno-pic" in line and "-DKERNEL" in line and "-DFLAG" in line
    assert [each.name for each in members(helper.out / "lib/kernel/libhelper.a")] == ["helper.c.o"]
    assert inspect(helper.out / "lib/libhelper.so").needed == ("libuser.so",)
    assert inspect(helper.out / "modules/module.so").defined == {"module"}


def test_a_static_service_picks_a_variant(helper):
    helper.write(
        "helper.c", "#ifdef CHECKED\nint checked(void) { return 1; }\n#endif\nint helper(void) { return 1; }\n"
    )
    helper.write("main.c", "int helper(void), checked(void);\nvoid _start(void) { for (;;) helper() + checked(); }\n")
    helper.sconstruct(
        'env.DualLibrary("helper", ["helper.c"], variants={"checked": {"defines": "CHECKED"}})\n'
        'env.Service("alone", ["main.c"], LIBS=["helper"], linkage="static", variant="checked")\n'
    )
    helper.good()
    helper.sconstruct(
        'env.DualLibrary("helper", ["helper.c"], variants={"checked": {"defines": "CHECKED"}})\n'
        'env.Service("alone", ["main.c"], LIBS=["helper"], linkage="static", variant="chekced")\n'
    )
    output = helper.bad()
    assert "SConstruct:10: service 'alone' asks for variant='chekced', which no library of its LIBS has" in output
    assert "did you mean 'checked'" in output


@pytest.mark.parametrize(
    "text, message",
    [
        (
            'env.Kernel("k", ["kernel.c"], "k.lds", LIBS=["helper"])',
            "kernel 'k' needs library 'helper', which has no variant 'kernel'",
        ),
        ('env.Service("x", ["main.c"], variant="kernel")', "service 'x' has variant='kernel' and is dynamic"),
        ('env.DualLibrary("x", variants={"kernel": {}})', "library 'x' has variants= and no sources"),
        ('env.DualLibrary("x", shared=None)', "library 'x' has shared= and no sources"),
        ('env.DualLibrary("x", [], variants={"kernel": {}})', "has no sources for its static form"),
        (
            'env.DualLibrary("x", ["lib.c"], variants={"kernel": {"libs": []}})',
            "variants= has a wrong variant 'kernel': it has the unknown key 'libs'",
        ),
        ('env.DualLibrary("x", ["lib.c"], variants={"a b": {}})', "which is no name"),
        (
            'env.DualLibrary("x", ["lib.c"], static=None)\nenv.Service("y", ["main.c"], LIBS=["x"], linkage="static")',
            "is static and needs library 'x', which has no static form",
        ),
        (
            'env.DualLibrary("x", ["lib.c"], defines=["1A"])',
            "defines= has an item that is '1A', which defines no macro",
        ),
        ('env.DualLibrary("x", ["lib.c"], defines={"A": []})', "whose value is neither a text nor a number"),
        ('env.DualLibrary("x", ["lib.c"], flags={"C": "-x"})', "flags= has the unknown key 'C'"),
        ('env.DualLibrary("x", LIBS=["helpr"])', "names the unknown library 'helpr' in LIBS; did you mean 'helper'"),
    ],
)
def test_mistakes(helper, text, message):
    helper.write("kernel.c", "")
    helper.write("k.lds", "")
    helper.sconstruct('env.DualLibrary("helper", ["helper.c"])\n' + text)
    done = helper.scons("-Q")
    assert done.returncode == 2 and message in done.stderr, done.stderr
    line = 10 + text.count("\n")
    assert f"SConstruct:{line}: " in done.stderr and len(done.stderr.strip().splitlines()) <= 2
    assert not helper.out.exists()


def test_a_library_of_others(helper):
    """libX.a and libX.so in a folder of LIBPATH, that no SConscript declares."""
    helper.sconstruct('env.DualLibrary("helper", ["helper.c"])\nenv.DualLibrary("only", ["unused.c"], shared=None)\n')
    helper.good()
    (helper.folder / "theirs").mkdir()
    for name in ("libhelper.a", "libhelper.so", "libonly.a"):
        (helper.out / "lib" / name).rename(helper.folder / "theirs" / name)
    helper.write("main.c", "int helper(void), unused(void);\nvoid _start(void) { for (;;) helper() + unused(); }\n")
    helper.sconstruct(
        'env.Append(LIBPATH=["#theirs"], LIBS=["helper", "only"])\nenv.Service("user", ["main.c"])\n'
        'env.Service("alone", ["main.c"], linkage="static")\n'
    )
    helper.good()
    assert inspect(helper.out / "services/user").needed == ("libhelper.so",)
    assert inspect(helper.out / "services/alone").needed == ()
    (helper.folder / "theirs/libhelper.so").write_text("no ELF file")
    output = helper.bad()
    assert "SConstruct:10: " in output and "libhelper.so" in output and "Traceback" not in output


def test_a_stub_of_a_cycle_follows_libraries_that_come_through_static_ones(tree):
    """What a library needs may change in the declaration of another: of one that becomes a part of it."""
    for name in ("first", "second", "helper", "gone"):
        tree.write(f"{name}.c", f"int {name}(void) {{ return 1; }}\n")
    tree.write("first.c", "int second(void); int helper(void);\nint first(void) { return second() + helper(); }\n")
    tree.write("second.c", "int first(void);\nint second(void) { return first(); }\n")
    declared = (
        'env.DualLibrary("first", ["first.c"], LIBS=["second", "helper"])\n'
        'env.DualLibrary("second", ["second.c"], LIBS=["first"])\n'
        'env.DualLibrary("helper", ["helper.c"], LIBS={libs}, shared=None)\n'
    )
    tree.sconstruct(declared.format(libs=["gone"]) + 'env.DualLibrary("gone", ["gone.c"])\n')
    tree.good()
    tree.sconstruct(declared.format(libs=[]))
    tree.good()
    assert inspect(tree.out / "stub/libfirst.so").needed == ("libsecond.so",)


def test_a_library_takes_symbols_from_its_program(tree):
    """Each mistake is reported where it is made, and the symbols are there when all is right."""
    tree.write("lib.c", "int mine(void);\nint other(void);\nint lib(void) { return mine() + other(); }\n")
    tree.write("main.c", "int lib(void);\nint mine(void) { return 1; }\nvoid _start(void) { for (;;) lib(); }\n")

    def declare(undefined, exports):
        tree.sconstruct(
            f'env.DualLibrary("lib", ["lib.c"], undefined={undefined!r})\n'
            f'env.Service("user", ["main.c"], LIBS=["lib"], exports={exports})\n'
        )

    declare(["mine"], ["mine"])
    assert "undefined symbol other" in tree.bad()
    declare(["mine", "other"], ["mine"])
    said = tree.bad()
    assert "library 'lib' takes other from who uses it, and service 'user' does not define it" in said
    assert "define it there, with exports=['other']" in said
    declare(["mine"], ["mine", "absent"])
    tree.write("lib.c", "int mine(void);\nint lib(void) { return mine(); }\n")
    assert "absent" in tree.bad()
    for undefined in (["mine"], "any"):
        declare(undefined, ["mine"])
        tree.good()
        assert inspect(tree.out / "services/user").defined >= {"mine"}
        assert inspect(tree.out / "lib/liblib.so").undefined == {"mine"}
    declare(["mine", "more"], ["mine"])
    assert "library 'lib' takes more from who uses it" in tree.bad()

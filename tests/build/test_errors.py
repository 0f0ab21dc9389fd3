"""Mistakes in SConscripts and in code: each is reported with its place, and leaves nothing behind."""

import re

import pytest

from ambilink.incremental import up_to_date


def site(output: str, line: int) -> bool:
    return f"SConstruct:{line}: " in output


HEAD = 8  # lines that Tree.sconstruct writes before a test's own


def test_an_unknown_library(pair):
    pair.sconstruct('env.DualLibrary("low", ["low/low.c"])\nenv.Service("user", ["main.c"], LIBS=["lwo"])')
    output = pair.bad()
    assert site(output, HEAD + 2), output
    assert "service 'user' names the unknown library 'lwo' in LIBS; did you mean 'low'? known: low" in output


def test_a_library_that_is_called_as_its_file(pair):
    pair.sconstruct('env.DualLibrary("liblow", ["low/low.c"])\nenv.Service("user", ["main.c"], LIBS=["low"])')
    remedy = f"SConstruct:{HEAD + 1} calls it 'liblow', and lib is put before each name: call it 'low' there"
    assert remedy in pair.bad()
    pair.sconstruct('env.DualLibrary("libc", ["low/low.c"])\nenv.Service("user", ["main.c"], LIBS=["c"])')
    output = pair.bad()
    assert "calls it 'libc'" in output and "AmbilinkSystem" not in output


def test_a_library_whose_glob_finds_nothing(pair):
    pair.sconstruct('env.DualLibrary("low", Glob("lwo/*.c"))')
    output = pair.bad()
    assert site(output, HEAD + 1) and "has no sources for its static form; give it sources (does a Glob()" in output


def test_the_same_name_twice(pair):
    pair.sconstruct('env.DualLibrary("low", ["low/low.c"])\nenv.DualLibrary("low", ["high/high.c"])')
    output = pair.bad()
    assert site(output, HEAD + 2) and f"library 'low' was declared at SConstruct:{HEAD + 1} already" in output


def test_a_shared_only_library_asked_for_as_static(pair):
    pair.sconstruct(
        'env.DualLibrary("low", ["low/low.c"], includes=["low/include"], static=None)\n'
        'env.Service("user", ["low/low.c"], LIBS=["low"], linkage="static")'
    )
    assert "is static and needs library 'low', which has no static form at SConstruct" in pair.bad()


@pytest.mark.parametrize(
    "call, message",
    [
        ('env.Service("user", ["main.c"], linkage="both")', "linkage= is 'both'; give 'dynamic' or 'static'"),
        ('env.DualLibrary("low", ["low/low.c"], objects="some")', "objects= is 'some'; give 'shared' or 'separate'"),
        ('env.DualLibrary("low", ["low/low.c"], static=None, shared=None)', "has neither form"),
        ('env.DualLibrary("low", ["low/low.c"], static={"flag": []})', "static= has the unknown key 'flag'"),
    ],
)
def test_wrong_arguments(pair, call, message):
    pair.sconstruct(call)
    output = pair.bad()
    assert site(output, HEAD + 1) and message in output


def test_an_unknown_compiler_and_target(pair):
    pair.compiler = "turbo"
    pair.sconstruct("")
    assert "turbo: is no known compiler; choose one of gnu, hermetic, llvm" in pair.bad()


def test_an_undefined_symbol(pair):
    pair.write("high/high.c", "int nowhere(void); int high(int x) { return nowhere() + x; }\n")
    output = pair.bad()
    assert "nowhere" in output and "libhigh.so" in output
    assert not (pair.out / "lib/libhigh.so").exists() and not list(pair.out.rglob("*.part"))


def test_a_symbol_that_only_the_check_misses(pair):
    """The linker is silenced; the check after it names rule, symbol and object, and removes the output."""
    pair.write("high/high.c", "int nowhere(void); int high(int x) { return nowhere() + x; }\n")
    pair.sconstruct(
        'env.DualLibrary("high", ["high/high.c"], includes=["high/include"],'
        ' link_flags=["--unresolved-symbols=ignore-all"])'
    )
    output = pair.bad()
    assert re.search(
        r"ambilink: \S+/lib/libhigh.so: undefined symbol nowhere, needed by high.c.o; .*extend LIBS \[SConstruct:9\]",
        output,
    ), output
    assert not (pair.out / "lib/libhigh.so").exists() and not list(pair.out.rglob("*.part"))


def test_writable_code(pair):
    pair.write("low/odd.S", '.section .odd, "awx"\n.globl low_data, low\nlow_data: .long 3\nlow: ret\n')
    pair.sconstruct('env.DualLibrary("low", ["low/odd.S"], includes=["low/include"])')
    output = pair.bad(str(pair.out / "lib/liblow.so"))
    assert "writable and executable" in output, output
    assert not (pair.out / "lib/liblow.so").exists()


def test_text_relocations(pair):
    pair.write(
        "low/low.S",
        '.section .rodata.here, "a"\n.globl where\nwhere: .quad low_data\n'
        ".data\n.globl low_data\nlow_data: .long 3\n.text\n.globl low\nlow: ret\n",
    )
    pair.sconstruct('env.DualLibrary("low", ["low/low.S"], includes=["low/include"], link_flags=["-z", "notext"])')
    output = pair.bad()
    assert "liblow.so: DT_TEXTREL: relocations in read-only segments; compile all of it with -fPIC" in output, output
    assert not (pair.out / "lib/liblow.so").exists()


def test_a_wrong_soname(pair):
    pair.sconstruct(
        'env.DualLibrary("low", ["low/low.c"], includes=["low/include"], link_flags=["-soname", "other.so"])'
    )
    assert "SONAME is other.so, not liblow.so; do not override -soname" in pair.bad()


def test_an_unknown_service_in_the_manifest(pair):
    pair.write("boot.toml", '[[service]]\nname = "usre"\nrole = "program"\n')
    with (pair.folder / "SConstruct").open("a") as stream:
        stream.write(
            'env.Kernel("kernel", ["main.c"], script="k.lds")\n'
            'env.Service("loader", ["main.c"], LIBS=["high"], linkage="static")\n'
            'env.BootImage("boot.img", "boot.toml")\n'
        )
    pair.write("k.lds", "SECTIONS { }")
    output = pair.bad(str(pair.out / "boot.img"))
    assert "boot.toml:2: unknown service 'usre' (image declared at SConstruct:" in output
    assert "known: alone, loader, user" in output


@pytest.mark.parametrize(
    "call, what",
    [
        ('env.Kernel("kernel", ["main.c"], script="kernel.lds")', "kernel 'kernel'"),
        ('env.KernelModule("serial", ["main.c"])', "module 'serial'"),
        ('env.BootImage("boot.img", "boot.toml")', "boot image 'boot.img'"),
        ('env.BootTest("boot.log", "boot.img")', "boot 'boot.log'"),
    ],
)
def test_what_boots_is_for_one_processor(pair, call, what):
    pair.more = 'AMBILINK_TARGET="riscv64",'
    pair.sconstruct(call)
    output = pair.bad()
    assert (
        site(output, HEAD + 1) and f"{what} for riscv64: kernels, boot images and boots are for x86_64 only" in output
    )


def test_a_target_of_an_unknown_processor(pair, top):
    text = (top / "toolchain/ambilink/compile/targets/aarch64.toml").read_text().replace("EM_AARCH64", "EM_PDP11")
    pair.write("own.toml", text)
    pair.more = 'AMBILINK_TARGET="own.toml",'
    pair.sconstruct("")
    assert "EM_PDP11: is no e_machine that is known; choose one of EM_AARCH64, EM_RISCV, EM_X86_64" in pair.bad()


@pytest.mark.parametrize(
    "line, message",
    [
        ('env.Servce("user", ["main.c"])', "an environment has no Servce; did you mean 'Service'?"),
        ('env.Clone().Override({"A": 1}).Servce("user")', "an environment has no Servce; did you mean 'Service'?"),
        ('Service("user", ["main.c"])', "there is no Service by itself; call it of an environment: env.Service(...)"),
        ('sources = ["main.c"]; env.Service("user", source)', "there is no name source; did you mean 'sources'?"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_mistake_in_python(pair, line, message):
    pair.write("part/SConscript", f'Import("env")\n{line}\n')
    pair.sconstruct('SConscript("part/SConscript", exports="env")')
    output = pair.bad()
    assert f"scons: *** part/SConscript:2: {message}\n    {line}\n" in output
    assert f"  read or called at SConstruct:{HEAD + 1}: SConscript(" in output
    assert "site-packages" not in output and "Traceback" not in output


@pytest.mark.parametrize(
    "setting, flag", [("CCFLAGS", "-O9x"), ("CCFLAGS", "--fooo"), ("LINKFLAGS", "--fooo"), ("CFLAGS", "-std=c33")]
)
def test_a_flag_that_is_not_taken(pair, setting, flag):
    pair.sconstruct(f'env.Service("user", ["low/low.c"], {setting}=[{flag!r}], includes=["low/include"])')
    output = pair.bad()
    remedy = rf"correct its flags, or those of its environment or target \[SConstruct:{HEAD + 1}\]"
    assert re.search(rf"^ambilink: service 'user': .*; {remedy}$", output, re.MULTILINE), output
    pair.sconstruct('env.Service("user", ["low/low.c"])')
    assert "correct its flags" not in pair.bad()  # a header is missing


def test_a_symbol_that_is_there_twice(pair):
    pair.write("main.c", "#include <high.h>\nint low_data;\nvoid _start(void) { for (;;) high(1); }\n")
    pair.write("high/more.c", "\nint high(int x)\n{\n    return x;\n}\n")
    pair.sconstruct(
        'env.DualLibrary("low", ["low/low.c"], includes=["low/include"])\n'
        'env.DualLibrary("high", ["high/high.c", "high/more.c"], LIBS=["low"], includes=["high/include"])\n'
        'env.DualLibrary("good", ["high/high.c"], LIBS=["low"], includes=["high/include"])\n'
        'env.Service("alone", ["main.c"], LIBS=["good"], linkage="static")\n'
    )
    output = pair.bad("-k")
    remedy = "rename one, make it static, or leave one source out of library"
    assert (
        f"ambilink: high/more.c:2: high is defined in high/high.c:3 of library 'high' already; {remedy} 'high' "
        f"[SConstruct:{HEAD + 2}]"
    ) in output
    assert (
        f"ambilink: low/low.c:2: low_data is defined in main.c:2 of service 'alone' already; {remedy} 'low' "
        f"[SConstruct:{HEAD + 1}]"
    ) in output


def test_no_jobs(pair):
    pair.sconstruct('env.DualLibrary("low", ["low/low.c"], includes=["low/include"])')
    for words in (["-j0"], ["-j", "0"], ["--jobs=0"]):
        assert "scons: *** -j 0: give 1 job or more" in pair.bad(*words)
        assert up_to_date.command_words(words) == words[-1:]
        assert up_to_date.command_words([word.replace("0", "12") for word in words]) == []


@pytest.mark.parametrize(
    ("libs", "said"),
    [
        ("['m']", "names 'm' in LIBS, and library 'c' has what is in libm elsewhere; name 'c', or leave it out"),
        ("['other']", "names 'other' in LIBS, which is the service 'other' [SConstruct:1"),
        ("['lwo']", "names the unknown library 'lwo' in LIBS; did you mean 'low'? known: c, low\n"),
        ("['test-lwo']", "did you mean 'test-low'? known: c, low, test-low"),
    ],
)
def test_names_in_libs_that_are_no_libraries(tree, libs, said):
    """What is meant is said; names of what only tests use are not proposed to others."""
    tree.write("x.c", "void _start(void) {}\n")
    tree.sconstruct(
        "for name in ('c', 'low', 'test-low'):\n    env.DualLibrary(name, ['x.c'])\n"
        f"env.Service('other', ['x.c'])\nenv.Service('user', ['x.c'], LIBS={libs})\n"
    )
    assert said in tree.bad()


def test_a_header_that_is_like_another_by_its_ending_alone(tree):
    for name in ("utmpx.h", "greeting.h"):
        tree.write(f"inc/{name}", "")
    for name, hint in (("x.h", ""), ("greting.h", "did you mean greeting.h?")):
        tree.write("x.c", f'#include "{name}"\nint x;\n')
        tree.sconstruct("env.DualLibrary('x', ['x.c'], includes=['inc'])\n")
        said = tree.bad()
        assert hint in said and ("did you mean" in said) == bool(hint)


def test_a_dry_run_that_ends_with_an_error_counts_nothing(tree):
    tree.write("x.c", "int x;\n")
    tree.sconstruct("env.DualLibrary('x', ['x.c'])\n")
    assert "would be done" in tree.good("-n")
    assert "would be done" not in tree.bad("-n", "no-such")
    tree.sconstruct("env.DualLibrary('x', ['x.c'], LIBS=['y'])\n")
    assert "would be done" not in tree.bad("-n")
    tree.sconstruct("env.DualLibrary('x', ['x.c'])\n1 / 0\n")
    assert "would be done" not in tree.bad("-n")

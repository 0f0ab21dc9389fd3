"""What programs of a profile are linked with by themselves: start files, the compiler's run-time; by running them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from .profile_system import System

MUSL = Path("/lib/ld-musl-x86_64.so.1")
EXIT = """
static void leave(int status)
{
    __asm__ volatile("syscall" : : "a"(231L), "D"((long)status) : "rcx", "r11", "memory");
    __builtin_unreachable();
}
"""
DIVIDES = "__attribute__((noinline)) __int128 divide(__int128 a, __int128 b) { return a / b; }\n"


@pytest.fixture
def system(tree):
    return System(tree)


def test_language(system):
    system.profile(
        '[language]\nhosted = "all"\ndefines = ["NUMBER=3", "FLAG"]\nflags = ["-DALL"]\n'
        'c = ["-DC=1"]\ncxx = ["-DCXX"]\nasm = ["-DASM"]\n'
    )
    check = "#if !defined(ALL) || NUMBER != 3 || !defined(FLAG) || {}\n#error flags\n#endif\n"
    system.tree.write("a.c", check.format("!__STDC_HOSTED__ || C != 1 || defined(CXX)") + "int a;\n")
    system.tree.write("b.cc", check.format("defined(C) || !defined(CXX)") + "int b;\n")
    system.tree.write("c.S", check.format("defined(C) || !defined(ASM)"))
    system.tree.sconstruct('env.DualLibrary("a", ["a.c", "b.cc", "c.S"])\n')
    system.tree.good()
    system.profile('[language]\nhosted = "none"\n')
    system.tree.write("a.c", "#if __STDC_HOSTED__\n#error hosted\n#endif\nvoid _start(void) { }\n")
    system.tree.sconstruct('env.DualLibrary("a", ["a.c"])\nenv.Service("s", ["a.c"])\n')
    system.tree.good()


def test_the_compilers_run_time(system):
    """In each form, of each kind, and never exported."""
    system.profile('[language]\nruntime = "compiler"\n')
    system.tree.write("a.c", DIVIDES + "int untouched(void) { return 1; }\n")
    start = "void _start(void) { volatile int a = 8; leave((int)divide(a, 2)); }\n"
    system.tree.write("main.c", DIVIDES + EXIT + start)
    system.tree.write(
        "k.lds",
        "ENTRY(_start)\nSECTIONS { . = 0x100000;\n"
        ".text : { *(.text*) *(.rodata*) } . = ALIGN(4096); .data : { *(.data*) } }\n",
    )
    system.tree.sconstruct(
        'env.DualLibrary("a", ["a.c"])\n'
        'env.Service("dynamic", ["main.c"], interp=None)\n'
        'env.Service("static", ["main.c"], linkage="static")\n'
        'env.Kernel("kernel", ["main.c"], script="k.lds")\n'
    )
    system.tree.good()
    assert (system.out / "lib/liba.abi").read_text() == "soname liba.so\nfunc divide\nfunc untouched\n"
    assert system.undefined("lib/liba.so") == set()
    for name in ("lib/liba.so.debug", "services/dynamic.debug", "services/static.debug", "kernel.debug"):
        symbols = system.elf(name).get_section_by_name(".symtab")
        assert symbols.get_symbol_by_name("__divti3"), name
        assert not symbols.get_symbol_by_name("memcpy") and not symbols.get_symbol_by_name("sin"), name
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        assert subprocess.run([system.out / "services/static"]).returncode == 4
    system.profile("")
    assert "__divti3" in system.tree.bad()


def test_the_run_time_stands_behind_a_c_library(system):
    """What shared libraries define is theirs, also in a program that the run-time is linked into."""
    system.profile('[language]\nruntime = "compiler"\n')
    names = ("sqrt", "floor", "fmod", "sin", "memcpy", "memset")
    system.tree.write("m.c", "".join(f"double {name}(double x, double y) {{ return x + y; }}\n" for name in names))
    calls = " + ".join(f"{name}(b, b)" for name in names)
    system.tree.write(
        "main.c",
        DIVIDES
        + "".join(f"double {name}(double, double);\n" for name in names)
        + "_Complex double quotient(_Complex double a, _Complex double b) { return a / b; }\n"
        + "void _start(void) { volatile double b = 8; volatile _Complex double c = 2;\n"
        + f"c = quotient(c, c); b = {calls} + (double)divide((int)b, 2); for (;;) ; }}\n",
    )
    system.tree.sconstruct(
        'env.DualLibrary("m", ["m.c"], flags=["-fno-builtin"])\n'
        'env.Service("dynamic", ["main.c"], LIBS=["m"], interp=None, flags=["-fno-builtin"])\n'
    )
    system.tree.good()
    symbols = system.elf("services/dynamic.debug").get_section_by_name(".symtab")
    for name in ("__divti3", "__divdc3"):
        assert symbols.get_symbol_by_name(name)[0]["st_shndx"] != "SHN_UNDEF", name
    for name in names:
        assert [each["st_shndx"] for each in symbols.get_symbol_by_name(name)] == ["SHN_UNDEF"], name


def test_a_run_time_that_is_given(system, toolset):
    system.tree.write("rt.c", "__int128 __divti3(__int128 a, __int128 b) { return 5; }\n")
    subprocess.run([*toolset.cc, *toolset.compile_flags, "-fPIC", "-c", "rt.c"], cwd=system.tree.folder, check=True)
    subprocess.run([*toolset.ar, "rcsD", "rt.a", "rt.o"], cwd=system.tree.folder, check=True)
    system.profile('[language]\nruntime = "rt.a"\n')
    system.tree.write("a.c", DIVIDES)
    system.tree.sconstruct('env.DualLibrary("a", ["a.c"])\n')
    system.tree.good()
    assert (system.out / "lib/liba.abi").read_text() == "soname liba.so\nfunc divide\n"


def test_start_files_and_a_foreign_loader(system):
    """Linux programs by musl's start files from the wheel, with a C library of a few lines; where musl's dynamic linker
    is installed, it is the judge of the dynamic one."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("runs what it builds, for Linux on x86-64")
    system.profile('extends = "linux-musl"\n')
    system.tree.write(
        "c.c",
        EXIT + "void __libc_start_main(int (*main)(int, char **, char **), int count, char **words)\n"
        "{ leave(main(count, words, words + count + 1)); }\n",
    )
    system.tree.write("a.c", "int seven = 7, *there = &seven; int a(void) { return *there; }\n")
    system.tree.write("main.c", "int a(void); int main(int count, char **words) { return count * 10 + a(); }\n")
    system.tree.sconstruct(
        'env.DualLibrary("start", ["c.c"])\n'
        'env.DualLibrary("a", ["a.c"])\n'
        'env.Service("dynamic", ["main.c"], LIBS=["start", "a"], link_flags=["-rpath", "$ORIGIN/../lib"])\n'
        'env.Service("static", ["main.c"], LIBS=["start", "a"], linkage="static")\n'
    )
    system.tree.good()
    assert system.interpreter("bin/dynamic") == str(MUSL)
    assert "DT_HASH" in system.tags("lib/liba.so") and "DT_RELR" not in system.tags("lib/liba.so")
    assert subprocess.run([system.out / "bin/static", "x"]).returncode == 27
    if not MUSL.exists():
        pytest.skip("musl is not installed (Debian: musl)")
    assert subprocess.run([system.out / "bin/dynamic", "x", "y"]).returncode == 37


def test_a_start_file_that_is_not_there(system):
    system.profile('[programs]\nstatic-start = ["crt0.S"]\n')
    system.tree.write("main.c", "")
    system.tree.sconstruct('env.Service("p", ["main.c"], linkage="static")\n')
    output = system.tree.bad()
    assert f"programs.static-start names {system.tree.folder}/crt0.S, which is not there" in output


@pytest.mark.parametrize("target, machine", [("aarch64", "EM_AARCH64"), ("riscv64", "EM_RISCV")])
def test_other_processors(system, target, machine):
    if system.tree.compiler == "gnu":
        pytest.skip("tests/targets has what GNU's cross tools link")
    system.profile('extends = "section-loader"\n[language]\nruntime = "compiler"\n')
    system.tree.more += f"AMBILINK_TARGET={target!r},"
    system.tree.write("a.c", DIVIDES + "long double multiply(long double a, long double b) { return a * b; }\n")
    main = "long double multiply(long double, long double); void _start(void) { multiply(1, 2); }\n"
    system.tree.write("main.c", main)
    system.tree.sconstruct(
        'env.DualLibrary("a", ["a.c"])\nenv.Service("p", ["main.c"], LIBS=["a"])\n'
        'env.Service("q", ["main.c"], LIBS=["a"], linkage="static")\n'
    )
    system.tree.good()
    out = Path(str(system.out).replace("x86_64", target))
    for name, kind in (("lib/liba.so", "ET_DYN"), ("services/p", "ET_DYN"), ("services/q", "ET_EXEC")):
        elf = ELFFile((out / name).open("rb"))
        assert (elf["e_machine"], elf["e_type"]) == (machine, kind)

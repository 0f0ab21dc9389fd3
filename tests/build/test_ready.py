"""Sources that are not C, C++ or the compiler's assembly: ready objects and archives, and nasm's."""

import shutil

import pytest
from elftools.elf.elffile import ELFFile

from ambilink.elf.archive import members
from ambilink.elf.inspect import inspect

needs_nasm = pytest.mark.skipif(shutil.which("nasm") is None, reason="nasm is not installed (Debian: nasm)")


@pytest.fixture
def ready(tree):
    """theirs/x.o, y.o, z.o, and libtwo.a of y.o and z.o."""
    for name in "xyz":
        tree.write(f"{name}.c", f"int {name}(void) {{ return 1; }}\n")
    tree.sconstruct('env.DualLibrary("x", "x.c", shared=None)\nenv.DualLibrary("two", ["y.c", "z.c"], shared=None)\n')
    tree.good()
    (tree.folder / "theirs").mkdir()
    (tree.out / "obj/x/pic/x.c.o").rename(tree.folder / "theirs/x.o")
    (tree.out / "lib/libtwo.a").rename(tree.folder / "theirs/libtwo.a")
    shutil.rmtree(tree.folder / "build")
    tree.write("main.c", "int x(void), y(void);\nvoid _start(void) { for (;;) x() + y(); }\n")
    tree.write("a.c", "int a(void) { return 1; }\n")
    return tree


def test_ready_sources_of_a_library(ready):
    """Both forms have all that is in them."""
    ready.sconstruct(
        'env.DualLibrary("all", ["theirs/x.o", "a.c", "theirs/libtwo.a"])\n'
        'env.Service("user", ["main.c"], LIBS=["all"])\n'
        'env.Service("alone", ["main.c"], LIBS=["all"], linkage="static")\n'
    )
    ready.good()
    assert inspect(ready.out / "lib/liball.so").defined == {"a", "x", "y", "z"}
    assert [each.name for each in members(ready.out / "lib/liball.a")] == ["x.o", "a.c.o", "y.c.o", "z.c.o"]
    assert inspect(ready.out / "services/alone").needed == ()
    assert not list((ready.out / "lib").glob("*.members"))


def test_ready_sources_of_a_program(ready):
    """An object is linked, an archive as far as it is used; a change links again."""
    ready.sconstruct('env.Service("user", ["main.c", "theirs/x.o", "theirs/libtwo.a"])\n')
    ready.good()
    with (ready.out / "services/user.debug").open("rb") as stream:
        names = {symbol.name for symbol in ELFFile(stream).get_section_by_name(".symtab").iter_symbols()}
    assert {"x", "y"} <= names and "z" not in names
    assert ready.built(ready.good()) == []
    data = bytearray((ready.folder / "theirs/x.o").read_bytes())
    data[data.index(b"\xb8\x01\x00\x00\x00") + 1] = 2  # mov $1, %eax
    (ready.folder / "theirs/x.o").write_bytes(data)
    assert [name.rpartition("/")[2] for name in ready.built(ready.good())] == ["user"]


def test_a_ready_object_that_is_built(ready):
    """By another builder of the same build."""
    ready.sconstruct(
        'made = env.Command("made/x.o", "theirs/x.o", Copy("$TARGET", "$SOURCE"))\n'
        'env.Service("user", ["main.c", made, "theirs/libtwo.a"])\n'
    )
    ready.good()
    assert (ready.out / "services/user").is_file()


@pytest.mark.parametrize(
    "data, message", [(b"!<thin>\n", "is a thin archive"), (b"text", "is no archive"), (b"!<arch>\nxx", "damaged")]
)
def test_damaged_archives(ready, data, message):
    (ready.folder / "theirs/libtwo.a").write_bytes(data)
    ready.sconstruct('env.DualLibrary("all", ["theirs/libtwo.a"], shared=None)')
    output = ready.bad()
    assert "theirs/libtwo.a: " in output and message in output and "Traceback" not in output
    assert not (ready.out / "lib/liball.a").exists() and not list((ready.out / "lib").glob("*.members"))


def test_a_missing_object(ready):
    ready.sconstruct('env.DualLibrary("all", ["theirs/w.o"])')
    assert "theirs/w.o" in ready.bad()


NASM = '%include "value.inc"\nglobal answer\nsection .text\nanswer:\n    mov eax, VALUE + EXTRA\n    ret\n'


@pytest.fixture
def nasm(tree):
    tree.write("asm/answer.asm", NASM)
    tree.write("asm/value.inc", "%define VALUE 40\n")
    tree.sconstruct('env.DualLibrary("answer", ["asm/answer.asm"], flags={"nasm": "-DEXTRA=2", "all": "-Wall"})\n')
    return tree


@needs_nasm
def test_nasm(nasm):
    """Both forms; what it includes, and its flags, make it again."""
    nasm.good()
    assert inspect(nasm.out / "lib/libanswer.so").defined == {"answer"}
    assert nasm.built(nasm.good()) == []
    nasm.write("asm/value.inc", "%define VALUE 41\n")
    made = [name.rpartition("/")[2] for name in nasm.built(nasm.good())]
    assert "answer.asm.o" in made and "libanswer.so" in made
    nasm.write("value.inc", "%define VALUE 42\n")  # nasm looks where it is started first
    assert "answer.asm.o" in [name.rpartition("/")[2] for name in nasm.built(nasm.good())]
    nasm.sconstruct(
        'env.Append(NASMFLAGS=["-DEXTRA=3"], CPPDEFINES="MORE")\nenv.DualLibrary("answer", ["asm/answer.asm"])\n'
    )
    assert "answer.asm.o" in [name.rpartition("/")[2] for name in nasm.built(nasm.good())]


@needs_nasm
def test_nasm_through_a_cache(nasm):
    nasm.more = 'AMBILINK_CACHE="cache",'
    nasm.resettle()
    nasm.good()
    nasm.good("-c")
    assert f"CACHE {nasm.out.relative_to(nasm.folder)}/obj/answer/pic/asm/answer.asm.o" in nasm.good()


def test_nasm_is_missing(nasm):
    nasm.more = 'ENV={"PATH": "/nowhere"},'
    nasm.resettle()
    done = nasm.scons("-Q")
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) <= 2, done.stderr
    assert (
        "SConstruct:9: library 'answer' has sources for nasm: nasm: is not on the PATH; install nasm (Debian: nasm; "
        in done.stderr
    )
    assert "PyPI's package of that name is another program" in done.stderr


def test_another_program_named_nasm(nasm):
    """PyPI's, say."""
    nasm.write("bin/nasm", "#!/bin/sh\necho nasm 1.0\n").chmod(0o755)
    nasm.more = f'ENV={{"PATH": "{nasm.folder}/bin:/usr/bin:/bin"}},'
    nasm.resettle()
    assert "does not say which version of nasm it is" in nasm.bad()


def test_nasm_for_another_machine(nasm):
    nasm.more = 'AMBILINK_TARGET="aarch64",'
    nasm.resettle()
    assert "makes no code for EM_AARCH64; write this source in the compiler's assembly, as .S" in nasm.bad()

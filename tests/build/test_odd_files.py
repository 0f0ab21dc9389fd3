"""Files that are not what their names promise, and names that commands would take for something else."""

import os
import shutil
from types import SimpleNamespace

import pytest

from ambilink.scons.compiling import _object_names

from .inputs import compiled, has, library


def test_names_that_begin_like_options_and_response_files(tree):
    """-a.c is an option to a compiler, @a.c a list of words; so they are to linkers and archivers."""
    for name in ("-a", "@a"):
        x = f"{ord(name[0])}"
        tree.write(f"{name}.c", f'#include "{name}.h"\nconst char x{x}[] = TEXT;\n')
        tree.write(f"{name}.h", f'#define TEXT "text of {name}"\n')
        tree.write(f"{name}.S", f'.globl s{x}\n.type s{x}, %object\ns{x}: .asciz "x"\n')
        tree.write(f"{name}.map", "{ global: *; };\n")
        tree.write(f"{name}/in.c", f"#include <inside.h>\nint in{x}(void) {{ return 1; }}\n")
        tree.write(f"{name}/inside.h", "\n")
        tree.write(f"{name}.main.c", "void _start(void) { for (;;) ; }\n")
    tree.more = "AMBILINK_BUILD='@build/out',"
    tree.sconstruct(
        "for name in ('-a', '@a'):\n"
        "    sources = [f'./{name}.c', f'{name}.S', f'{name}/in.c']\n"
        "    every = env.DualLibrary(f'x{ord(name[0])}', sources, version_script=f'{name}.map', includes=[name],\n"
        "        system_includes=[name])\n"
        "    env.Service(f's{ord(name[0])}', [f'{name}.main.c'], LIBS=[every.name])\n"
        "    env.Service(f't{ord(name[0])}', [f'{name}.main.c'], LIBS=[every.name], linkage='static')\n"
    )
    tree.good()
    out = tree.folder / "@build/out"
    for name in ("-a", "@a"):
        for suffix in ("so", "a"):
            assert f"text of {name}".encode() in (out / f"lib/libx{ord(name[0])}.{suffix}").read_bytes()
    assert "is up to date" in tree.good() or "nothing to do" in tree.good()
    tree.write("-a.h", '#define TEXT "other text"\n')
    tree.good()
    assert b"other text" in (out / "lib/libx45.so").read_bytes()


def test_objects_whose_names_begin_so(tree):
    tree.write("y.c", "int y(void) { return 1; }\n")
    tree.sconstruct("env.DualLibrary('y', ['y.c'])\n")
    tree.good()
    built = next(tree.out.glob("obj/y/**/*.o"))
    for name in ("-y.o", "@y.o"):
        os.link(built, tree.folder / name)
        library(tree, [name])
        tree.good()
        assert b"y" in (tree.out / "lib/libx.a").read_bytes()


def test_a_header_that_is_a_folder(tree):
    tree.write("x.h/inside.h", "")
    tree.write("x.c", '#include "x.h"\nint x;\n')
    library(tree, ["x.c"])
    said = tree.bad()
    assert "x.c:1: includes x.h, which is a folder; name a file in x.h" in said and "did you mean" not in said


@pytest.mark.parametrize("text", ['#include "a.h"', '__asm__(".incbin \\"p.bin\\"");'])
def test_a_header_that_is_a_fifo(tree, text):
    """No process writes to it, so the compiler would wait for ever, and so would what reads a payload."""
    os.mkfifo(tree.folder / ("x.h" if "include" in text else "p.bin"))
    tree.write("a.h", '\n#include "x.h"\n')
    tree.write("x.c", f"{text}\nint x;\n")
    library(tree, ["x.c"])
    said = tree.bad("-j2")
    place = "a.h:2: reads x.h" if "include" in text else "x.c:1: reads p.bin"
    assert f"{place}, which is a FIFO" in said and "put a file there" in said


def test_modes_that_were_changed(tree):
    """A library that cannot be read and a program that cannot be started are not as they were made."""
    tree.write("main.c", "void _start(void) { for (;;) ; }\n")
    tree.write("x.c", 'const char x[] = "text";\n')
    tree.sconstruct(
        "env.DualLibrary('x', ['x.c'])\nenv.AddPostAction(env.Service('s', ['main.c']).node, Chmod('$TARGET', 0o750))\n"
    )
    tree.good()
    files = {tree.out / "lib/libx.so": 0o755, tree.out / "services/s": 0o750}
    assert {path: path.stat().st_mode & 0o777 for path in files} == files
    tree.good()
    assert {path: path.stat().st_mode & 0o777 for path in files} == files
    for mode in (0o600, 0o000):
        for path in files:
            path.chmod(mode)
        assert tree.built(tree.good()) == []  # their contents are as they were
        assert {path: path.stat().st_mode & 0o777 for path in files} == files
    assert has(tree, b"text")


@pytest.mark.parametrize("folder", ["/", ".", "#", "..", "#/../.."])
@pytest.mark.parametrize("words", [(), ("-n",)])
def test_a_build_folder_that_is_no_folder_of_its_own(tree, folder, words):
    tree.more = f"AMBILINK_BUILD={folder!r},"
    tree.write("x.c", "int x;\n")
    library(tree, ["x.c"])
    said = tree.bad(*words)
    assert f"AMBILINK_BUILD is {folder}, which is " in said and "Traceback" not in said
    assert not (tree.folder / ".ambilink").exists() and not (tree.folder / "lib").exists()


def test_a_profile_folder_whose_file_is_replaced(tree):
    """-fprofile-use=FOLDER names files in it, which compilers' lists do not have."""
    if not shutil.which("gcc"):
        pytest.skip("needs gcc: other compilers refuse what is no profile of theirs")
    tree.compiler = "gnu"
    tree.write("x.c", "int x(void) { return 1; }\n")
    tree.write("prof/in/notes", "first")
    library(tree, ["x.c"], "flags=['-fprofile-use=prof', '-w'],")
    tree.good()
    assert compiled(tree) == []
    tree.write("prof/in/notes", "other")
    assert compiled(tree) == ["x.c.o"]
    (tree.folder / "prof/in/notes").unlink()
    assert compiled(tree) == ["x.c.o"]
    tree.write("prof/more", "x")
    assert compiled(tree) == ["x.c.o"]


def test_objects_of_sources_that_have_only_the_root_in_common():
    """Are called what their sources are; two of one name in two folders are two."""
    places = SimpleNamespace(beside="here")
    assert _object_names(places, ["here/a.c", "/one/a.c", "/two/a.c"]) == ["a.c", "one/a.c", "two/a.c"]
    assert _object_names(places, ["/one/deep/a.c", "/one/a.c"]) == ["deep/a.c", "a.c"]

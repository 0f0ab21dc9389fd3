"""Both forms of a library, and which of them a consumer gets."""

import json

import lief
from elftools.elf.elffile import ELFFile

from ambilink.elf.inspect import inspect


def test_both_forms_are_made(pair):
    pair.good()
    for name in ("low", "high"):
        assert (pair.out / f"lib/lib{name}.a").read_bytes().startswith(b"!<arch>\n")
        assert inspect(pair.out / f"lib/lib{name}.so").soname == f"lib{name}.so"


def test_consumers_get_the_form_of_their_linkage(pair):
    pair.good()
    user, alone = inspect(pair.out / "services/user"), inspect(pair.out / "services/alone")
    assert user.needed == ("libhigh.so",)
    assert inspect(pair.out / "lib/libhigh.so").needed == ("liblow.so",)
    assert alone.needed == () and alone.interpreter is None and alone.type == "ET_DYN"
    with (pair.out / "services/alone.debug").open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".symtab")
        assert symbols.get_symbol_by_name("low")[0]["st_shndx"] != "SHN_UNDEF"


def test_another_reader_agrees(pair):
    """LIEF as second judge of what our own inspection says."""
    pair.good()
    for path in [*(pair.out / "lib").glob("*.so"), pair.out / "services/user", pair.out / "services/alone"]:
        ours, theirs = inspect(path), lief.ELF.parse(str(path))
        assert list(ours.needed) == list(theirs.libraries)
        named = [symbol for symbol in theirs.dynamic_symbols if symbol.name]
        assert {symbol.name for symbol in named if symbol.shndx != 0} == set(ours.defined)
        assert {symbol.name for symbol in named if symbol.shndx == 0} == set(ours.undefined)
        assert theirs.has_interpreter is (ours.interpreter is not None)


def test_one_set_of_objects_serves_both_forms(pair):
    made = pair.built(pair.good())
    assert len([name for name in made if name.endswith("low.c.o")]) == 1


def test_separate_objects(pair):
    pair.sconstruct('env.DualLibrary("low", ["low/low.c"], includes=["low/include"], objects="separate")')
    objects = [name for name in pair.built(pair.good()) if name.endswith(".o")]
    assert [name.split("/")[-3] for name in sorted(objects)] == ["pic", "static"]
    data = [(pair.folder / name).read_bytes() for name in sorted(objects)]
    assert data[0] != data[1]


def test_sources_and_flags_of_one_form(pair):
    pair.write("extra.c", "int extra(void) { return EXTRA; }\n")
    pair.sconstruct(
        'env.DualLibrary("low", ["low/low.c"], includes=["low/include"],'
        ' shared={"sources": ["extra.c"], "flags": ["-DEXTRA=1"]})'
    )
    pair.good()
    assert "extra" in inspect(pair.out / "lib/liblow.so").defined
    assert b"extra.c.o" not in (pair.out / "lib/liblow.a").read_bytes()


def test_libraries_that_need_each_other(tree):
    tree.write("a.c", "int b(void); int a(void) { return b(); } int a_only(void) { return 1; }\n")
    tree.write("b.c", "int a_only(void); int b(void) { return a_only(); }\n")
    tree.write("main.c", "int a(void); void _start(void) { a(); }\n")
    tree.sconstruct(
        'env.DualLibrary("a", ["a.c"], LIBS=["b"])\n'
        'env.DualLibrary("b", ["b.c"], LIBS=["a"])\n'
        'env.Service("user", ["main.c"], LIBS=["a"])\n'
        'env.Service("alone", ["main.c"], LIBS=["a"], linkage="static")\n'
    )
    tree.good()
    assert inspect(tree.out / "lib/liba.so").needed == ("libb.so",)
    assert inspect(tree.out / "lib/libb.so").needed == ("liba.so",)
    assert inspect(tree.out / "services/user").needed == ("liba.so",)
    assert inspect(tree.out / "services/alone").needed == ()


def test_the_abi_is_text(pair):
    pair.good(str(pair.out / "lib/liblow.abi"))
    assert (pair.out / "lib/liblow.abi").read_text() == "soname liblow.so\nfunc low\ndata low_data 4\n"


def test_a_golden_abi_that_drifts_fails_the_build(pair):
    pair.write("low.abi", "soname liblow.so\nfunc low\ndata low_data 4\n")
    pair.sconstruct('env.DualLibrary("low", ["low/low.c"], includes=["low/include"], abi="low.abi")')
    pair.good()
    pair.write("low/low.c", "#include <low.h>\nint low_data = 3;\nint low(int x) { return x; } int more;\n")
    output = pair.bad()
    assert "liblow.so: its ABI differs from low.abi [SConstruct:9]:\n  added   data more 4\n" in output
    assert (
        "programs that were linked before still work; if that is meant, `scons abi-update` writes the new one" in output
    )


def test_clones_and_a_second_load_share_one_context(pair):
    pair.sconstruct(
        'other = env.Clone()\nother.Tool("ambilink", toolpath=[%r])\n'
        'other.DualLibrary("low", ["low/low.c"], includes=["low/include"])\n'
        'third = other.Clone(AMBILINK_FLAGS=["-O2"])\n'
        'third.Tool("ambilink", toolpath=[%r])\n'
        'third.DualLibrary("high", ["high/high.c"], LIBS=["low"], includes=["high/include"])\n'
        'env.Service("user", ["main.c"], LIBS=["high"])\n' % ((str(pair.toolpath),) * 2)
    )
    pair.good()
    assert inspect(pair.out / "services/user").needed == ("libhigh.so",)


def test_compile_commands(pair):
    with (pair.folder / "SConstruct").open("a") as stream:
        stream.write("env.CompileCommands()\n")
    pair.good()
    entries = json.loads((pair.folder / "compile_commands.json").read_text())
    assert {entry["file"] for entry in entries} == {"low/low.c", "high/high.c", "main.c"}
    high = next(entry for entry in entries if entry["file"] == "high/high.c")
    assert "-Ilow/include" in high["arguments"] and high["directory"] == str(pair.folder)


def test_the_same_bytes_in_another_folder(pair, tmp_path_factory):
    import shutil

    pair.good("-j1")
    other = tmp_path_factory.mktemp("elsewhere") / "deeper" / "tree"
    shutil.copytree(pair.folder, other, ignore=shutil.ignore_patterns("build", ".sconsign*"))
    from dataclasses import replace

    replace(pair, folder=other).good("-j2")
    files = [path for path in pair.out.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        assert path.read_bytes() == (other / path.relative_to(pair.folder)).read_bytes(), path

"""What users of SCons do with its trees: variant folders, repositories, nested environments, installing."""

import shutil

import pytest

from ambilink.elf.inspect import inspect


@pytest.fixture
def source(tree):
    """A folder with a SConscript: a library whose source reads a header that is built beside it, and a service."""
    tree.write(
        "src/lib.c",
        '#include "made.h"\n#include "plain.h"\n#include <public.h>\nint lib(void) { return MADE + PLAIN + PUBLIC; }\n',
    )
    tree.write("src/plain.h", "#define PLAIN 1\n")
    tree.write("src/include/public.h", "#define PUBLIC 2\nint lib(void);\n")
    tree.write("src/deeper/main.c", "#include <public.h>\nvoid _start(void) { for (;;) lib(); }\n")
    tree.write(
        "src/SConscript",
        'Import("env")\nenv.Tool("textfile")\nenv.Command("made.h", [], "echo \'#define MADE 3\' > $TARGET")\n'
        "text = '#include \"plain.h\"\\nint made = PLAIN;\\n'\n"
        'env.Textfile("made.c", text, TEXTFILESUFFIX="")\n'
        'lib = env.DualLibrary("lib", ["lib.c", "made.c"])\n'
        'user = env.Service("user", Glob("deeper/*.c"), LIBS=["lib"])\nReturn("user")\n',
    )
    return tree


@pytest.mark.parametrize("duplicate", [0, 1])
def test_a_variant_folder(source, duplicate):
    """Headers beside a source are found whether they were built or not; nothing is written beside the sources."""
    source.sconstruct(f'SConscript("src/SConscript", variant_dir="out/here", duplicate={duplicate}, exports="env")')
    before = sorted(path.relative_to(source.folder) for path in (source.folder / "src").rglob("*"))
    source.good()
    assert inspect(source.out / "lib/liblib.so").defined == {"lib", "made"}
    assert sorted(path.relative_to(source.folder) for path in (source.folder / "src").rglob("*")) == before
    assert source.built(source.good()) == []
    source.write("src/plain.h", "#define PLAIN 5\n")
    made = {name.rpartition("/")[2] for name in source.built(source.good())}
    assert {"lib.c.o", "made.c.o", "liblib.so"} <= made and "main.c.o" not in made


def test_a_sconscript_in_two_variant_folders(source):
    """One declaration, two environments: each has a build folder of its own."""
    source.sconstruct(
        f"toolpath = [{str(source.toolpath)!r}]\n"
        'for name, flag in (("fast", "-O2"), ("small", "-Os")):\n'
        '    other = env.Clone(AMBILINK_BUILD=f"#build/{name}", tools=["ambilink"], toolpath=toolpath)\n'
        "    other.Append(CCFLAGS=[flag])\n"
        '    SConscript("src/SConscript", variant_dir=f"out/{name}", exports={"env": other})\n'
        '    other["AMBILINK"].check()\n'
    )
    source.good()
    for name in ("fast", "small"):
        assert inspect(source.folder / f"build/{name}/services/user").needed == ("liblib.so",)
    assert not (source.out / "services").exists()
    source.sconstruct(
        'for name in ("fast", "small"):\n    SConscript("src/SConscript", variant_dir=f"out/{name}", exports="env")\n'
    )
    assert "library 'lib' was declared at" in source.bad()


def test_a_repository(source, tmp_path_factory):
    """Sources, headers and SConscripts that are not here are found there, with the same bytes; one here wins."""
    source.sconstruct('SConscript("src/SConscript", exports="env")')
    source.good()
    there = {name: (source.out / name).read_bytes() for name in ("services/user", "lib/liblib.so", "lib/liblib.a")}
    shutil.rmtree(source.out)
    for made in ("made.h", "made.c"):
        (source.folder / "src" / made).unlink()
    here = tmp_path_factory.mktemp("here")
    text = (source.folder / "SConstruct").read_text()
    repository, source.folder = source.folder, here
    source.write("SConstruct", f"Repository({str(repository)!r})\n" + text)
    source.good()
    assert {name: (source.out / name).read_bytes() for name in there} == there
    assert source.built(source.good()) == []
    source.write("src/plain.h", "#define PLAIN 7\n")
    assert "lib.c.o" in {name.rpartition("/")[2] for name in source.built(source.good())}
    (repository / "src/include/public.h").write_text("#define PUBLIC 4\nint lib(void);\n")
    assert "main.c.o" in {name.rpartition("/")[2] for name in source.built(source.good())}


def test_a_repository_that_was_built(source, tmp_path_factory):
    """What is right there is copied, and the rest is made here."""
    source.sconstruct('SConscript("src/SConscript", exports="env")')
    source.good()
    here = tmp_path_factory.mktemp("here")
    text = (source.folder / "SConstruct").read_text()
    repository, source.folder = source.folder, here
    source.write("SConstruct", f"Repository({str(repository)!r})\n" + text)
    source.good()
    assert inspect(source.out / "services/user").needed == ("liblib.so",)
    source.write("src/deeper/main.c", "#include <public.h>\nvoid _start(void) { for (;;) lib() + lib(); }\n")
    assert "main.c.o" in {name.rpartition("/")[2] for name in source.built(source.good())}


def test_install_and_alias(pair):
    with (pair.folder / "SConstruct").open("a") as stream:
        stream.write(
            'declared = env["AMBILINK"]\nlow, user = declared.libraries["low"], declared.programs["user"]\n'
            'env.Install("#image/lib", [low.shared, low.static])\n'
            'env.InstallAs("#image/bin/program", user.node)\nenv.Alias("install", "#image")\n'
        )
    pair.good("install")
    assert (pair.folder / "image/lib/liblow.so").read_bytes() == (pair.out / "lib/liblow.so").read_bytes()
    assert (pair.folder / "image/lib/liblow.a").is_file() and (pair.folder / "image/bin/program").is_file()
    pair.write("low/low.c", "#include <low.h>\nint low_data = 4;\nint low(int x) { return x * low_data; }\n")
    pair.good("install")
    assert (pair.folder / "image/lib/liblow.so").read_bytes() == (pair.out / "lib/liblow.so").read_bytes()


def test_nested_environments(pair):
    """Clones with variables of their own, per library, and of clones; what is appended later counts."""
    pair.write("low/low.c", "#include <low.h>\nint low_data = ONE;\nint low(int x) { return x + low_data + TWO; }\n")
    pair.write(
        "high/high.c",
        "#include <high.h>\n#include <low.h>\n#ifdef TWO\n#error inherited\n#endif\n"
        "int high(int x) { return low(x) + ONE; }\n",
    )
    pair.sconstruct(
        'env.Append(CPPDEFINES={"ONE": 1})\nlow = env.Clone()\nlower = low.Clone()\n'
        'lower.DualLibrary("low", ["low/low.c"], includes=["low/include"])\n'
        'env.DualLibrary("high", ["high/high.c"], LIBS=["low"], includes=["high/include"])\n'
        'env.Service("user", ["main.c"], LIBS=["high"])\n'
        'lower.Append(CPPDEFINES=["TWO=2"])\n'
    )
    pair.good()
    assert inspect(pair.out / "services/user").needed == ("libhigh.so",)


@pytest.mark.parametrize("word", ["--implicit-cache", "--implicit-deps-unchanged", ""])
def test_the_implicit_cache_hides_no_edit(tree, word):
    """SCons scans nothing that it has dependencies of."""
    words = [word] if word else []
    setting = "" if word else "SetOption('implicit_cache', 1)\n"
    tree.sconstruct(f"{setting}env.DualLibrary('low', ['low.c'], includes=['inc'])\n")
    tree.write("inc/x.h", '#define ANSWER "answer-one"\n')
    tree.write("low.c", "#include <x.h>\nconst char low[] = ANSWER;\n")
    tree.good(*words)
    for version, name in (("two", "inc/x.h"), ("six", "low.c")):
        before = (tree.folder / name).read_text()
        tree.write(name, before.replace("ANSWER;", f'"answer-{version}";').replace("one", version))
        tree.good(*words)
        for suffix in ("so", "a"):
            assert f"answer-{version}".encode() in (tree.out / f"lib/liblow.{suffix}").read_bytes()
    (tree.out / "lib/liblow.a").write_bytes(b"junk")
    tree.good(*words)
    assert b"answer-six" in (tree.out / "lib/liblow.a").read_bytes()

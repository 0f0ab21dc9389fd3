"""What the linker reads beside objects and libraries: a change of it links again, and nothing else does."""

import shutil
import subprocess

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Symbol

SOURCE = "int keep(void) { return 1; }\nint drop(void) { return 2; }\nint third(void) { return 3; }\n"
VERSIONS = "{{ global: {}; local: *; }};\n"


@pytest.fixture(params=["gnu", None])
def linker(request, tree):
    if request.param and shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    tree.compiler = request.param or tree.compiler
    tree.write("low.c", SOURCE)
    return tree


@pytest.fixture
def low(tree):
    tree.write("low.c", SOURCE)
    return tree


def library(tree, *flags: str, more: str = "") -> None:
    tree.sconstruct(f'env.DualLibrary("low", ["low.c"], link_flags={list(flags)!r}{more})')


def exported(tree) -> set[str]:
    return {symbol.name for symbol in dynamic_symbols(tree) if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name}


def dynamic_symbols(tree) -> list[Symbol]:
    with (tree.out / "lib/liblow.so").open("rb") as file:
        return list(ELFFile(file).get_section_by_name(".dynsym").iter_symbols())


def settled(tree) -> None:
    """Nothing is left to do, and it is seen."""
    assert tree.built(tree.good()) == []


@pytest.mark.parametrize(
    "flags",
    [
        ["--version-script=v.map"],
        ["--version-script", "v.map"],
        ["@outer"],
    ],
)
def test_a_version_script_in_any_spelling(low, flags):
    low.write("words", "--version-script=v.map\n")
    low.write("outer", '"@words" -O1')
    low.write("v.map", VERSIONS.format("keep"))
    library(low, *flags)
    low.good()
    assert exported(low) == {"keep"}
    settled(low)
    low.write("v.map", VERSIONS.format("drop"))
    low.good()
    assert exported(low) == {"drop"}
    settled(low)


@pytest.mark.parametrize("name", ["words", "outer"])
def test_response_files(low, name):
    low.write("a.map", VERSIONS.format("keep"))
    low.write("b.map", VERSIONS.format("drop"))
    low.write("words", "--version-script=a.map\n")
    low.write("outer", "@words")
    library(low, f"@{name}")
    low.good()
    low.write("words", "--version-script=b.map\n")
    low.good()
    assert exported(low) == {"drop"}
    settled(low)


@pytest.mark.parametrize("words", ['["-Wl,--version-script,v.map"]', '"-Xlinker --version-script -Xlinker v.map"'])
def test_construction_variables(low, words):
    low.write("v.map", VERSIONS.format("keep"))
    library(low, more=f", LINKFLAGS={words}")
    low.good()
    low.write("v.map", VERSIONS.format("keep; drop"))
    low.good()
    assert exported(low) == {"keep", "drop"}


def test_other_files_of_options(linker):
    linker.write("keep.txt", "keep\n")
    linker.write("dynamic", "{ keep; };\n")
    library(linker, "--retain-symbols-file=keep.txt", "--dynamic-list", "dynamic")
    linker.good()
    settled(linker)
    for name in ("keep.txt", "dynamic"):
        text = (linker.folder / name).read_text()
        linker.write(name, text.replace("keep", "third"))
        output = linker.good()
        assert "lib/liblow.so" in output, name
        settled(linker)


def test_scripts_that_include_others(linker):
    """Found here or in a folder of -L, where one that appears later may hide it."""
    linker.write("outer.ld", "INCLUDE inner.ld\n")
    linker.write("b/inner.ld", "INCLUDE innermost.ld\n")
    linker.write("b/innermost.ld", "marker = 0x1230;\n")
    (linker.folder / "a").mkdir()
    library(linker, "-La", "-L", "b", "outer.ld", "--export-dynamic-symbol=marker")
    linker.good()
    settled(linker)
    seen = {marker(linker)}
    linker.write("b/innermost.ld", "marker = 0x4560;\n")
    linker.good()
    seen.add(marker(linker))
    settled(linker)
    linker.write("a/inner.ld", "marker = 0x7890;\n")
    linker.good()
    seen.add(marker(linker))
    settled(linker)
    assert seen == {0x1230, 0x4560, 0x7890}


def marker(tree) -> int:
    return next(symbol["st_value"] for symbol in dynamic_symbols(tree) if symbol.name == "marker")


def test_a_kernels_script_that_includes_another(low):
    low.write("main.c", "extern char marker[]; char *volatile at; void _start(void) { at = marker; for (;;); }\n")
    low.write("k.lds", "INCLUDE layout.lds\n")
    text = "ENTRY(_start) SECTIONS { . = 0x100000; .text : { *(.text .text.*) } . = 0x101000; .bss : { *(.bss*) } }\n"
    low.write("layout.lds", f"{text}marker = 0x1230;\n")
    low.sconstruct('env.Kernel("kernel", ["main.c"], "k.lds")')
    low.good()
    before = (low.out / "kernel").read_bytes()
    settled(low)
    low.write("layout.lds", f"{text}marker = 0x4560;\n")
    low.good()
    assert (low.out / "kernel").read_bytes() != before
    settled(low)


def test_archives_that_the_linker_finds(linker):
    """By -l in a folder of -L, thin ones too, whose members lie elsewhere; and one that appears before it."""
    if shutil.which("ar") is None or shutil.which("gcc") is None:
        pytest.skip("gcc and ar are not installed")
    (linker.folder / "a").mkdir()
    (linker.folder / "b").mkdir()

    def archive(folder: str, value: int, kind: str = "rcs") -> None:
        linker.write("far.c", f"int far(void) {{ return {value}; }}\n")
        subprocess.run(["gcc", "-O1", "-fPIC", "-c", "far.c", "-o", f"{folder}/far.o"], cwd=linker.folder, check=True)
        subprocess.run(["ar", kind, f"{folder}/libfar.a", f"{folder}/far.o"], cwd=linker.folder, check=True)

    archive("b", 1001, "rcsT")
    library(linker, "-La", "-Lb", "-u", "far", "-lfar")
    linker.good()
    settled(linker)
    assert (1001).to_bytes(4, "little") in (linker.out / "lib/liblow.so").read_bytes()
    for record in linker.folder.rglob("links.json"):
        record.unlink()
    assert "lib/liblow.so" in linker.good()  # what it was linked with is not known any more
    settled(linker)
    thin = (linker.folder / "b/libfar.a").read_bytes()
    archive("b", 1002, "rcsT")
    assert (linker.folder / "b/libfar.a").read_bytes() == thin
    linker.good()
    assert (1002).to_bytes(4, "little") in (linker.out / "lib/liblow.so").read_bytes()
    archive("a", 1003)
    linker.good()
    assert (1003).to_bytes(4, "little") in (linker.out / "lib/liblow.so").read_bytes()
    settled(linker)


def test_a_cache_does_not_give_what_was_linked_by_other_files(low, tmp_path_factory):
    low.more = f"AMBILINK_CACHE={str(tmp_path_factory.mktemp('cache'))!r},"
    low.write("words", "--version-script=v.map\n")
    low.write("outer.ld", "INCLUDE b/inner.ld\n")
    library(low, "@words", "outer.ld", "--export-dynamic-symbol=marker")
    for names, value in (("keep; marker", 0x1230), ("drop; marker", 0x4560), ("keep; marker", 0x1230)):
        low.write("v.map", VERSIONS.format(names))
        low.write("b/inner.ld", f"marker = {value};\n")
        shutil.rmtree(low.folder / "build", ignore_errors=True)
        (low.folder / ".sconsign.dblite").unlink(missing_ok=True)
        low.good()
        assert exported(low) == set(names.split("; ")) and marker(low) == value


def test_a_named_file_that_is_made(low):
    low.sconstruct(
        'env.Command("v.map", "names", Action("cp $SOURCE $TARGET", "  MAKE  $TARGET"))\n'
        'env.DualLibrary("low", ["low.c"], link_flags=["--version-script=v.map"])'
    )
    low.write("names", VERSIONS.format("keep"))
    low.good()
    low.write("names", VERSIONS.format("drop"))
    low.good()
    assert exported(low) == {"drop"}


def test_a_named_file_that_has_no_end(low):
    for flag in ("--version-script=/dev/zero", "-T/dev/zero", "@words"):
        low.write("words", "--dynamic-list /dev/zero\n")
        library(low, flag)
        output = low.bad()
        assert "library 'low' has /dev/zero in its link flags, which is a device; name a file" in output, output


@pytest.mark.parametrize(
    "text",
    ["/* symbols */ INCLUDE inner.ld\n", "other = 1; INCLUDE /* it */ inner.ld\n", 'other = 1;INCLUDE "inner.ld"'],
)
def test_a_script_that_includes_another_in_the_middle_of_a_line(linker, text):
    """In a folder of -L: GNU ld lists the name that the script has."""
    linker.write("outer.ld", text)
    linker.write("b/inner.ld", "marker = 0x1230;\n")
    library(linker, "-Lb", "outer.ld", "--export-dynamic-symbol=marker")
    linker.good()
    linker.write("b/inner.ld", "marker = 0x4560;\n")
    linker.good()
    assert marker(linker) == 0x4560
    settled(linker)


@pytest.mark.parametrize("as_source", [False, True])
def test_members_of_thin_archives_where_the_record_is_lost(low, as_source):
    if shutil.which("ar") is None:
        pytest.skip("no ar here")
    low.write("low.c", "int other(void);\nvoid _start(void) { for (;;) other(); }\n")
    (low.folder / "ext").mkdir()
    low.sconstruct('env.DualLibrary("other", ["other.c"], shared=None)')
    declared = (low.folder / "SConstruct").read_text()
    low.write("Member", declared.replace("AMBILINK_VERBOSE", 'AMBILINK_BUILD="made", AMBILINK_VERBOSE'))

    def member(value: int) -> None:
        low.write("other.c", f"int other(void) {{ return {value}; }}\n")
        low.good("-f", "Member", "made")
        (made,) = (low.folder / "made").rglob("other.c.o")
        shutil.copy(made, low.folder / "ext/other.o")

    member(1)
    subprocess.run(["ar", "rcsT", "libthin.a", "other.o"], cwd=low.folder / "ext", check=True)
    given = '["low.c", "ext/libthin.a"]' if as_source else '["low.c"], link_flags=["ext/libthin.a"]'
    low.sconstruct(f'env.Service("low", {given}, linkage="static")')
    low.good()
    settled(low)
    shutil.copy(low.out / "services/low", low.folder / "first")
    member(2)
    next(low.folder.glob("build/.ambilink/*/links.json")).unlink()
    low.good()
    assert (low.out / "services/low").read_bytes() != (low.folder / "first").read_bytes()
    settled(low)

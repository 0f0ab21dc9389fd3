"""Files that an SConscript names and that are not there, or are no files: reported when it is read, by its line."""

import os

import pytest

HEAD = 8  # lines that Tree.sconstruct writes before a test's own


def refused(tree, text: str, *words: str) -> str:
    """The message: one line, without a second place, and nothing was compiled."""
    tree.sconstruct(text)
    output = tree.bad("-Q", *words)
    assert "  CC " not in output and 'File "' not in output and "Traceback" not in output, output
    (line,) = [line for line in output.splitlines() if line.startswith("scons: ***")]
    assert line.startswith(f"scons: *** SConstruct:{HEAD + 1}: "), line
    return line.partition(": *** ")[2].partition(": ")[2]


@pytest.mark.parametrize(
    "call, what",
    [
        ('env.DualLibrary("low", ["low/lwo.c"])', "library 'low' has the source low/lwo.c"),
        ('env.DualLibrary("low", ["low/low.c"], static={"sources": ["low/lwo.c"]})', "library 'low' has the source"),
        ('env.Service("user", ["low/lwo.c"])', "service 'user' has the source low/lwo.c"),
        ('env.Service("user", ["lwo/low.c"])', "service 'user' has the source lwo/low.c"),
        ('env.Service("user", ["low.c"])', "service 'user' has the source low.c"),
        ('env.Kernel("kernel", ["low/lwo.c"], "k.lds")', "kernel 'kernel' has the source low/lwo.c"),
        ('env.Service("user", [File("low/lwo.c")])', "service 'user' has the source low/lwo.c"),
    ],
)
def test_a_misspelt_source(pair, call, what):
    pair.write("k.lds", "")
    message = refused(pair, call)
    assert what in message and message.endswith("which is not there; did you mean low/low.c?")


def test_a_source_that_is_like_none(pair):
    assert refused(pair, 'env.Service("user", ["quite/other.c"])').endswith("is not there; correct the name")


def test_misspelt_scripts_and_texts(pair):
    pair.write("low/low.map", "{ global: low; local: *; };\n")
    call = 'env.DualLibrary("low", ["low/low.c"], {}="low/{}")'
    message = refused(pair, call.format("version_script", "low.mpa"))
    assert message.endswith(
        "library 'low' has version_script= low/low.mpa, which is not there; did you mean low/low.map?"
    )
    assert "`scons abi-update` writes it" in refused(pair, call.format("abi", "low.abi"))
    assert "did you mean k.lds?" in refused(pair, 'Execute(Touch("k.lds")); env.Kernel("k", ["main.c"], "k.ld")')


def test_a_source_that_is_made_by_what_is_declared_later(pair):
    pair.sconstruct(
        'env.Service("user", ["made.c"])\n'
        'env.Command("made.c", [], Action("echo \'void _start(void) { for (;;); }\' > $TARGET", "  MAKE  $TARGET"))\n'
    )
    pair.good()


def test_a_golden_abi_that_is_not_there_yet_is_written(pair):
    pair.sconstruct('env.DualLibrary("low", ["low/low.c"], includes=["low/include"], abi="low.abi")')
    with (pair.folder / "SConstruct").open("a") as stream:
        stream.write('env.AbiUpdate("abi-update")\n')
    assert "low.abi, which is not there" in pair.bad()
    pair.good("abi-update")
    assert (pair.folder / "low.abi").read_text() == "soname liblow.so\nfunc low\ndata low_data 4\n"
    pair.good()


@pytest.mark.parametrize("argument", ["version_script", "abi", "sources"])
@pytest.mark.parametrize("kind", ["a device", "a folder", "a FIFO"])
def test_what_is_no_file(pair, argument, kind):
    """They have no end, or wait for one who writes."""
    os.mkfifo(pair.folder / "fifo.c")
    (pair.folder / "folder.c").mkdir()
    (pair.folder / "device.c").symlink_to("/dev/zero")
    name = f"{kind.split()[1].lower()}.c"
    given = f'["{name}"]' if argument == "sources" else f'["low/low.c"], {argument}="{name}"'
    assert f"which is {kind}" in refused(pair, f'env.DualLibrary("low", {given})')


def test_a_prebuilt_library_that_is_no_file(pair):
    os.mkfifo(pair.folder / "libfar.a")
    message = refused(pair, 'env.Service("user", ["main.c"], LIBS=["far"], LIBPATH=["."], includes=["high/include"])')
    assert "libfar.a" in message and "FIFO" in message


@pytest.mark.parametrize("letter", ["\\n", "\\t", "\\r", "\\x7f"])
def test_control_characters_in_names(pair, letter):
    name = f"ma{letter}in.c"
    pair.write(name.encode().decode("unicode_escape"), "int a;\n")
    for sources in (f'["{name}"]', f'[File("{name}")]', 'Glob("ma*in.c")'):
        message = refused(pair, f'env.Service("user", {sources})')
        assert "has a control character in its name; rename it" in message
    for argument in (f'includes=["in{letter}clude"]', f'version_script="{name}"'):
        assert "control character" in refused(pair, f'env.DualLibrary("low", ["low/low.c"], {argument})')


def test_a_name_that_is_no_text(pair):
    with open(os.fsencode(pair.folder) + b"/odd\xff.c", "w") as stream:
        stream.write("int odd;\n")
    assert "is no UTF-8; rename it" in refused(pair, 'env.Service("user", Glob("odd*.c"))')


def test_a_golden_abi_is_kept_where_only_the_shared_form_is_built(pair):
    pair.write("low.abi", "soname liblow.so\nfunc low\ndata low_data 4\n")
    pair.sconstruct(
        'low = env.DualLibrary("low", ["low/low.c"], includes=["low/include"], abi="low.abi")\nDefault(low.shared)'
    )
    pair.good()
    pair.write("low/low.c", "#include <low.h>\nint low_data = 3;\nint low(int x) { return x; } int more;\n")
    for words in ((), (str(pair.out / "lib/liblow.so"),)):
        assert "liblow.so: its ABI differs from low.abi" in pair.bad(*words)
        assert not (pair.out / "lib/liblow.so").exists()
    pair.write("low.abi", "soname liblow.so\nfunc low\ndata low_data 4\ndata more 4\n")
    pair.good()
    pair.write("low.abi", "soname liblow.so\nfunc low\ndata low_data 4\n")  # the text alone changes
    assert "its ABI differs" in pair.bad()

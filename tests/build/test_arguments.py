"""Wrong calls of builders: each is refused with the SConscript line, the builder, the argument, and what it may be."""

import re

import pytest

# A right call of each builder; in SCONSTRUCT all of them build.
RIGHT = {
    "DualLibrary": {"name": '"low"', "sources": '["low.c"]'},
    "ProgramStart": {"sources": '["low.c"]'},
    "Service": {"name": '"user"', "sources": '["low.c"]'},
    "Interpreter": {"name": '"ld.so"', "sources": '["low.c"]', "entry": '"low"'},
    "Kernel": {"name": '"kernel"', "sources": '["low.c"]', "script": '"k.lds"'},
    "KernelModule": {"name": '"serial"', "sources": '["low.c"]', "kernel": '"base"'},
    "BootImage": {"target": '"boot.img"', "manifest": '"boot.toml"'},
    "BootTest": {"target": '"boot.log"', "image": '"boot.img"'},
    "CompileCommands": {"target": '"#commands.json"'},
    "RegistrySource": {
        "name": '"pack"',
        "package": '"pack"',
        "version": '"1.0"',
        "sha256": f'"{64 * "0"}"',
    },
    "AbiUpdate": {"name": '"abi-update"'},
    "Profile": {"name": '"profile"', "targets": '["low.c"]', "file": '"profile.json"'},
}
LISTS = {  # arguments that are lists, with one right element
    "sources": '"low.c"',
    "LIBS": '"other"',
    "needs": '"first"',
    "defines": '"X=1"',
    "flags": '"-DX=1"',
    "link_flags": '"-z"',
    "includes": '"include"',
    "private_includes": '"include"',
    "system_includes": '"include"',
    "public_system_includes": '"include"',
    "freestanding": '"low.c"',
    "targets": '"low.c"',
}
HEAD = """\
env.Kernel("base", ["low.c"], "k.lds", abi="k.abi")
env.KernelModule("first", ["low.c"], "base")
env.DualLibrary("other", ["low.c"])
"""


@pytest.fixture
def calls(tree):
    """What each of several wrong calls says, from one run of SCons, which ends there."""
    for name, text in {"low.c": "int low(void) { return 1; }\n", "k.lds": "", "boot.toml": "", "k.abi": ABI}.items():
        tree.write(name, text)
    (tree.folder / "include").mkdir()

    def run(statements: list[str]) -> list[str]:
        tree.write("calls.py", "\n".join(statements) + "\n")
        tree.sconstruct(HEAD + RUN)
        done = tree.scons("-Q")
        assert "Traceback" not in done.stderr and done.stderr == "", done.stderr
        return [line.strip("\n") for line in (tree.folder / "said.txt").read_text().split("\0")[:-1]]

    return run


ABI = "soname k.so\n"
# Each line of calls.py is a call with its own environment's names: what it raises is noted, and the next one follows.
RUN = """\
from SCons.Errors import UserError
import traceback
said = open("said.txt", "w")
for number, line in enumerate(open("calls.py"), 1):
    try:
        exec(compile("\\n" * (number - 1) + line, "SConscript.test", "exec"))
        said.write("fine")
    except UserError as error:
        said.write(str(error))
    except BaseException:
        said.write(traceback.format_exc())
    said.write("\\0")
said.close()
Exit(0)
"""


def call(builder: str, **changes: str) -> str:
    arguments = {**RIGHT[builder], **changes}
    return f"env.{builder}({', '.join(f'{name}={value}' for name, value in arguments.items() if value)})"


def builders():
    from ambilink.scons.builder import BUILDERS
    from ambilink.scons.environment import build_name  # noqa: F401  declares them

    return {name: method for name, method in BUILDERS.items() if name != "AmbilinkSystem"}  # test_system.py


def parameters() -> dict[str, list[str]]:
    return {name: [each.name for each in method.parameters] for name, method in builders().items()}


def test_all_builders_are_here():
    assert parameters().keys() == RIGHT.keys()


def test_right_calls(calls):
    lines = [call(builder).replace('"low"', '"fresh"') for builder in RIGHT]
    assert calls(lines) == ["fine"] * len(lines)


WRONG = {
    "None": "None",
    "a number": "5",
    "a dictionary": '{"a": 1}',
    "bytes": 'b"low"',
    "a set": '{"low"}',
    "a function": "len",
    "an empty text": '""',
    "an object": "object()",
    "a NUL": '"a\\0b"',
    "a list with None": "[None]",
    "a number in lists in a list": '[["low.c"], [[7]]]',
    "a tuple with an empty text": '("",)',
    "a list in itself": "(lambda x: x.append(x) or x)([])",
}


@pytest.mark.parametrize("builder", RIGHT)
def test_wrong_types(calls, builder):
    """Every argument of the builder, with every kind of wrong value."""
    optional = {each.name for each in builders()[builder].parameters if each.accepts.optional}
    cases = [
        (name, kind, value)
        for name in parameters()[builder]
        for kind, value in WRONG.items()
        if not (value == "None" and name in optional)
        and not (kind == "a dictionary" and name in ("static", "shared", "defines"))
        and not (kind == "a number" and name in ("timeout", "memory"))
    ]
    said = calls([call(builder, **{name: value}) for name, _, value in cases])
    for number, ((name, kind, _), text) in enumerate(zip(cases, said, strict=True), 1):
        where = (builder, name, kind, text)
        assert re.match(rf"SConscript\.test:{number}: {builder}[ :]", text), where
        assert f"{name}= " in text and "give " in text and "\n" not in text, where
        assert len(text) < 300, where


@pytest.mark.parametrize("builder", RIGHT)
def test_wrong_shapes_of_calls(calls, builder):
    names = parameters()[builder]
    first = next(iter(RIGHT[builder]))
    typo = names[-1].lower() + "x"
    positional = ", ".join(["1"] * (len(names) + 1))
    said = calls(
        [
            call(builder, **{typo: "1"}),
            call(builder, zzzz="1"),
            f"env.{builder}({positional})",
            f"env.{builder}({RIGHT[builder][first]}, {first}={RIGHT[builder][first]})",
            f"env.{builder}()",
        ]
    )
    assert said[0] == f"SConscript.test:1: {builder} has no argument {typo}=; did you mean {names[-1]}=? known: " + (
        ", ".join(names)
    )
    assert said[1] == f"SConscript.test:2: {builder} has no argument zzzz=; known: {', '.join(names)}"
    assert said[2].startswith(f"SConscript.test:3: {builder} takes at most {len(names)} arguments (")
    assert said[3] == f"SConscript.test:4: {builder} has the argument {first} twice"
    if builder != "CompileCommands":
        assert said[4].startswith(f"SConscript.test:5: {builder} lacks the argument {first}; give it ")


@pytest.mark.parametrize("builder", [name for name in RIGHT if set(parameters()[name]) & set(LISTS)])
def test_one_element_needs_no_list(calls, builder):
    """A string, a list and lists in lists are the same."""
    names = [name for name in parameters()[builder] if name in LISTS]
    values = [value for name in names for value in (LISTS[name], f"[{LISTS[name]}]", f"([[{LISTS[name]}]],)")]
    triples = [name for name in names for _ in "123"]
    lines = [call(builder, **{name: value}) for name, value in zip(triples, values, strict=True)]
    # Names differ, or the second would be a duplicate.
    fresh = [re.sub(r'name="[\w.-]+"', f'name="x{number}"', line) for number, line in enumerate(lines)]
    if builder == "ProgramStart":
        fresh = [f'env["AMBILINK"].start = None; env["AMBILINK"]._outputs.clear(); {line}' for line in fresh]
    assert calls(fresh) == ["fine"] * len(fresh)


def test_a_string_is_one_flag(pair):
    pair.write("low/low.c", "#include <low.h>\nint low_data = X + Y;\nint low(int x) { return x + low_data; }\n")
    pair.sconstruct(
        'env["AMBILINK_FLAGS"] = "-DY=2"\n'
        'env.DualLibrary("high", "high/high.c", LIBS="low", includes="high/include")\n'
        'env.DualLibrary("low", "low/low.c", includes=env.Dir("low/include"), flags="-DX=1")\n'
        'env.Service("user", [["main.c"]], LIBS=("high", []))\n'
    )
    pair.good()


@pytest.mark.parametrize("builder", [name for name in RIGHT if name not in ("CompileCommands", "AbiUpdate", "Profile")])
def test_twice(calls, builder):
    line = call(builder).replace('"low"', '"again"')
    first, second = calls([line, line])
    assert first == "fine"
    assert second.startswith("SConscript.test:2: ") and "SConscript.test:1 already" in second, second


@pytest.mark.parametrize("builder", [name for name in RIGHT if "sources" in RIGHT[name]])
def test_no_sources(calls, builder):
    assert [re.search("no sources", text) is not None for text in calls([call(builder, sources="[]")])] == [True]


def test_names_that_are_none(calls):
    for text in calls([call("Service", name=name) for name in ('"a b"', '"../x"', '"-x"', '"$X"', '"a\\n"', '"."')]):
        assert "which is no name" in text


def test_nodes_and_records_where_names_are_wanted(calls):
    node, record, folder, file = calls(
        [
            call("Service", LIBS='[env.File("low.c")]'),
            call("Service", LIBS='[env["AMBILINK"].libraries["other"]]'),
            call("Service", sources='env.Dir("include")'),
            call("Service", includes='env.File("low.c")'),
        ]
    )
    assert "LIBS= has an item that is the node low.c, which is no text; give a name, or a list of names" in node
    assert "its name is 'other'" in record
    assert "sources= is the node include, which is a folder" in folder
    assert "includes= is the node low.c, which is no folder" in file


def test_a_folder_for_a_file_and_a_file_for_a_folder(calls):
    lines = [
        call("Kernel", script='"include"'),
        call("Service", includes='"low.c"'),
        call("BootImage", target='"lib"'),
        call("Service", sources='"$NOTHING"'),
    ]
    said = calls(['env.File("low.c"), env.Dir("include"), env["AMBILINK"].build.Dir("lib")', *lines])
    assert "which is a folder" in said[1] and "which is a file" in said[2] and "is a folder already" in said[3]
    assert "Traceback" not in said[4]


def test_an_output_that_another_declaration_makes(calls):
    first, second = calls([call("BootImage", target='"lib/liblow.so"'), call("DualLibrary")])
    assert first == "fine"
    assert "lib/liblow.so is made by the declaration at SConscript.test:1 already" in second


def test_the_end_of_a_wrong_call(tree):
    """Exit status 2, and two lines at most on stderr."""
    tree.write("low.c", "")
    for text in (
        'env.Service("user", ["low.c"], libs=["c"])',
        'env.Service("user", 5)',
        'env.KernelModule("m", ["low.c"], needs="n")',
        'env.Interpreter("ld.so", ["low.c"], "x", LIBS="nowhere")',
    ):
        tree.sconstruct(text)
        done = tree.scons("-Q")
        assert done.returncode == 2 and "SConstruct:9: " in done.stderr, done.stderr
        assert done.stderr.startswith("\nscons: *** ") and len(done.stderr.strip().splitlines()) <= 2, done.stderr


@pytest.mark.parametrize(
    "setting, message",
    [
        ("AMBILINK_TARGET=5", "AMBILINK_TARGET is 5, which is no text; give a text"),
        ('AMBILINK_TARGET="mars"', "mars: is no known target"),
        ("AMBILINK_COMPILER=['gnu']", "AMBILINK_COMPILER is ['gnu'], which is no text"),
        ("AMBILINK_FLAGS=[5]", "AMBILINK_FLAGS has an item that is 5, which is no text"),
        ("AMBILINK_VERBOSE='yes'", "AMBILINK_VERBOSE is 'yes'; give True or False"),
        ("AMBILINK_CACHE=5", "AMBILINK_CACHE is 5"),
        ("AMBILINK_CACHE='c', AMBILINK_CACHE_LIMIT='much'", "is no size"),
        ("AMBILINK_LAUNCHER='\"'", "launcher="),
        ("AMBILINK_BUILD='SConstruct'", "which is a file"),
    ],
)
def test_settings(tree, setting, message):
    tree.write("SConstruct", f"env = Environment(tools=['ambilink'], toolpath=[{str(tree.toolpath)!r}], {setting})\n")
    done = tree.scons("-Q")
    assert done.returncode == 2 and message in done.stderr, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


@pytest.mark.parametrize("name", ["obj", "lib"])
def test_a_file_where_a_folder_of_outputs_belongs(tree, name):
    tree.write("x.c", "int x;\n")
    tree.write(f"{tree.out.relative_to(tree.folder)}/{name}", "")
    tree.sconstruct('env.DualLibrary("x", ["x.c"])')
    said = tree.bad()
    assert f"/{name} is a file, where a folder belongs; remove it" in said and "Traceback" not in said
    assert "File " not in said


def test_a_clone_for_another_compiler_that_does_not_load_the_tool(tree):
    tree.write("x.c", "int x;\n")
    tree.sconstruct('env.Clone(AMBILINK_COMPILER="other").DualLibrary("x", ["x.c"])')
    said = tree.bad()
    assert "SConstruct:9: AMBILINK_COMPILER became other after the tool was loaded for" in said
    assert "load it again" in said


CHANGED = {
    "AMBILINK_OS": "other.toml",
    "AMBILINK_LAUNCHER": "ccache",
    "AMBILINK_BUILD": "#out",
    "AMBILINK_CACHE": "kept",
    "AMBILINK_CACHE_MODE": "read",
}


@pytest.mark.parametrize("name", CHANGED)
def test_settings_that_clones_were_given_too_late(tree, name):
    """The tool looks at them when it is loaded: later they would count for nothing."""
    tree.write("x.c", "int x;\n")
    tree.sconstruct(f"late = env.Clone({name}={CHANGED[name]!r})\nlate.DualLibrary('x', ['x.c'])\n")
    assert f"SConstruct:10: {name} became {CHANGED[name]} after the tool was loaded without it" in tree.bad()
    tree.sconstruct(f"late = env.Clone({name}={CHANGED[name]!r}, tools=['ambilink'])\n")
    said = tree.scons()
    expected = "" if name == "AMBILINK_BUILD" else "other.toml" if name == "AMBILINK_OS" else "with other settings"
    assert expected in said.stdout + said.stderr and (said.returncode == 0) == (not expected)

"""Bindings that one link leaves to the next: the words are those of a link by itself, and nothing is searched again."""

import pytest

from ambilink.core.linker import QUIET

START = "void _start(void) { }\n"
LIBRARIES = {
    "liba.so": "int who(void) { return 1; } int b(void); int d; int a(void) { return who() + b() + d; } int *p = &d;",
    "libb.so": "int who(void); int c(void); int b(void) { return who() + c(); } int (*q)(void) = c;",
    "libc.so": "int c(void) { return 3; } extern int d; int e(void) { return d; }",
}
# Each stands in for other names of the libraries than those before it, or for none.
PROGRAMS = {
    "plain": "int a(void); int use(void) { return a(); }",
    "another": "int a(void); int e(void); int use(void) { return a() + e(); }",
    "interposes": "int a(void); int who(void) { return 9; } int use(void) { return a(); }",
    "interposes data": "int a(void); int d = 4; int c(void) { return 5; } int use(void) { return a(); }",
    "plain again": "int b(void); int use(void) { return b(); }",
}


@pytest.fixture
def libraries(make):
    def build(*flags):
        found = {}
        for name, source in reversed(LIBRARIES.items()):
            found[name] = make(name, source, flags=flags, compile=("-fsemantic-interposition",))
        return dict(reversed(found.items()))

    return build


def program(make, source):
    flags = ("--export-dynamic", "--no-as-needed")
    return make("program", START + source, *LIBRARIES, flags=flags)


def steps(result):
    return result.steps


@pytest.mark.parametrize("flags", [(), ("--hash-style=sysv",), ("-Bsymbolic",), ("--version-script=versions",)])
def test_words_are_those_of_a_link_by_itself(linker, make, libraries, flags, tmp_path, monkeypatch):
    (tmp_path / "versions").write_text("V1 { global: *; };\n")
    monkeypatch.chdir(tmp_path)
    files = libraries(*flags)
    # Each comes first, second and third to the same libraries.
    programs = {name: program(make, source) for name, source in PROGRAMS.items()}
    turns = [*PROGRAMS, *PROGRAMS, *reversed(PROGRAMS)]
    found = linker.link_in_turn([programs[name] for name in turns], files)
    for name, result in zip(turns, found, strict=True):
        data = programs[name]
        alone = linker.link({"program": data, **files}, flags=QUIET)
        assert alone.good and result.good and result.contents == alone.contents, name


def test_libraries_are_not_searched_again(linker, make, libraries):
    files = libraries()
    data = program(make, PROGRAMS["plain"])
    first, second, third, fourth = linker.link_in_turn([data] * 4, files)
    # The second one leaves what it found, as it binds.
    assert steps(second) == steps(first) > steps(third) == steps(fourth)
    assert first.contents == second.contents == third.contents == fourth.contents


def test_another_order_is_another_scope(linker, make, libraries):
    """The same library after others may find other definitions."""
    files = libraries()
    files["liby.so"] = make("liby.so", "int who(void) { return 6; }")
    files["libz.so"] = make("libz.so", "int more(void) { return 8; } int who(void) { return 7; } int d = 9;")
    orders = (["liby.so", "libz.so"], ["libz.so", "liby.so"]) * 3
    programs = [make("program", START, *order, *LIBRARIES, flags=("--no-as-needed",)) for order in orders]
    found = linker.link_in_turn(programs, files)
    for result, data in zip(found, programs, strict=True):
        assert result.contents == linker.link({"program": data, **files}, flags=QUIET).contents
    assert steps(found[4]) < steps(found[0]) and steps(found[5]) < steps(found[1])


def test_more_libraries_than_records(linker, make):
    """More libraries than there are records: the rest is bound afresh."""
    files = {f"lib{i}.so": make(f"lib{i}.so", f"int f{i}(void) {{ return {i}; }}") for i in range(40)}
    programs = []
    for count in range(20, 41):
        names = list(files)[:count]
        calls = " + ".join(f"f{i}()" for i in range(count))
        declared = "".join(f"int f{i}(void); " for i in range(count))
        programs.append(make("program", START + declared + f"int use(void) {{ return {calls}; }}", *names))
    for data, result in zip(programs * 3, linker.link_in_turn(programs * 3, files), strict=True):
        assert result.contents == linker.link({"program": data, **files}, flags=QUIET).contents

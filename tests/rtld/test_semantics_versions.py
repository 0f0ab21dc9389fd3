"""Symbol versions, under glibc's dynamic linker and under ours."""

from .elf_edit import set_version_need_weak

TWO = "V1 { global: who; local: *; };\nV2 { global: who; last; } V1;\n"
TWO_SOURCE = """
    long old(void) { return 1; } long new(void) { return 2; } long last(void) { return 9; }
    __asm__(".symver old, who@V1"); __asm__(".symver new, who@@V2");
"""
DLFCN = "void *dlopen(const char *, int), *dlsym(void *, const char *), *dlvsym(void *, const char *, const char *);"


def test_default_and_hidden_versions(case):
    case.library("liba.so", TWO_SOURCE, versions=TWO)
    case.program(
        """
        long who(void), ancient(void); __asm__(".symver ancient, who@V1");
        void test(void) { say_value("who", who()); say_value("ancient", ancient()); }""",
        "liba.so",
    )
    assert case.compare() == "who 2\nancient 1\n"


def test_a_program_linked_before_versions(case):
    """An unversioned reference means the oldest one, even where that is hidden."""
    case.library("liba.so", "long who(void) { return 0; } long last(void) { return 0; }")
    case.program(
        'long who(void), last(void); void test(void) { say_value("who", who()); say_value("last", last()); }', "liba.so"
    )
    assert case.compare() == "who 0\nlast 0\n"
    case.library("liba.so", TWO_SOURCE, versions=TWO)
    assert case.compare() == "who 1\nlast 9\n"


def test_a_library_that_lost_its_versions(case):
    case.library("liba.so", TWO_SOURCE, versions=TWO)
    case.program('long who(void); void test(void) { say_value("who", who()); }', "liba.so")
    assert case.compare() == "who 2\n"
    case.library(
        "liba.so",
        "void *dlopen(const char *, int); void *keep(void) { return dlopen; } long who(void) { return 5; }",
        "libc",
    )
    assert case.compare() == "who 5\n"


def test_an_unversioned_definition_in_a_versioned_library(case):
    """A symbol of the base version answers a reference with a version."""
    case.library("liba.so", TWO_SOURCE, versions=TWO)
    case.program('long who(void); void test(void) { say_value("who", who()); }', "liba.so")
    case.library(
        "libfirst.so",
        "long who(void) { return 7; } long other(void) { return 8; }",
        versions="V9 { global: other; };\n",
    )
    case.library("libplain.so", "long who(void) { return 6; }")
    assert case.compare(preload="libfirst.so") == "who 7\n"
    assert case.compare(preload="libplain.so") == "who 6\n"


def test_the_same_symbol_with_another_version_is_passed_over(case):
    case.library("libother.so", "long who(void) { return 7; }", versions="OTHER { global: who; };\n")
    case.library("liba.so", TWO_SOURCE, versions=TWO)
    case.program('long who(void); void test(void) { say_value("who", who()); }', "liba.so")
    assert case.compare(preload="libother.so") == "who 2\n"


def test_a_missing_version(case):
    case.library("liba.so", TWO_SOURCE, versions=TWO)
    case.program('long who(void); void test(void) { say_value("who", who()); }', "liba.so")
    case.library("liba.so", "long who(void) { return 1; }", versions="V1 { global: who; };\n")
    case.refuses("program needs a version that is not defined: V2 of liba.so", judged=True)


def test_a_missing_version_that_is_needed_weakly(case):
    """VER_FLG_WEAK: its absence is no error; the reference, weak too, is 0."""
    case.library(
        "liba.so",
        "long who(void) { return 1; } long extra(void) { return 2; }",
        versions="V1 { global: who; };\nV2 { global: extra; } V1;\n",
    )
    case.program(
        'long who(void); WEAK long extra(void); void test(void) { say_value("who", who()); say_value("extra", extra ? extra() : -1); }',
        "liba.so",
    )
    assert case.compare() == "who 1\nextra 2\n"
    case.library("liba.so", "long who(void) { return 1; }", versions="V1 { global: who; };\n")
    for program in case.programs:
        set_version_need_weak(program, "V2")
    assert case.compare() == "who 1\nextra -1\n"


def test_look_up_by_version_at_run_time(case):
    case.library("liba.so", TWO_SOURCE, versions=TWO)
    case.program(
        DLFCN
        + """
        long call(void *f) { return f ? ((long (*)(void))f)() : -1; }
        void test(void) {
            void *a = dlopen("liba.so", 2);
            say_value("default", call(dlsym(a, "who")));
            say_value("V1", call(dlvsym(a, "who", "V1")));
            say_value("V2", call(dlvsym(a, "who", "V2")));
            say_value("V3", call(dlvsym(a, "who", "V3")));
            say_value("last V1", call(dlvsym(a, "last", "V1")));
        }""",
        "libc",
    )
    assert case.compare() == "default 2\nV1 1\nV2 2\nV3 -1\nlast V1 -1\n"


def test_versions_of_copied_data(case):
    case.library(
        "liba.so",
        "long value = 4; long *where(void) { return &value; }",
        versions="V1 { global: *; };\n",
        flags=("-fsemantic-interposition",),
    )
    flags = (
        ("-fno-pic", "-fno-pie")
        if "gcc" in case.tools.name
        else ("-fno-pic", "-fno-pie", "-fdirect-access-external-data")
    )
    case.program(
        'extern long value, *where(void); void test(void) { say_value("value", value); say_value("same", where() == &value); }',
        "liba.so",
        flags=flags,
        link=("-no-pie",),
    )
    assert case.compare() == "value 4\nsame 1\n"

"""Constructors and destructors, under glibc's dynamic linker and under ours."""

from .elf_edit import DT_FLAGS_1, set_tag

DF_1_INITFIRST = 0x20
PAIR = 'CONSTRUCTOR static void up_{0}(void) {{ say("+{0} "); }} DESTRUCTOR static void down_{0}(void) {{ say("-{0} "); }} long {0}(void) {{ return 1; }}'
END = 'void test(void) {{ say("main "); {0} }}'


def library(case, name: str, *needs: str, **options) -> None:
    uses = (
        "".join(f"long {need}(void); " for need in needs)
        + f"long use_{name}(void) {{ return 0{''.join(f' + {need}()' for need in needs)}; }}"
    )
    case.library(f"lib_{name}.so", PAIR.format(name) + uses, *(f"lib_{need}.so" for need in needs), **options)


def program(case, *needs: str) -> None:
    uses = "".join(f"long {need}(void); " for need in needs)
    case.program(uses + END.format("".join(f"{need}(); " for need in needs)), *(f"lib_{need}.so" for need in needs))


def test_a_diamond(case):
    library(case, "d")
    library(case, "b", "d")
    library(case, "c", "d")
    library(case, "a", "b", "c")
    program(case, "a", "d")
    said = case.compare()
    assert (
        said.index("+d")
        < said.index("+b")
        < said.index("+a")
        < said.index("main")
        < said.index("-a")
        < said.index("-d")
    )


def test_cycles(case):
    for name in "xyz":
        library(case, name)
    library(case, "y", "z")
    library(case, "x", "y")
    library(case, "z", "x")
    library(case, "w")
    program(case, "w", "x")
    assert case.compare().count("+") == 4


def test_independent_libraries(case):
    for name in "abcde":
        library(case, name)
    program(case, *"cadbe")
    assert case.compare().count("-") == 5


def test_one_that_must_be_first(case):
    for name in "dcba":
        library(case, name, *{"d": "", "c": "d", "b": "c", "a": "b"}[name], link=("-z", "now"))
    program(case, "a")
    assert case.compare().startswith("+d +c +b +a main")
    set_tag(case.folder / "lib_b.so", DT_FLAGS_1, 1 | DF_1_INITFIRST)
    assert case.compare().startswith("+b +d +c +a main")


def test_function_before_array(case):
    source = """
        void start(void) { say("init "); } void stop(void) { say("fini "); } long a(void) { return 1; }
        CONSTRUCTOR static void first(void) { say("array "); } DESTRUCTOR static void last(void) { say("~array "); }
        __attribute__((constructor(101))) static void early(void) { say("early "); }
        __attribute__((destructor(101))) static void late(void) { say("~late "); }"""
    case.library("lib_a.so", source, link=("-init=start", "-fini=stop"))
    case.program('long a(void); void test(void) { say("main "); a(); }', "lib_a.so")
    assert case.compare() == "init early array main ~array ~late fini "


def test_the_programs_own_preinit_comes_first(case):
    library(case, "a")
    case.program(
        'static void before(void) { say("before "); } __attribute__((section(".preinit_array"), used)) static void (*const entry)(void) = before; long a(void); void test(void) { say("main "); a(); }',
        "lib_a.so",
    )
    assert case.compare() == "before +a main -a "


def test_arguments_of_constructors(case):
    case.library(
        "lib_a.so",
        'CONSTRUCTOR static void up(int count, char **words, char **environment) { say_value("count", count); say(words[1]); say_value(" has", environment != 0); } long a(void) { return 1; }',
    )
    case.program("long a(void); void test(void) { a(); }", "lib_a.so")
    case.arguments = ("word",)
    assert case.compare() == "count 2\nword has 1\n"


def test_objects_opened_at_run_time(case):
    library(case, "c")
    library(case, "b", "c")
    library(case, "a", "c")
    case.program(
        """void *dlopen(const char *, int); int dlclose(void *);
        void test(void) {
            say("main "); void *a = dlopen("lib_a.so", 2); say("b: "); void *b = dlopen("lib_b.so", 2);
            say("close "); dlclose(a); say("again "); a = dlopen("lib_a.so", 2); say("close "); dlclose(b); say("end ");
        }""",
        "libc",
    )
    assert case.compare() == "main +c +a b: +b close -a again +a close -b end -a -c "

"""Names that the host itself defines (`define` in struct link_host): tests/rtld/ld defines host_answer and host_number,
and host_versioned for references to HOST_1 only. The machine's linker has none, so only ours is asked."""

import pytest

pytestmark = pytest.mark.compiler

DECLARE = "void *dlopen(const char *, int), *dlsym(void *, const char *), *dlvsym(void *, const char *, const char *);"
# What defines it here is only there when the program is linked.
STUB = "long host_versioned(void) { return 0; }"


def run(case, body: str, *needs: str, before: str = DECLARE, **environment: str) -> str:
    case.program(f"{before} void test(void) {{ {body} }}", *needs, "libc")
    outcome = case.run(case.ours, **environment)
    assert outcome.status == 0, outcome
    return outcome.output


def test_undefined_names_are_found_weak_or_not(case):
    case.library("liba.so", "long host_answer(void); long strong(void) { return host_answer() + 1; }")
    case.library(
        "libb.so",
        """
        long host_answer(void) __attribute__((weak)); extern long host_number __attribute__((weak));
        long weak(void) { return host_answer ? host_answer() : -1; }
        long data(void) { return &host_number ? host_number : -1; }
        """,
    )
    assert (
        run(
            case,
            """
        long strong(void), weak(void), data(void);
        say_value("strong", strong()); say_value("weak", weak()); say_value("data", data());
        """,
            "liba.so",
            "libb.so",
        )
        == "strong 43\nweak 42\ndata 17\n"
    )


def test_objects_come_before_the_host(case):
    case.library("liba.so", "long host_answer(void) { return 7; }")
    before = "long host_answer(void);"
    assert run(case, 'say_value("answer", host_answer());', "liba.so", before=before) == "answer 7\n"


def test_names_of_nothing_stay_undefined(case):
    weak = "long host_other(void) __attribute__((weak)); long other(void) { return host_other != 0; }"
    case.library("libo.so", weak)
    before = "long other(void);"
    assert run(case, 'say_value("other", other());', "libo.so", before=before) == "other 0\n"
    case.library("libo.so", "long host_other(void); long other(void) { return host_other(); }")
    refused = case.run(case.ours)
    assert refused.status == 127 and "host_other" in refused.errors and not refused.output


def test_versions_are_told_to_the_host(case):
    case.library("libv.so", STUB, versions="HOST_1 { global: *; };")
    case.library("libw.so", "long host_versioned(void); long call(void) { return host_versioned(); }", "libv.so")
    # At run time another object stands in its place, without versions and without the name.
    program = 'long call(void); void test(void) { say_value("versioned", call()); }'
    case.program(program, "libw.so", "libc")
    case.library("libv.so", "long nothing;")
    outcome = case.run(case.ours)
    assert outcome.status == 0 and outcome.output == "versioned 42\n", outcome
    before = "long host_versioned(void) __attribute__((weak));"
    assert run(case, 'say_value("unversioned", host_versioned != 0);', before=before) == "unversioned 0\n"


def test_thread_local_references_are_not_the_host_s(case):
    """A weak thread-local reference of that name stays 0 from the thread pointer's view; a strong one is refused."""
    case.library("libt.so", "extern _Thread_local long host_number; long get(void) { return host_number; }")
    case.program('long get(void); void test(void) { say_value("get", get()); }', "libt.so", "libc")
    refused = case.run(case.ours)
    assert refused.status == 127 and "host_number" in refused.errors and not refused.output


def test_dlsym_asks_the_host_last(case):
    case.library("liba.so", "long own(void) { return 1; }")
    assert (
        run(
            case,
            """
        void *a = dlopen("liba.so", 2);
        long (*f)(void) = dlsym((void *)0, "host_answer");
        say_value("default", f ? f() : -1);
        f = dlsym((void *)-1, "host_answer");
        say_value("next", f ? f() : -1);
        say_value("closure", dlsym(a, "host_answer") != 0);
        say_value("versioned", dlvsym((void *)0, "host_versioned", "HOST_1") != 0);
        say_value("other version", dlvsym((void *)0, "host_versioned", "HOST_2") != 0);
        say_value("unversioned", dlsym((void *)0, "host_versioned") != 0);
        """,
        )
        == "default 42\nnext 42\nclosure 0\nversioned 1\nother version 0\nunversioned 0\n"
    )


def test_what_is_opened_later_finds_them_too(case):
    case.library("liba.so", "long host_answer(void); long who(void) { return host_answer(); }")
    assert (
        run(case, 'long (*f)(void) = dlsym(dlopen("liba.so", 2), "who"); say_value("who", f ? f() : -1);') == "who 42\n"
    )


def test_bindings_name_the_host(case):
    case.library("liba.so", "long host_answer(void); long who(void) { return host_answer(); }")
    case.program("long who(void); void test(void) { who(); }", "liba.so", "libc")
    assert any(" host_answer - (host) 0x" in line for line in case.run(case.ours, LD_TRACE="1").errors.splitlines())

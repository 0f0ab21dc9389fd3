"""Thread-local storage, under glibc's dynamic linker and under ours."""

import pytest

from .elf_edit import PT_TLS, headers

THREADS = """
    void *dlopen(const char *, int), *dlsym(void *, const char *); int dlclose(void *);
    int pthread_create(void *, void *, void *(*)(void *), void *), pthread_join(void *, void *);
"""


def start_threads(case, source: str, *needs: str) -> None:
    case.program(THREADS + source, *needs, "libc")


@pytest.mark.parametrize("model", ["global-dynamic", "local-dynamic", "initial-exec"])
def test_access_models(case, model):
    flags = (f"-ftls-model={model}",)
    case.library(
        "liba.so",
        """
        __thread long a = 5, b, c[3] = {1, 2, 3}; static __thread long own = 7, zero;
        long sum(void) { return a + b + c[0] + c[1] + c[2] + own++ + zero; }
        long *where(void) { return &a; }""",
        flags=flags,
    )
    case.program(
        """
        extern __thread long a, c[3]; __thread long mine = 3; long sum(void), *where(void);
        void test(void) {
            say_value("sum", sum()); c[1] = 20; mine++; say_value("sum", sum());
            say_value("mine", mine); say_value("same", where() == &a);
        }""",
        "liba.so",
    )
    assert case.compare() == "sum 18\nsum 37\nmine 4\nsame 1\n"


def descriptors(case) -> tuple[str, ...]:
    return ("-mtls-dialect=gnu2",) if "gcc" in case.tools.name else ()


DESCRIPTOR = """
    .text
    .globl {name}
    .type {name}, @function
{name}:
    push %rbx
    lea {symbol}@tlsdesc(%rip), %rax
    call *{symbol}@tlscall(%rax)
    add %fs:0, %rax
    pop %rbx
    ret
    .section .note.GNU-stack, "", @progbits
"""


def test_descriptors(case):
    """Of modules that came with the program, of one that came later, of a weak symbol that is absent."""
    case.library("liba.so", "__thread long a = 5, b = 6;", assembly=DESCRIPTOR.format(name="where", symbol="b"))
    case.library(
        "libb.so",
        "__thread long x = 8; WEAK extern __thread long nobody;",
        assembly=DESCRIPTOR.format(name="inner", symbol="x"),
    )
    case.library("libweak.so", "", assembly=".weak nobody\n" + DESCRIPTOR.format(name="nothing", symbol="nobody"))
    start_threads(
        case,
        """
        long *where(void); extern __thread long b; WEAK extern __thread long nobody; char *nothing(void);
        void *other(void *inner) { long *x = ((long *(*)(void))inner)(); *x += 1; return (void *)(*x + *where()); }
        void test(void) {
            b = 60; say_value("b", *where()); say_value("same", where() == &b);
            void *lib = dlopen("libb.so", 2), *inner = dlsym(lib, "inner"), *thread, *result;
            long *x = ((long *(*)(void))inner)();
            say_value("x", *x); *x = 80;
            say_value("again", ((long *(*)(void))inner)() == x); say_value("by name", dlsym(lib, "x") == x);
            pthread_create(&thread, 0, other, inner); pthread_join(thread, &result);
            say_value("other thread", (long)result); say_value("x", *x);
            say_value("nothing", (long)nothing());
        }""",
        "liba.so",
        "libweak.so",
    )
    assert case.compare() == "b 60\nsame 1\nx 8\nagain 1\nby name 1\nother thread 15\nx 80\nnothing 0\n"


@pytest.mark.parametrize("align", [64, 256, 4096, 8192])
def test_alignment(case, align):
    case.library(
        "liba.so",
        f"__thread char pad = 1; __thread long a __attribute__((aligned({align}))) = 5; long at(void) {{ return ((long)&a) % {align} + a + pad; }}",
    )
    case.library(
        "libb.so",
        f"__thread long b __attribute__((aligned({align}))); __thread char after = 2; long bt(void) {{ return ((long)&b) % {align} + after; }}",
    )
    case.program(
        '__thread char odd[3] = "ab"; long at(void), bt(void); void test(void) { say_value("a", at()); say_value("b", bt()); say_value("odd", odd[1]); }',
        "liba.so",
        "libb.so",
    )
    assert case.compare() == "a 6\nb 2\nodd 98\n"


def test_a_misaligned_segment(case):
    """p_vaddr is no multiple of p_align: the block starts with the same remainder."""
    if case.tools.is_gnu_ld:
        pytest.skip("GNU ld aligns the segment, whatever the script says")
    layout = """
        SECTIONS {
            . = SIZEOF_HEADERS; .dynsym : { *(.dynsym) } .gnu.hash : { *(.gnu.hash) } .dynstr : { *(.dynstr) }
            .rela.dyn : { *(.rela.dyn) } .rela.plt : { *(.rela.plt) } .text : ALIGN(0x1000) { *(.text*) *(.plt*) }
            . = ALIGN(0x1000) + 0x18;
            .tdata : { *(.tdata*) } .tbss : { *(.tbss*) }
            .dynamic : ALIGN(16) { *(.dynamic) } .got : { *(.got*) } .data : { *(.data*) *(.bss*) }
        }"""
    (case.folder / "layout.ld").write_text(layout)
    source = """
        __thread long a = 5, c = 7; __thread long b __attribute__((aligned(64)));
        long at(void) { b += 6; return ((long)&b) % 64 * 1000 + a * 100 + c * 10 + b; }"""
    library = case.library("liba.so", source, link=("-T", "layout.ld"))
    (tls,) = [header for _, header in headers(library.read_bytes()) if header[0] == PT_TLS]
    assert tls[3] % tls[7] != 0, "the linker aligned it after all"
    case.program(
        '__thread char x = 1; long at(void); void test(void) { say_value("at", at()); say_value("x", x); }', "liba.so"
    )
    assert case.compare() == "at 576\nx 1\n"


def test_only_zeroed_data(case):
    case.library("liba.so", "__thread long a[100]; long sum(void) { a[99]++; return a[99] + a[0]; }")
    case.program('long sum(void); void test(void) { sum(); say_value("sum", sum()); }', "liba.so")
    assert case.compare() == "sum 2\n"


def test_a_library_that_comes_later_has_room_at_a_fixed_offset(case):
    case.library(
        "liba.so",
        "__thread long a = 5, b[20]; long sum(void) { b[3]++; return a + b[3]; }",
        flags=("-ftls-model=initial-exec",),
    )
    start_threads(
        case,
        """
        void *other(void *sum) { return (void *)((long (*)(void))sum)(); }
        void test(void) {
            void *lib = dlopen("liba.so", 2), *thread, *result;
            long (*sum)(void) = dlsym(lib, "sum");
            sum(); say_value("sum", sum());
            pthread_create(&thread, 0, other, sum); pthread_join(thread, &result); say_value("other", (long)result);
        }""",
    )
    assert case.compare() == "sum 7\nother 6\n"


def test_room_at_fixed_offsets_is_given_back(case):
    """And a library that takes the place, or the module number, of one that went, sees nothing of it."""
    case.library(
        "liba.so",
        "__thread long a = 5, b[20]; long bump(void) { b[3]++; return a++ + b[3]; }",
        flags=("-ftls-model=initial-exec",),
    )
    case.library("libb.so", "__thread long c = 8, d[20]; long bump(void) { d[3]++; return c++ + d[3]; }")
    start_threads(
        case,
        """
        static long once(const char *name) {
            void *lib = dlopen(name, 2);
            if (!lib) return -1;
            long (*bump)(void) = dlsym(lib, "bump"), first = bump(), second = bump();
            return dlclose(lib) ? -2 : first * 100 + second;
        }
        void test(void) {
            long sum = 0;
            for (int i = 0; i < 100; i++) sum += once("liba.so");
            say_value("fixed", sum);
            for (int i = 0; i < 3; i++) { say_value("other", once("libb.so")); say_value("fixed", once("liba.so")); }
        }""",
    )
    expected = "other 911\nfixed 608\n" * 3
    assert case.compare() == f"fixed 60800\n{expected}"


def test_a_library_that_wants_more_than_the_room(case):
    case.library(
        "liba.so", "__thread long a[10000]; long sum(void) { return a[5]; }", flags=("-ftls-model=initial-exec",)
    )
    case.program(THREADS + 'void test(void) { say_value("opened", dlopen("liba.so", 2) != 0); }', "libc")
    assert case.compare() == "opened 0\n"


def test_threads_that_exist_already(case):
    """Modules that come and go while a thread runs: each thread has its own fresh block of each."""
    for name, value in (("a", 1), ("b", 2)):
        case.library(
            f"lib{name}.so",
            f"__thread long data = {value}, zero; long bump(void) {{ zero++; return data++ * 10 + zero; }}",
        )
    start_threads(
        case,
        """
        static volatile long step; static long (*volatile bump)(void);
        static void wait(long wanted) { while (step != wanted) ; }
        void *other(void *none) {
            long results = 0;
            for (long i = 0; i < 3; i++) { wait(2 * i + 1); bump(); results = results * 100 + bump(); step = 2 * i + 2; }
            return (void *)results;
        }
        void test(void) {
            void *thread, *result;
            pthread_create(&thread, 0, other, 0);
            const char *names[] = {"liba.so", "libb.so", "liba.so"};
            for (long i = 0; i < 3; i++) {
                void *lib = dlopen(names[i], 2);
                bump = dlsym(lib, "bump");
                say_value("mine", bump());
                step = 2 * i + 1; wait(2 * i + 2);
                say_value("mine", bump());
                dlclose(lib);
            }
            pthread_join(thread, &result); say_value("other", (long)result);
        }""",
    )
    assert case.compare() == "mine 11\nmine 22\nmine 21\nmine 32\nmine 11\nmine 22\nother 223222\n"

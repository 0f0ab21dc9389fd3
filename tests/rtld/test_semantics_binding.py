"""Who is bound to whom: each program tells what it sees, under glibc's dynamic linker and under ours."""

from .elf_edit import DF_SYMBOLIC, set_dynamic_flag

MUSL_AGREES = True


def test_weak_undefined_is_zero(case):
    case.library(
        "liba.so", "WEAK extern int absent; WEAK void gone(void); long a(void) { return &absent == 0 && !gone; }"
    )
    case.program(
        'long a(void); WEAK int nobody; WEAK void no(void); void test(void) { say_value("a", a()); say_value("p", no == 0); }',
        "liba.so",
    )
    assert case.compare() == "a 1\np 1\n"


def test_the_first_definition_wins_weak_or_strong(case):
    case.library("liba.so", "WEAK long who(void) { return 1; }")
    case.library(
        "libb.so", "long who(void) { return 2; } long b(void) { return who(); }", flags=("-fsemantic-interposition",)
    )
    case.program(
        'long who(void), b(void); void test(void) { say_value("who", who()); say_value("b", b()); }',
        "liba.so",
        "libb.so",
    )
    assert case.compare() == "who 1\nb 1\n"


def test_breadth_first(case):
    case.library("libd.so", "long who(void) { return 4; }")
    case.library("libb.so", "long who(void); long b(void) { return who(); }", "libd.so")
    case.library("libc1.so", "long who(void) { return 3; }")
    case.program(
        'long b(void), who(void); void test(void) { say_value("b", b()); say_value("who", who()); }',
        "libb.so",
        "libc1.so",
    )
    assert case.compare() == "b 3\nwho 3\n"


def test_the_program_and_preloaded_objects_interpose(case):
    case.library(
        "liba.so",
        "long x(void) { return 1; } long y(void) { return 1; } long a(void) { return 10 * x() + y(); }",
        flags=("-fsemantic-interposition",),
    )
    case.library("libpre.so", "long x(void) { return 2; } long y(void) { return 2; }")
    case.program('long a(void); long x(void) { return 3; } void test(void) { say_value("a", a()); }', "liba.so")
    assert case.compare() == "a 31\n"
    assert case.compare(preload="libpre.so") == "a 32\n"


def test_symbolic_objects_prefer_themselves(case):
    source = "long who(void) { return 1; } long value = 5; long %s(void) { return who() * 10 + *&value; }"
    case.library("liba.so", source % "a", flags=("-fsemantic-interposition",), link=("-Bsymbolic",))
    case.library("libb.so", source % "b", flags=("-fsemantic-interposition",))
    case.program(
        'long a(void), b(void); long who(void) { return 2; } long value = 6; void test(void) { say_value("a", a()); say_value("b", b()); }',
        "liba.so",
        "libb.so",
    )
    assert case.compare() == "a 15\nb 26\n"


def test_a_symbolic_flag_alone_is_enough(case):
    """-Bsymbolic usually leaves no symbol to bind; here one is left, and only the flag says what it means."""
    case.musl = False  # musl does not look at DF_SYMBOLIC
    table = '.section .data.rel,"aw"\n.globl table\n.hidden table\n.balign 8\ntable: .quad who\n'
    source = "long who(void) { return 1; } HIDDEN extern long (*table[])(void); long a(void) { return table[0](); }"
    case.library("liba.so", source, assembly=table, link=("-z", "now"))
    case.program('long a(void); long who(void) { return 2; } void test(void) { say_value("a", a()); }', "liba.so")
    assert case.compare() == "a 2\n"
    set_dynamic_flag(case.folder / "liba.so", DF_SYMBOLIC)
    assert case.compare() == "a 1\n"


def test_hidden_and_local_definitions_are_not_seen(case):
    case.library(
        "liba.so",
        "HIDDEN long who(void) { return 1; } static long local(void) { return 1; } long a(void) { return who() + local(); }",
    )
    case.library("libb.so", "long who(void) { return 2; } long local(void) { return 2; }")
    case.program(
        'long who(void), local(void), a(void); void test(void) { say_value("who", who()); say_value("local", local()); say_value("a", a()); }',
        "liba.so",
        "libb.so",
    )
    assert case.compare() == "who 2\nlocal 2\na 2\n"


def test_protected_definitions(case):
    """Others may interpose what they see, the object itself keeps its own."""
    case.library(
        "liba.so",
        "PROTECTED long who(void) { return 1; } PROTECTED long value = 1; long (*where(void))(void) { return who; } long a(void) { return who() * 10 + value; }",
    )
    case.program(
        'long a(void); long (*where(void))(void); long who(void) { return 2; } long value = 2; void test(void) { say_value("a", a()); say_value("who", who()); say_value("same", where() == who); say_value("where", where()()); }',
        "liba.so",
    )
    assert case.compare().startswith("a 11\nwho 2\nsame 0\n")


def test_a_protected_reference_in_a_table(case):
    """The relocation names the protected symbol, so the dynamic linker decides."""
    case.musl = False  # musl searches for protected symbols as for others
    table = '.section .data.rel,"aw"\n.globl table\n.hidden table\n.balign 8\ntable: .quad who\n.quad value\n'
    case.library(
        "liba.so",
        "PROTECTED long who(void) { return 1; } PROTECTED long value = 1; extern long table[]; long a(void) { return ((long (*)(void))table[0])() * 10 + *(long *)table[1]; }",
        assembly=table,
    )
    case.program(
        'long a(void); long who(void) { return 2; } long value = 2; void test(void) { say_value("a", a()); }', "liba.so"
    )
    assert case.compare() == "a 11\n"


def test_copied_data(case):
    """A program without position-independent code has the library's variable; everybody uses that one."""
    case.library("libfirst.so", "long other = 7;")
    case.library(
        "liba.so",
        "extern long other; long value[3] = {1, 2, 3}; long *pointer = &value[1]; long *where(void) { return value; } void set(void) { value[2] = 30; }",
        "libfirst.so",
        flags=("-fsemantic-interposition",),
    )
    case.program(
        'extern long value[3], *pointer; long *where(void); void set(void); void test(void) { say_value("sum", value[0] + value[1] + value[2]); set(); say_value("third", value[2]); say_value("same", where() == value); say_value("pointer", *pointer); say_value("inside", pointer == value + 1); }',
        "liba.so",
        flags=no_pic(case),
        link=("-no-pie",),
    )
    assert case.compare() == "sum 6\nthird 30\nsame 1\npointer 2\ninside 1\n"


NO_PIC = ("-fno-pic", "-fno-pie")


def no_pic(case):
    return NO_PIC if "gcc" in case.tools.name else (*NO_PIC, "-fdirect-access-external-data")


def test_a_copy_comes_from_the_next_definition(case):
    case.library("liba.so", "WEAK long value = 1;")
    case.library("libb.so", "long value = 2; long b(void) { return value; }", flags=("-fsemantic-interposition",))
    case.program(
        'extern long value; long b(void); void test(void) { say_value("value", value); say_value("b", b()); }',
        "liba.so",
        "libb.so",
        flags=no_pic(case),
        link=("-no-pie",),
    )
    assert case.compare() == "value 1\nb 1\n"


def test_the_address_of_a_function_is_one_for_all(case):
    """The program's PLT entry is the function's address, for the library too, but calls do not go there."""
    case.library(
        "liba.so",
        "long who(void) { return 1; } long (*where(void))(void) { return who; } long a(void) { return who(); }",
        flags=("-fsemantic-interposition",),
    )
    case.program(
        'long who(void), a(void); long (*where(void))(void); void test(void) { say_value("same", where() == who); say_value("call", where()()); say_value("a", a()); }',
        "liba.so",
        flags=no_pic(case),
        link=("-no-pie",),
    )
    assert case.compare() == "same 1\ncall 1\na 1\n"


UNIQUE = """
    .data
    .globl counter
    .type counter, @gnu_unique_object
    .size counter, 8
    .balign 8
counter: .quad {value}
"""


def test_unique_symbols(case):
    """One object for the process, even between two libraries that were opened apart."""
    case.musl = False  # musl has no unique symbols
    for name, value in (("a", 1), ("b", 2)):
        case.library(
            f"lib{name}.so",
            f"extern long counter; long {name}(void) {{ return counter++; }}",
            assembly=UNIQUE.format(value=value),
        )
    case.program(
        """
        void *dlopen(const char *, int), *dlsym(void *, const char *);
        void test(void) {
            long (*a)(void) = dlsym(dlopen("liba.so", 2), "a"), (*b)(void) = dlsym(dlopen("libb.so", 2), "b");
            say_value("a", a()); say_value("b", b()); say_value("a", a());
        }""",
        "libc",
    )
    if case.tools.name == "hermetic" or "lld" in case.tools.name:
        assert case.compare()  # lld may turn the symbol into a plain global one
    else:
        assert case.compare() == "a 1\nb 2\na 3\n"


def test_absolute_symbols_do_not_move(case):
    case.musl = False  # musl finds no symbol whose value is 0
    case.library(
        "liba.so",
        "long a(void) { return 0; }",
        assembly=".globl number\nnumber = 0x1234\n.globl nothing\nnothing = 0\n",
    )
    case.program(
        'extern char number[], nothing[]; long a(void); void test(void) { say_value("number", (long)number); say_value("nothing", (long)nothing); a(); }',
        "liba.so",
    )
    assert case.compare() == "number 4660\nnothing 0\n"


def test_sizes_and_distances(case):
    case.musl = False  # musl has no R_X86_64_SIZE
    words = """
    .section .data.rel, "aw"
    .globl size, size32, distance32
    .balign 8
size: .quad array@SIZE + 1
size32: .long array@SIZE
distance32: .long array + 8 - .
    """
    case.library("liba.so", "long array[5] = {9, 8, 7};")
    case.program(
        """extern long array[5], size; extern int size32, distance32; void test(void) {
        say_value("size", size); say_value("size32", size32);
        say_value("distance32", *(long *)((char *)&distance32 + distance32)); }""",
        "liba.so",
        assembly=words,
    )
    assert case.compare() == "size 41\nsize32 40\ndistance32 8\n"


def test_long_distances(case):
    """R_X86_64_PC64, which glibc's linker does not know."""
    case.library("liba.so", "long array[5] = {9, 8, 7};")
    words = '.section .data.rel, "aw"\n.globl distance\n.balign 8\ndistance: .quad array + 8 - .\n'
    case.program(
        'extern long distance; void test(void) { say_value("value", *(long *)((char *)&distance + distance)); }',
        "liba.so",
        assembly=words,
    )
    case.says("value 8\n")


def test_unaligned_words(case):
    case.library("liba.so", "long value = 5;")
    case.program(
        'extern char packed[]; void test(void) { long *p; __builtin_memcpy(&p, packed + 3, 8); say_value("value", *p); __builtin_memcpy(&p, packed + 11, 8); say_value("own", *p); }',
        "liba.so",
        assembly='.section .data.rel,"aw"\n.globl packed\npacked: .byte 1,2,3\n.quad value\n.quad own\n.balign 8\nown: .quad 6\n',
    )
    assert case.compare() == "value 5\nown 6\n"


def test_the_gabi_hash_table_alone(case):
    case.library("liba.so", "long who(void) { return 1; } long value = 2;", link=("--hash-style=sysv",))
    case.library("libb.so", "static long nothing; long *local(void);", link=("--hash-style=sysv",))
    case.program(
        'long who(void); extern long value; void test(void) { say_value("who", who()); say_value("value", value); }',
        "liba.so",
        "libb.so",
        link=("-pie", "--hash-style=sysv"),
    )
    assert case.compare() == "who 1\nvalue 2\n"


def test_many_symbols_in_both_tables(case):
    names = [f"name_{i * 7919 % 1000}_{i}" for i in range(400)]
    source = "".join(f"long {name} = {i}; " for i, name in enumerate(names))
    program = (
        "".join(f"extern long {name}; " for name in names)
        + "void test(void) { long sum = 0;"
        + "".join(f"sum = sum * 3 + {name};" for name in names)
        + 'say_value("sum", sum); }'
    )
    outputs = set()
    for style in ("gnu", "sysv", "both"):
        case.library("liba.so", source, link=(f"--hash-style={style}",))
        case.program(program, "liba.so")
        outputs.add(case.compare())
    assert len(outputs) == 1


IFUNCS = """
    static long one(void) { return 1; } static long two(void) { return 2; }
    static void *choose(void) { CHOICE }
    long shared(void) __attribute__((ifunc("choose")));
    static long own(void) __attribute__((ifunc("choose")));
    long (*table[])(void) = {shared, own};
    long a(void) { return shared() * 10 + own(); }
"""
USE_IFUNCS = """
    long shared(void), a(void); extern long (*table[])(void); long (*mine)(void) = shared;
    void test(void) {
        say_value("shared", shared());
        say_value("a", a());
        say_value("table", table[0]() * 10 + table[1]());
        say_value("mine", mine());
        say_value("same", mine == table[0]);
    }
"""


def test_indirect_functions(case):
    """Exported, local, through data."""
    case.musl = False  # musl has no IFUNC
    case.library("liba.so", IFUNCS.replace("CHOICE", "return one;"))
    case.program(USE_IFUNCS, "liba.so")
    assert case.compare() == "shared 1\na 11\ntable 11\nmine 1\nsame 1\n"


def test_a_resolver_may_use_everything(case):
    """Its object's other relocations are done, and what it needs is resolved. (glibc's linker crashes here.)"""
    inner = "static long two(void) { return 2; } static void *pick(void) { return two; }"
    case.library("libchoice.so", f'{inner} long inner(void) __attribute__((ifunc("pick")));')
    choice = "return inner() == 2 && value == 5 ? (void *)one : (void *)two;"
    source = "long inner(void); long value = 5;" + IFUNCS.replace("CHOICE", choice)
    case.library("liba.so", source, "libchoice.so", flags=("-fsemantic-interposition",))
    case.program(USE_IFUNCS, "liba.so")
    case.says("shared 1\na 11\ntable 11\nmine 1\nsame 1\n")


def test_a_resolver_that_returns_nothing(case):
    case.musl = False  # musl has no IFUNC
    case.library(
        "liba.so",
        'static void *choose(void) { return 0; } long shared(void) __attribute__((ifunc("choose"))); long a(void) { return shared == 0; }',
    )
    case.program('long a(void); void test(void) { say_value("a", a()); }', "liba.so")
    case.compare()


def test_relative_words_packed_and_plain(case):
    case.musl = False  # musl 1.2.3 knows no RELR
    packing = ("-z", "pack-relative-relocs") if case.tools.name.startswith("gcc") else ("--pack-dyn-relocs=relr",)
    source = (
        "static int x[100]; struct { long gap; int *here; } sparse[70] = {"
        + ", ".join(f"{{{i}, &x[{i}]}}" for i in range(70))
        + "}; int *dense[200] = {"
        + ", ".join(f"&x[{i % 100}]" for i in range(200))
        + "}; long a(void) { long good = 0; for (int i = 0; i < 70; i++) good += sparse[i].here == &x[i] && sparse[i].gap == i; for (int i = 0; i < 200; i++) good += dense[i] == &x[i % 100]; return good; }"
    )
    for flags in ((), packing):
        case.library("liba.so", source, link=flags)
        case.program('long a(void); void test(void) { say_value("good", a()); }', "liba.so", link=("-pie", *flags))
        case.says("good 270\n")
    # GNU ld demands GLIBC_ABI_DT_RELR for the machine's, which a program without libc does not have.
    if not case.tools.is_gnu_ld:
        case.compare()

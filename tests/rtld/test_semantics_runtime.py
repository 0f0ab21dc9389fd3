"""dlopen and its relatives, under glibc's dynamic linker and under ours."""

DECLARE = """
    void *dlopen(const char *, int), *dlsym(void *, const char *); int dlclose(void *); char *dlerror(void);
    enum { LAZY = 1, NOW, NOLOAD = 4, DEEPBIND = 8, GLOBAL = 0x100, NODELETE = 0x1000 };
    static long call(void *handle, const char *name) {
        long (*f)(void) = dlsym(handle, name);
        return f ? f() : -1;
    }
"""


def run(case, body: str, *needs: str, before: str = "") -> str:
    case.program(f"{DECLARE}{before} void test(void) {{ {body} }}", *needs, "libc")
    return case.compare()


def test_open_look_up_close(case):
    case.library("liba.so", "long value = 5; long who(void) { return value++; }")
    assert (
        run(
            case,
            """
        void *a = dlopen("liba.so", NOW), *again = dlopen("liba.so", NOW);
        say_value("same", a == again); say_value("who", call(a, "who")); say_value("value", *(long *)dlsym(a, "value"));
        say_value("missing", dlsym(a, "missing") == 0); say_value("error", dlerror() != 0); say_value("error", dlerror() != 0);
        dlclose(again); say_value("still", dlopen("liba.so", NOW | NOLOAD) == a);
        dlclose(a); dlclose(a); say_value("gone", dlopen("liba.so", NOW | NOLOAD) == 0);
        a = dlopen("liba.so", NOW); say_value("fresh", call(a, "who"));
        """,
        )
        == "same 1\nwho 5\nvalue 6\nmissing 1\nerror 1\nerror 0\nstill 1\ngone 1\nfresh 5\n"
    )


def test_what_is_not_there(case):
    case.library("libneedy.so", "long absent(void); long who(void) { return absent(); }")
    case.library("libgone.so", "long gone(void) { return 1; }")
    case.library("libmiss.so", "long gone(void); long who(void) { return gone(); }", "libgone.so")
    (case.folder / "libgone.so").unlink()
    (case.folder / "libtext.so").write_text("no ELF file, but long enough for a header, if only its words were others")
    assert (
        run(
            case,
            """
        const char *names[] = {"libnone.so", "libneedy.so", "libmiss.so", "libtext.so", "./none/such.so"};
        for (int i = 0; i < 5; i++) { say_value("opened", dlopen(names[i], NOW) != 0); say_value("error", dlerror() != 0); }
        say_value("left", dlopen("libneedy.so", NOW | NOLOAD) != 0);
        """,
        )
        == "opened 0\nerror 1\n" * 5 + "left 0\n"
    )


def test_local_and_global(case):
    case.library("liba.so", "long who(void) { return 1; }")
    case.library("libb.so", "long who(void); long ask(void) { return who(); }", link=("--allow-shlib-undefined",))
    assert (
        run(
            case,
            """
        void *a = dlopen("liba.so", NOW);
        say_value("default", call(0, "who")); say_value("b", dlopen("libb.so", NOW) != 0);
        say_value("promoted", dlopen("liba.so", NOW | GLOBAL) == a);
        say_value("default", call(0, "who")); say_value("ask", call(dlopen("libb.so", NOW), "ask"));
        """,
        )
        == "default -1\nb 0\npromoted 1\ndefault 1\nask 1\n"
    )


def test_a_group_sees_itself(case):
    """Opened together, they are bound to each other, and to what the program has before that."""
    case.library("libd.so", "long inner(void) { return 4; } long both(void) { return 4; }")
    case.library("libe.so", "long inner(void) { return 5; }")
    case.library("liba.so", "long inner(void), both(void); long ask(void) { return inner() * 10 + both(); }", "libd.so")
    assert (
        run(
            case,
            """
        dlopen("libe.so", NOW);
        say_value("ask", call(dlopen("liba.so", NOW), "ask"));
        """,
            before="long both(void) { return 1; }",
        )
        == "ask 41\n"
    )


def test_deep_binding(case):
    case.library(
        "liba.so", "long who(void) { return 2; } long ask(void) { return who(); }", flags=("-fsemantic-interposition",)
    )
    case.library(
        "libb.so", "long who(void) { return 3; } long ask(void) { return who(); }", flags=("-fsemantic-interposition",)
    )
    assert (
        run(
            case,
            """
        say_value("plain", call(dlopen("liba.so", NOW), "ask")); say_value("deep", call(dlopen("libb.so", NOW | DEEPBIND), "ask"));
        """,
            before="long who(void) { return 1; }",
        )
        == "plain 1\ndeep 3\n"
    )


def test_handles_search_breadth_first(case):
    case.library("libd.so", "long deep(void) { return 4; } long who(void) { return 4; }")
    case.library("libb.so", "long b(void) { return 2; } long deep(void);  long use(void) { return deep(); }", "libd.so")
    case.library("libc1.so", "long who(void) { return 3; }")
    case.library("liba.so", "long b(void), who(void); long a(void) { return b() + who(); }", "libb.so", "libc1.so")
    assert (
        run(
            case,
            """
        void *a = dlopen("liba.so", NOW), *b = dlopen("libb.so", NOW), *self = dlopen(0, NOW);
        say_value("a", call(a, "who")); say_value("b", call(b, "who")); say_value("deep", call(a, "deep"));
        say_value("self", call(self, "who")); say_value("own", call(self, "mine")); say_value("above", call(b, "a"));
        """,
            before="long mine(void) { return 9; }",
        )
        == "a 3\nb 4\ndeep 4\nself -1\nown 9\nabove -1\n"
    )


def test_the_next_definition(case):
    case.library("libz.so", "long who(void) { return 5; }")
    source = 'void *dlsym(void *, const char *); long who(void) { return %d + 10 * ((long (*)(void))dlsym((void *)-1, "who"))(); }'
    case.library("libb.so", source % 2, "libc")
    case.library("liba.so", source % 1, "libc")
    assert (
        run(
            case,
            'say_value("who", who()); say_value("next", call((void *)-1, "who"));',
            "liba.so",
            "libb.so",
            "libz.so",
            before="long who(void);",
        )
        == "who 521\nnext 521\n"
    )


def test_default_from_inside_a_group(case):
    case.library("libd.so", "long inner(void) { return 4; }")
    case.library(
        "liba.so",
        'void *dlsym(void *, const char *); long inner(void); long use(void) { return inner(); } long ask(void) { return dlsym(0, "inner") != 0; }',
        "libd.so",
        "libc",
    )
    assert (
        run(case, 'say_value("ask", call(dlopen("liba.so", NOW), "ask")); say_value("mine", dlsym(0, "inner") != 0);')
        == "ask 1\nmine 0\n"
    )


def test_what_never_goes(case):
    case.library("liba.so", 'DESTRUCTOR static void down(void) { say("-a "); } long who(void) { return 1; }')
    case.library(
        "libb.so",
        'DESTRUCTOR static void down(void) { say("-b "); } long who(void) { return 1; }',
        link=("-z", "nodelete"),
    )
    case.library("libc1.so", 'DESTRUCTOR static void down(void) { say("-c "); } long who(void) { return 1; }')
    assert run(
        case,
        """
        void *a = dlopen("liba.so", NOW | NODELETE), *b = dlopen("libb.so", NOW), *c = dlopen("libc1.so", NOW);
        dlclose(a); dlclose(b); dlclose(c); say("closed ");
        say_value("a", dlopen("liba.so", NOW | NOLOAD) == a); say_value("b", dlopen("libb.so", NOW | NOLOAD) == b);
        """,
    ).startswith("-c closed a 1\nb 1\n")


def test_a_binding_keeps_its_provider(case):
    """libb has no DT_NEEDED for liba, but was bound to it: closing liba must not take it away."""
    case.library("liba.so", 'DESTRUCTOR static void down(void) { say("-a "); } long who(void) { return 7; }')
    case.library(
        "libb.so",
        'DESTRUCTOR static void down(void) { say("-b "); } long who(void); long ask(void) { return who(); }',
        link=("--allow-shlib-undefined",),
    )
    assert (
        run(
            case,
            """
        void *a = dlopen("liba.so", NOW | GLOBAL), *b = dlopen("libb.so", NOW);
        dlclose(a); say_value("ask", call(b, "ask")); dlclose(b); say("end ");
        """,
        )
        == "ask 7\n-b -a end "
    )


def test_one_library_of_two_groups(case):
    case.library("libd.so", 'DESTRUCTOR static void down(void) { say("-d "); } long who(void) { return 4; }')
    for name in "ab":
        case.library(
            f"lib{name}.so",
            f'DESTRUCTOR static void down(void) {{ say("-{name} "); }} long who(void); long ask(void) {{ return who(); }}',
            "libd.so",
        )
    assert (
        run(
            case,
            """
        void *a = dlopen("liba.so", NOW), *b = dlopen("libb.so", NOW), *d = dlopen("libd.so", NOW);
        dlclose(a); say("1 "); dlclose(d); say("2 "); say_value("ask", call(b, "ask")); dlclose(b); say("3 ");
        say_value("left", dlopen("libd.so", NOW | NOLOAD) != 0);
        """,
        )
        == "-a 1 2 ask 4\n-b -d 3 left 0\n"
    )


def test_memory_is_given_back(case):
    case.library("liba.so", "char space[1 << 20]; long who(void) { return space[5]; }")
    assert (
        run(
            case,
            """
        for (int i = 0; i < 200; i++) {
            void *a = dlopen("liba.so", NOW); call(a, "who");
            dlclose(a);
        }
        void *a = dlopen("liba.so", NOW), *where = dlsym(a, "space");
        say_value("mapped", is_mapped(where));
        dlclose(a);
        say_value("unmapped", !is_mapped(where));
        """,
        )
        == "mapped 1\nunmapped 1\n"
    )


def test_an_address_back_to_its_name(case):
    case.library(
        "liba.so",
        "static long hidden(void) { return 1; } long who(void) { return hidden(); } long value[4]; long (*inner(void))(void) { return hidden; }",
    )
    assert (
        run(
            case,
            """
        struct { const char *file; void *base; const char *name; void *address; } info;
        void *a = dlopen("liba.so", NOW), *who = dlsym(a, "who"), *value = dlsym(a, "value");
        say_value("found", dladdr((char *)who + 1, &info)); say(info.name); say_value(" is", info.address == who);
        say_value("found", dladdr((char *)value + 31, &info)); say(info.name); say_value(" is", info.address == value);
        say_value("based", *(unsigned *)info.base == 0x464c457f);
        const char *end = info.file; while (*end) end++; say(end - 7); say("\\n");
        say_value("nowhere", dladdr((void *)16, &info));
        """,
            before="int dladdr(const void *, void *);",
        )
        == "found 1\nwho is 1\nfound 1\nvalue is 1\nbased 1\nliba.so\nnowhere 0\n"
    )


def test_program_headers_of_all_objects(case):
    case.library("liba.so", "__thread long data = 5; long who(void) { return data; }")
    before = """
        struct info { unsigned long base; const char *name; const struct { unsigned type, flags; unsigned long offset, address, physical, file, memory, align; } *headers; unsigned short count; unsigned long adds, subs, module; void *data; };
        int dl_iterate_phdr(int (*)(struct info *, unsigned long, void *), void *);
        static long loads, named, tls;
        static int each(struct info *info, unsigned long size, void *wanted) {
            for (int i = 0; i < info->count; i++) {
                loads += info->headers[i].type == 1 && info->name[0] == 0;
                tls += info->headers[i].type == 7 && info->module != 0;
            }
            const char *end = info->name; while (*end) end++;
            named += end - info->name > 6 && end[-4] == 'a' && end[-7] == 'l';
            return info->name[0] && wanted ? 42 : 0;
        }"""
    assert run(
        case,
        """
        say_value("end", dl_iterate_phdr(each, 0)); say_value("loads", loads > 1); say_value("named", named);
        void *a = dlopen("liba.so", NOW); call(a, "who"); named = tls = 0;
        say_value("end", dl_iterate_phdr(each, 0)); say_value("named", named); say_value("tls", tls > 0);
        say_value("stopped", dl_iterate_phdr(each, &loads));
        """,
        before=before,
    ).startswith("end 0\nloads 1\nnamed 0\nend 0\nnamed 1\ntls 1\nstopped 42\n")


def test_constructors_may_open(case):
    case.library("libb.so", 'CONSTRUCTOR static void up(void) { say("+b "); } long who(void) { return 2; }')
    case.library(
        "liba.so",
        'void *dlopen(const char *, int); CONSTRUCTOR static void up(void) { say("+a( "); dlopen("libb.so", 2); say(") "); } long who(void) { return 1; }',
        "libc",
    )
    assert run(case, 'say("main "); say_value("who", call(dlopen("liba.so", NOW), "who"));') == "main +a( +b ) who 1\n"


def test_one_file_with_two_names(case):
    case.library("liba.so", "long who(void) { return 1; }")
    (case.folder / "other.so").hardlink_to(case.folder / "liba.so")
    assert (
        run(
            case,
            'void *a = dlopen("liba.so", NOW); say_value("same", dlopen("other.so", NOW) == a); say_value("path", dlopen("./liba.so", NOW) == a);',
        )
        == "same 1\npath 1\n"
    )

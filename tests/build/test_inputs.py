"""Inputs that compilers do not list, paths as the file system resolves them, files that change or do not: after each
change the bytes are those of a build from scratch."""

import os
import shutil

import pytest

from .inputs import ASSEMBLY, compiled, has, holding, libraries, library

EMBED = "const char x[] = {\n#embed \"data/p.bin\"\n};\n"


def test_embed(tree):
    if tree.compiler != "hermetic":
        pytest.skip(f"{tree.compiler} may not know #embed")
    tree.write("x.c", EMBED)
    tree.write("data/one", "payload-one")
    tree.write("data/two", "payload-two")
    (tree.folder / "data/p.bin").symlink_to("one")
    library(tree, ["x.c"], "flags=['-std=c23']")
    tree.good()
    assert has(tree, b"payload-one")
    (tree.folder / "data/p.bin").unlink()
    (tree.folder / "data/p.bin").symlink_to("two")
    tree.good()
    assert has(tree, b"payload-two")
    tree.write("data/two", "payload-six")
    tree.good()
    assert has(tree, b"payload-six")
    moved = tree.folder.with_name("moved")
    tree.folder.rename(moved)
    tree.folder = moved
    assert compiled(tree) == []


PROBES = {
    "quotes": '#if __has_include("opt.h")',
    "brackets": "#if defined(__has_include) && __has_include ( <opt.h> )",
    "next": "#if __has_include_next(<opt.h>)",
    "a macro": "#define OPTION <opt.h>\n#if __has_include(OPTION)",
    "a macro of a macro": '#define OPT "opt.h"\n#define OPTION OPT\n#if __has_include(OPTION)',
    "a macro with a parameter": "#define HAS(x) __has_include(x)\n#if HAS(<opt.h>)",
    "a folder": '#if __has_include("opt/opt.h")',
}


def test_headers_that_appear_after_they_were_asked_for(tree):
    answer = '\n#define ANSWER "answer-yes"\n#else\n#define ANSWER "answer-no"\n#endif\n'
    cases = {
        case: {"x.c": "#include <ask.h>\nconst char x[] = ANSWER;\n", "inc/ask.h": text + answer, "last/other.h": ""}
        for case, text in PROBES.items()
    }
    libraries(tree, cases, "includes=['{0}/inc', '{0}/last']")
    tree.good()
    assert holding(tree, cases, b"answer-no") == list(cases)
    names = [f"{number}/last/{'opt/' if case == 'a folder' else ''}opt.h" for number, case in enumerate(cases)]
    for name in names:
        tree.write(name, "")
    tree.good()
    assert holding(tree, cases, b"answer-yes") == list(cases) and not holding(tree, cases, b"answer-no")
    for name in names:
        (tree.folder / name).unlink()
    assert compiled(tree) == []  # from the cache
    assert holding(tree, cases, b"answer-no") == list(cases)
    for name in names:
        tree.write(name, "")
    shutil.rmtree(tree.folder / "build")
    assert compiled(tree) == []
    assert holding(tree, cases, b"answer-yes") == list(cases)


def test_a_question_that_is_not_followed_is_asked_each_time(tree):
    tree.write(
        "x.c",
        "#define QUOTE(x) #x\n#define FILE(x) QUOTE(x)\n#if __has_include(FILE(opt.h))\n"
        'const char x[] = "answer-yes";\n#else\nconst char x[] = "answer-no";\n#endif\n',
    )
    library(tree, ["x.c"])
    tree.good()
    assert has(tree, b"answer-no")
    tree.write("opt.h", "")
    output = tree.good("--debug=explain")
    assert "x.c asks for headers by a macro that is not followed: FILE" in output
    assert has(tree, b"answer-yes")


# What is asked in ways that are not followed, or that need more than the text at that place: flags, and the text.
HARD_QUESTIONS = {
    "a part of a name": ("", "#define HAS(x) __has_include(<x.h>)\n#if HAS(opt)"),
    "another name": ("", "#define HAS __has_include\n#if HAS(<opt.h>)"),
    "another name of a macro": (
        "",
        "#define HAS(x) __has_include(x)\n#define ASK HAS\n#if HAS(<no.h>) || ASK(<opt.h>)",
    ),
    "a comment": ("", "#if __has_include /* c */ ( /* d */ <opt.h>)"),
    "a comment of two lines": ("", "/* c\n */ #if __has_include(<opt.h>)"),
    "a spliced word": ("", "#if __has_inc\\\nlude(<opt.h>)"),
    "a comment in a definition": ("", "#/**/define /* c */ OPT <opt.h>\n#if __has_include(OPT)"),
    "a flag": ("'-DHAVE=__has_include(<opt.h>)'", "#if HAVE"),
    "a flag of two words": ("'-D', 'OPT=<opt.h>'", "#ifndef OPT\n#define OPT <no.h>\n#endif\n#if __has_include(OPT)"),
    "another folder for quotes": ("'-iquote', '{0}/q'", "#if __has_include(<opt.h>)"),
    "a flag for the preprocessor": ("'-Wp,-I{0}/last'", "#if __has_include(<opt.h>)"),
}


def test_questions_in_other_forms(tree):
    answer = '\n#define ANSWER "answer-yes"\n#else\n#define ANSWER "answer-no"\n#endif\n'
    text = ""
    for number, (flags, question) in enumerate(HARD_QUESTIONS.values()):
        tree.write(f"{number}/x.c", f"{question}{answer}const char x[] = ANSWER;\n")
        tree.write(f"{number}/q/opt.h", "")
        tree.write(f"{number}/last/other.h", "")
        folders = "" if "-Wp" in flags else f"includes=['{number}/last'], "
        text += f"env.DualLibrary('x{number}', ['{number}/x.c'], {folders}CFLAGS=[{flags.format(number)}])\n"
    tree.more = f"AMBILINK_CACHE={str(tree.folder / 'cache')!r},"
    tree.sconstruct(text)
    tree.good()
    assert holding(tree, HARD_QUESTIONS, b"answer-no") == list(HARD_QUESTIONS)
    for fresh in (False, True):  # the second time from the cache, where it has them
        for number in range(len(HARD_QUESTIONS)):
            name = tree.folder / f"{number}/last/opt.h"
            name.unlink() if fresh else name.touch()
        if fresh:
            shutil.rmtree(tree.folder / "build")
        tree.good()
        assert holding(tree, HARD_QUESTIONS, b"answer-no" if fresh else b"answer-yes") == list(HARD_QUESTIONS)


def test_a_header_that_hides_the_compilers_own(tree):
    tree.more = f"AMBILINK_CACHE={str(tree.folder / 'cache')!r},"
    tree.write("inc/other.h", "")
    default = '#ifndef ANSWER\n#define ANSWER "answer-one"\n#endif\n'
    tree.write("x.c", f"#include <stddef.h>\n{default}const char x[] = ANSWER;\n")
    library(tree, ["x.c"], "includes=['inc']")
    tree.good()
    assert has(tree, b"answer-one") and compiled(tree) == []
    tree.write("inc/stddef.h", '#define ANSWER "answer-two"\n')
    tree.good()
    assert has(tree, b"answer-two") and compiled(tree) == []
    (tree.folder / "inc/stddef.h").unlink()
    assert compiled(tree) == [] and has(tree, b"answer-one")  # from the cache


@pytest.mark.parametrize("name", ["a\\b.h", "a\tb.h", "d\\e/x.h", "a b.h", "a$b.h"])
def test_headers_whose_names_compilers_garble(tree, name):
    tree.write(f"inc/{name}", '#define ANSWER "answer-one"\n')
    tree.write("x.c", f"#include <{name}>\nconst char x[] = ANSWER;\n")
    library(tree, ["x.c"], "includes=['inc']")
    tree.good()
    tree.write(f"inc/{name}", '#define ANSWER "answer-two"\n')
    tree.good()
    assert has(tree, b"answer-two")


def test_a_date_in_a_source(tree):
    tree.write("x.c", "const char x[] = __TIMESTAMP__;\n")
    os.utime(tree.folder / "x.c", (1e9, 1e9))
    library(tree, ["x.c"])
    tree.good()
    assert has(tree, b" 2001")
    os.utime(tree.folder / "x.c", (1.1e9, 1.1e9))
    tree.good()
    assert has(tree, b" 2004")


def test_files_that_flags_lead_to(tree):
    """By an absolute path, through another, and where a quote has no end."""
    flags = {"absolute": "", "open": "@open-inner -DQ=it's\n"}
    for number, (case, outer) in enumerate(flags.items()):
        tree.write(f"{number}.c", f"const char x{number}[] = ANSWER;\n")
        tree.write(f"{case}-inner", '-DANSWER=\\"answer-one\\"\n')
        tree.write(case, outer or f"@{tree.folder}/{case}-inner\n")
    text = f"env.DualLibrary('x0', ['0.c'], CFLAGS=['@{tree.folder}/absolute'])\n"
    tree.sconstruct(text + "env.DualLibrary('x1', ['1.c'], CFLAGS=['@open'])\n")
    tree.good()
    assert holding(tree, flags, b"answer-one") == list(flags)
    for case in flags:
        tree.write(f"{case}-inner", '-DANSWER=\\"answer-two\\"\n')
    tree.good()
    assert holding(tree, flags, b"answer-two") == list(flags)


@pytest.mark.parametrize("nested", [False, True])
def test_a_file_of_configuration(tree, nested):
    if tree.compiler == "gnu":
        pytest.skip("gcc knows no --config")
    tree.write("conf/y.cfg", '-DANSWER=\\"answer-one\\"\n')
    tree.write("conf/x.cfg", "@y.cfg\n")
    tree.write("x.c", "const char x[] = ANSWER;\n")
    library(tree, ["x.c"], f"CFLAGS=['--config', '{tree.folder}/conf/{'x' if nested else 'y'}.cfg']")
    tree.good()
    tree.write("conf/y.cfg", '-DANSWER=\\"answer-two\\"\n')
    tree.good()
    assert has(tree, b"answer-two")


def test_files_that_flags_name(tree):
    tree.write("flags", '-DANSWER=\\"answer-one\\" -Ia -Ib')
    tree.write("b/y.h", "\n")
    tree.write("a/z.h", "\n")
    tree.write("x.c", "#include <y.h>\nconst char x[] = ANSWER;\n")
    library(tree, ["x.c"], "flags=['@flags']")
    tree.good()
    tree.write("flags", '-DANSWER=\\"answer-two\\" -Ia -Ib')
    tree.good()
    assert has(tree, b"answer-two")
    tree.write("a/y.h", '#undef ANSWER\n#define ANSWER "answer-six"\n')
    tree.good()
    assert has(tree, b"answer-six")


def test_variables_that_compilers_obey(tree):
    tree.write("a/y.h", '#define ANSWER "answer-one"\n')
    tree.write("b/y.h", '#define ANSWER "answer-two"\n')
    tree.write("x.c", "#include <y.h>\nconst char x[] = ANSWER;\n")
    for folder, answer in (("a", b"answer-one"), ("b", b"answer-two")):
        tree.sconstruct(f"env['ENV']['CPATH'] = {folder!r}\nenv.DualLibrary('x', ['x.c'])\n")
        tree.good()
        assert has(tree, answer)


def test_a_header_through_a_link_and_back(tree):
    """link/../inc/x.h is what the system says, not inc/x.h."""
    tree.write("real/deep/a.c", '#include "../inc/x.h"\nconst char x[] = ANSWER;\n')
    tree.write("real/inc/x.h", '#define ANSWER "answer-one"\n')
    tree.write("inc/x.h", '#define ANSWER "wrong"\n')
    (tree.folder / "link").symlink_to("real/deep")
    library(tree, ["link/a.c"])
    tree.good()
    assert has(tree, b"answer-one") and compiled(tree) == []
    tree.write("inc/x.h", '#define ANSWER "wrong too"\n')
    assert compiled(tree) == []
    tree.write("real/inc/x.h", '#define ANSWER "answer-two"\n')
    tree.good()
    assert has(tree, b"answer-two") and compiled(tree) == []
    tree.write("other/inc/x.h", '#define ANSWER "answer-six"\n')
    shutil.copytree(tree.folder / "real/deep", tree.folder / "other/deep")
    (tree.folder / "link").unlink()
    (tree.folder / "link").symlink_to("other/deep")
    tree.good()
    assert has(tree, b"answer-six")


def test_a_link_that_leads_elsewhere(tree):
    """Compilers may prefer the shorter name."""
    for version in ("one", "two"):
        tree.write(f"{version}/y.h", f'#define ANSWER "answer-{version}"\n')
        tree.write(f"very/long/name/{version}/y.h", f'#define ANSWER "answer-{version}"\n')
    tree.write("x.c", "#include <y.h>\nconst char x[] = ANSWER;\n")
    links = {"inc": "very/long/name/{}", "link-of-a-long-name": "{}"}
    kinds = [f"{kind}=[{link!r}]" for link in links for kind in ("includes", "system_includes")]
    kinds += [f"system_includes=[{str(tree.folder / link)!r}]" for link in links]
    tree.sconstruct("".join(f"env.DualLibrary('x{n}', ['x.c'], {kind})\n" for n, kind in enumerate(kinds)))
    for answer in ("one", "two"):
        for link, target in links.items():
            (tree.folder / link).unlink(missing_ok=True)
            (tree.folder / link).symlink_to(target.format(answer))
        tree.good()
        assert holding(tree, kinds, f"answer-{answer}".encode()) == kinds


def test_a_header_beside_the_header_that_includes_it(tree):
    tree.write("a/top.h", '#include "y.h"\n')
    tree.write("b/y.h", '#define ANSWER "answer-one"\n')
    tree.write("x.c", "#include <top.h>\nconst char x[] = ANSWER;\n")
    library(tree, ["x.c"], "includes=['b', 'a']")
    tree.good()
    assert has(tree, b"answer-one")
    tree.write("a/y.h", '#define ANSWER "answer-two"\n')
    tree.good()
    assert has(tree, b"answer-two")


def test_a_cache_knows_headers_that_hide_others(tree):
    """The other checkout has a header that this one has not, where it is found first."""
    tree.more = f"AMBILINK_CACHE={str(tree.folder / 'cache')!r},"
    tree.write("a/other.h", "")
    tree.write("b/y.h", '#define ANSWER "answer-one"\n')
    tree.write("x.c", "#include <y.h>\nconst char x[] = ANSWER;\n")
    library(tree, ["x.c"], "includes=['a', 'b']")
    tree.good()
    shutil.rmtree(tree.folder / "build")
    tree.write("a/y.h", '#define ANSWER "answer-two"\n')
    tree.good()
    assert has(tree, b"answer-two")
    shutil.rmtree(tree.folder / "build")
    (tree.folder / "a/y.h").unlink()
    assert compiled(tree) == []
    assert has(tree, b"answer-one")


def test_a_header_that_became_a_folder_and_one_that_is_gone(tree):
    tree.write("a/y.h", '#define ANSWER "answer-one"\n')
    tree.write("b/y.h", '#define ANSWER "answer-two"\n')
    tree.write("x.c", "#include <y.h>\nconst char x[] = ANSWER;\n")
    library(tree, ["x.c"], "includes=['a', 'b']")
    tree.good()
    (tree.folder / "a/y.h").unlink()
    (tree.folder / "a/y.h").mkdir()
    tree.good()
    assert has(tree, b"answer-two") and compiled(tree) == []
    (tree.folder / "a/y.h").rmdir()
    tree.write("a/y.h", '#define ANSWER "answer-six"\n')
    tree.good()
    assert has(tree, b"answer-six")


DEPENDS = {
    "an object": "env.Depends(lib.objects[0], 'note')",
    "objects": "env.Depends(lib.objects, env.File('note'))",
    "an object by its path": "env.Depends(env['AMBILINK'].build.File('obj/xN/pic/xN.c.o').path, 'note')",
    "the archive": "env.Depends(lib.static, 'note')",
    "the archive by its path": "env.Depends(lib.static.path, 'note')",
    "the shared object": "env.Depends(lib.shared, ['note'])",
    "the library": "env.Depends(lib, 'note')",
    "a folder": "env.Depends(lib, env.Dir('notes'))",
    "an alias": "env.Alias('all-notes', ['notes/note'])\nenv.Depends(lib, env.Alias('all-notes'))",
    "a value": "env.Depends(lib, env.Value(open('note').read()))",
    "what is built": "env.Depends(lib, env.Command('made', 'note', Copy('$TARGET', '$SOURCE')))",
}


def test_declared_dependencies_reach_the_compiler(tree):
    """By a launcher that counts: no compiler sees what these files are for."""
    log = tree.folder / "log"
    launcher = tree.write("launch", f'#!/bin/sh\nfor last; do :; done\necho "$last" >> {log}\nexec "$@"\n')
    launcher.chmod(0o755)
    text = ""
    for number, declared in enumerate(DEPENDS.values()):
        tree.write(f"x{number}.c", f"int x{number};\n")
        text += f"lib = env.DualLibrary('x{number}', ['x{number}.c'])\n"
        text += declared.replace("note", f"note{number}").replace("made", f"made{number}") + "\n"
        text = text.replace("xN", f"x{number}")
        tree.write(f"note{number}s/note{number}", "one")
        tree.write(f"note{number}", "one")
    tree.more = f"AMBILINK_LAUNCHER={str(launcher)!r},"
    tree.sconstruct(text)
    tree.good()
    log.unlink()
    assert compiled(tree) == [] and not log.exists()
    for number in range(len(DEPENDS)):
        tree.write(f"note{number}s/note{number}", "two")
        tree.write(f"note{number}", "two")
    output = tree.good("--debug=explain")
    assert sorted(log.read_text().split()) == sorted(f"x{number}.c" for number in range(len(DEPENDS)))
    assert "x0.c.o' because note0 changed\n" in output
    assert compiled(tree) == []


def test_a_payload_that_is_built(tree):
    tree.write("x.S", ASSEMBLY.format('.incbin "made/p.bin"'))
    tree.write("p.in", "payload-one")
    tree.sconstruct(
        "payload = env.Command('made/p.bin', 'p.in', Copy('$TARGET', '$SOURCE'))\n"
        "lib = env.DualLibrary('x', ['x.S'])\nenv.Depends(lib.objects, payload)\n"
    )
    tree.good()
    assert has(tree, b"payload-one")
    tree.write("p.in", "payload-two")
    tree.good()
    assert has(tree, b"payload-two") and compiled(tree) == []


def test_a_service_inside_a_kernel(tree):
    """What is declared of a program is not waited for where it is made of the library itself."""
    tree.write("low.c", "int low;\n")
    tree.write("main.c", "extern int low; void _start(void) { low = 1; for (;;) ; }\n")
    tree.write("x.S", ASSEMBLY.format('.incbin "build/first"'))
    tree.sconstruct(
        "low = env.DualLibrary('low', ['low.c'])\n"
        "service = env.Service('first', ['main.c'], LIBS=['low'], linkage='static')\n"
        "copy = env.InstallAs('#build/first', service.node)\n"
        "lib = env.DualLibrary('x', ['x.S'])\nenv.Depends(lib, copy)\n"
        "env.Depends(low, env.Command('notes.h', copy, 'echo > $TARGET'))\n"
    )
    tree.good()
    assert compiled(tree) == []
    tree.write("main.c", "extern int low; void _start(void) { low = 2; for (;;) ; }\n")
    tree.good()
    service = next(path for path in (tree.out / "services").iterdir() if path.name == "first").read_bytes()
    assert has(tree, service[64:])


def test_a_header_that_is_built(tree):
    """By a command of the project's own, in a folder below one that is searched, or beside a source."""
    tree.write("config.in", '#define ANSWER "answer-one"\n')
    tree.write("src/x.c", '#include <gen/config.h>\n#include "y.inl"\n#include "deep/z.h"\nconst char x[] = ANSWER;\n')
    tree.sconstruct(
        "env.Command('inc/gen/config.h', 'config.in', Copy('$TARGET', '$SOURCE'))\n"
        "env.Command('src/y.inl', 'config.in', 'echo > $TARGET')\n"
        "env.Command('src/deep/z.h', 'config.in', 'echo > $TARGET')\n"
        "env.Command('src/deep/unrelated.h', 'config.in', 'exit 1')\n"
        "env.DualLibrary('x', ['src/x.c'], includes=['inc'])\n"
    )
    for answer in ("one", "two", "six"):
        tree.write("config.in", f'#define ANSWER "answer-{answer}"\n')
        tree.good("-j4", str(tree.out / "lib"))
        assert has(tree, f"answer-{answer}".encode()) and compiled(tree, str(tree.out / "lib")) == []

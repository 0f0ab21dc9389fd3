"""Payloads and texts that assemblers read, which compilers do not list: after each change the bytes are those of a
build from scratch."""

import shutil

import pytest

from .inputs import ASSEMBLY, IN_C, compiled, has, holding, libraries, library

INCBIN = {
    "plain assembly": {"x.s": ASSEMBLY.format('.incbin "data/p.bin"')},
    "assembly": {"x.S": '#define FILE "data/p.bin"\n' + ASSEMBLY.format(".incbin FILE")},
    "upper case": {"x.s": ASSEMBLY.format('.INCBIN "data/p.bin", 0, 11')},
    "by -I": {"x.S": ASSEMBLY.format('.incbin "p.bin"')},
    "in C": {"x.c": IN_C.format('.incbin \\"data/p.bin\\"')},
    "by a macro of a header": {
        "x.c": '#include "incbin.h"\nINCBIN(x, "data/p.bin");\n',
        "incbin.h": "#define INCBIN(name, file) "
        '__asm__(".section .rodata\\n.globl " #name "\\n.type " #name ", %object\\n" #name ": .incbin \\"" file "\\"\\n'
        '.size " #name ", . - " #name "\\n.previous\\n")\n',
    },
    "in C++": {"x.cc": IN_C.format('.incbin \\"data/p.bin\\"')},
    "in a function": {
        "x.c": 'const char *y(void) { const char *p; __asm__(".pushsection .rodata\\n1: .incbin \\"data/p.bin\\"\\n'
        '.popsection\\nlea 1b(%%rip), %0" : "=r"(p)); return p; }\n'
    },
    "with -flto": {"x.c": "/* late */" + IN_C.format('.incbin \\"data/p.bin\\"')},
    "by .include": {"x.s": '.include "data/q.inc"\n', "data/q.inc": ASSEMBLY.format('.incbin "data/p.bin"')},
    "by a macro of the assembler": {
        "x.s": '.macro embed name\n.incbin "\\name"\n.endm\n' + ASSEMBLY.format('embed "data/p.bin"'),
    },
}


def test_payloads_that_the_assembler_reads(tree):
    cases = INCBIN
    payloads = [f"{number}/data/p.bin" for number in range(len(cases))]
    for name in payloads:
        tree.write(name, "payload-one")
    libraries(tree, cases, "includes=['{}/data']")
    tree.good()
    assert holding(tree, cases, b"payload-one") == list(cases)
    for name in payloads:
        tree.write(name, "payload-two")
    tree.good()
    assert holding(tree, cases, b"payload-two") == list(cases) and not holding(tree, cases, b"payload-one")
    for name in payloads:
        tree.write(name, "payload-one")
    shutil.rmtree(tree.folder / "build")
    not_followed = ["x.s.o"]  # "by a macro of the assembler": made each time, and in no cache
    assert compiled(tree) == not_followed
    assert holding(tree, cases, b"payload-one") == list(cases)
    assert compiled(tree) == not_followed
    (tree.folder / payloads[0]).unlink()
    tree.bad()


def test_a_text_that_the_assembler_includes(tree):
    tree.write("x.s", '.include "data/q.inc"\n')
    tree.write("data/q.inc", ASSEMBLY.format('.ascii "payload-one"'))
    library(tree, ["x.s"])
    tree.good()
    tree.write("data/q.inc", ASSEMBLY.format('.ascii "payload-two"'))
    tree.good()
    assert has(tree, b"payload-two")
    assert compiled(tree) == []


def test_a_payload_that_would_be_found_first(tree):
    tree.write("b/p.bin", "payload-one")
    tree.write("x.S", ASSEMBLY.format('.incbin "p.bin"'))
    tree.write("a/other", "")
    library(tree, ["x.S"], "includes=['a', 'b']")
    tree.good()
    tree.write("a/p.bin", "payload-two")
    tree.good()
    assert has(tree, b"payload-two")
    tree.write("p.bin", "payload-six")
    tree.good()
    assert has(tree, b"payload-six")


def test_payloads_of_nasm(tree):
    if not shutil.which("nasm"):
        pytest.skip("no nasm here")
    tree.write("b/p.bin", "payload-one")
    tree.write("a/other", "")
    tree.write("y.inc", "section .rodata\nglobal x:data (x.end - x)\n")
    tree.write("x.asm", '%include "y.inc"\nx: incbin "p.bin"\n.end:\n')
    tree.more = f"AMBILINK_CACHE={str(tree.folder / 'cache')!r},"
    library(tree, ["x.asm"], "includes=['a', 'b']")
    tree.good()
    tree.write("b/p.bin", "payload-two")
    tree.good()
    assert has(tree, b"payload-two") and compiled(tree) == []
    tree.write("a/p.bin", "payload-six")
    tree.good()
    assert has(tree, b"payload-six")
    (tree.folder / "a/p.bin").unlink()
    shutil.rmtree(tree.folder / "build")
    assert compiled(tree) == [] and has(tree, b"payload-two")


HARD_PAYLOADS = {
    "a comment": ("", '.incbin /* it */ \\"0/p.bin\\"'),
    "a flag for the assembler": ("'-Wa,-I1'", '.incbin \\"p.bin\\"'),
}


def test_payloads_in_other_forms(tree):
    text = ""
    for number, (flags, directive) in enumerate(HARD_PAYLOADS.values()):
        tree.write(f"{number}/p.bin", "payload-one")
        tree.write(f"{number}/x.c", IN_C.format(directive))
        text += f"env.DualLibrary('x{number}', ['{number}/x.c'], CFLAGS=[{flags}])\n"
    tree.sconstruct(text)
    tree.good()
    assert holding(tree, HARD_PAYLOADS, b"payload-one") == list(HARD_PAYLOADS)
    for number in range(len(HARD_PAYLOADS)):
        tree.write(f"{number}/p.bin", "payload-two")
    tree.good()
    assert holding(tree, HARD_PAYLOADS, b"payload-two") == list(HARD_PAYLOADS)

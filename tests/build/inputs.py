"""Small libraries whose bytes show which inputs they were made from."""

import os

USER = "env.DualLibrary('x', {sources!r}, {more})\n"


def library(tree, sources, more=""):
    tree.sconstruct(USER.format(sources=sources, more=more))


def has(tree, text: bytes) -> bool:
    """Whether both forms have it; one alone is wrong."""
    forms = [text in (tree.out / f"lib/libx.{suffix}").read_bytes() for suffix in ("so", "a")]
    assert forms[0] == forms[1]
    return forms[0]


def compiled(tree, *words: str) -> list[str]:
    lines = [line.split() for line in tree.good(*words).splitlines()]
    return sorted(os.path.basename(line[1]) for line in lines if line[:1] == ["CC"])


ASSEMBLY = ".section .rodata\n.globl x\n.type x, %object\nx: {}\n.size x, . - x\n"
IN_C = '__asm__(".section .rodata\\n.globl x\\n.type x, %object\\nx: {}\\n.size x, . - x\\n.previous\\n");\n'


def libraries(tree, cases, more: str = "") -> None:
    """One for each case, of the first of its files, in a folder of its own."""
    text = ""
    for number, files in enumerate(cases.values()):
        for name, content in files.items():
            tree.write(f"{number}/{name}", content.replace("data/", f"{number}/data/"))
        flags = "flags=['-flto']," if "/* late */" in str(files) else ""
        text += f"env.DualLibrary('x{number}', ['{number}/{next(iter(files))}'], {flags} {more.format(number)})\n"
    tree.more = f"AMBILINK_CACHE={str(tree.folder / 'cache')!r},"
    tree.sconstruct(text)


def holding(tree, cases, text: bytes) -> list[str]:
    """The cases whose library has it, in both forms."""
    found = []
    for number, case in enumerate(cases):
        forms = [text in (tree.out / f"lib/libx{number}.{suffix}").read_bytes() for suffix in ("so", "a")]
        assert forms[0] == forms[1], case
        found += [case] if forms[0] else []
    return found

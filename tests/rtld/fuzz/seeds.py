"""seeds.py FOLDER: small sound inputs for the fuzzer, one for each feature that files have."""

import struct
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(TOP / "toolchain"), str(TOP)]

from tests.rtld.semantics import Case, toolchains

from ambilink.compile.toolset import load_toolset

SMALL = ("-z", "max-page-size=4096", "-z", "noseparate-code", "-s")
PLAIN = "long value = 5; long who(void) { return value; } long *a(void) { return &value; }"
USE = "long who(void), *a(void); extern long value; long (*table[])(void) = {who}; void test(void) { who(); a(); }"
THREAD = "__thread long value = 5, more; long who(void) { return value + more; }"
UNIQUE = ".data\n.globl unique\n.type unique, @gnu_unique_object\n.size unique, 8\nunique: .quad 1\n"
ODD = '.section .data.rel,"aw"\n.quad value@SIZE\n.long value@SIZE\n.long value - .\n.quad value - .\n.quad value + 3\n'
VERSIONS = "V1 { global: who; };\nV2 { global: value; a; } V1;\n"


def pair(case: Case, library: str, program: str, **options) -> bytes:
    link = (*SMALL, *options.get("link", ()))
    case.library(
        "lib.so", library, link=link, versions=options.get("versions", ""), assembly=options.get("assembly", "")
    )
    kind = options.get("kind", ("-pie",))
    flags = ("-fno-pic", "-fno-pie") if "-no-pie" in kind else ()
    case.program(program, "lib.so", link=(*kind, *link), flags=flags, assembly=options.get("odd", ""))
    # The stand-in for libc is not there: its name does not matter to the core.
    first, second = (case.folder / "program").read_bytes(), (case.folder / "lib.so").read_bytes()
    first = first.replace(b"libc.so.6", b"lib.so\0\0\0")
    return struct.pack("<I", len(first)) + first + second


def make_seeds(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    table = "static long x; long *many[80] = {" + "&x, " * 80 + "};"
    ifunc = 'static long one(void) { return 1; } static void *pick(void) { return one; } long who(void) __attribute__((ifunc("pick"))); long value; long *a(void) { return &value; }'
    start = "long who(void); extern __thread long value; void test(void) { who(); value++; }"
    count = 0
    for tools in toolchains(load_toolset("hermetic", "x86_64")):
        with tempfile.TemporaryDirectory() as scratch:
            case = Case(Path(scratch), tools, Path())
            seeds = {
                "plain": pair(case, PLAIN, USE),
                "gabi": pair(case, PLAIN, USE, link=("--hash-style=sysv",)),
                "both": pair(case, PLAIN, USE, link=("--hash-style=both",)),
                "versions": pair(case, PLAIN, USE, versions=VERSIONS),
                "symbolic": pair(case, PLAIN, USE, link=("-Bsymbolic",)),
                "copy": pair(case, PLAIN, USE, kind=("-no-pie",)),
                "odd": pair(case, PLAIN, USE, odd=ODD),
                "unique": pair(case, PLAIN, USE, assembly=UNIQUE),
                "thread": pair(case, THREAD, start),
                "relative": pair(case, PLAIN + table, USE + table),
                "ifunc": pair(case, ifunc, USE),
            }
        for name, data in seeds.items():
            (folder / f"{tools.name}-{name}").write_bytes(data)
            count += 1
    return count


if __name__ == "__main__":
    print(make_seeds(Path(sys.argv[1])), "seeds")

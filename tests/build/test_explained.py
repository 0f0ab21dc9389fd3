"""Undefined symbols and missing headers: the line of the source, the library that has it, the SConscript's line."""

import re
import shutil

import pytest

HEAD = 8  # lines that Tree.sconstruct writes before a test's own
LIBRARIES = """\
env.DualLibrary("log", ["log/log.c"], includes=["log/include"], variants={"kernel": {}})
env.DualLibrary("high", ["high/high.c"], variants={"kernel": {}})
env.Service("user", ["main.c"], LIBS=["high"])
env.Service("alone", ["main.c"], LIBS=["high"], linkage="static")
env.Kernel("kernel", ["main.c"], "k.lds", LIBS=["high"])
"""


@pytest.fixture(params=["gnu", None])
def every(request, tree):
    """Linkers and compilers have words of their own."""
    if request.param and shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    tree.compiler = request.param or tree.compiler
    return written(tree)


@pytest.fixture
def system(tree):
    return written(tree)


def written(tree):
    tree.write("log/include/log.h", "void log_more(int);\nextern int log_level;\n")
    tree.write("log/log.c", "#include <log.h>\nint log_level = 1;\n\nvoid log_more(int x)\n{\n    log_level = x;\n}\n")
    tree.write("high/high.c", "int high(int x) { return x; }\n")
    tree.write("main.c", "int high(int);\n\nvoid _start(void) {\n    for (;;) high(1);\n}\n")
    tree.write("k.lds", "ENTRY(_start) SECTIONS { . = 0x100000; .text : { *(.text .text.*) } }\n")
    tree.sconstruct(LIBRARIES)
    return tree


def said(output: str) -> list[str]:
    """What is said of the mistake; no words of a linker about it, no traceback."""
    assert "Traceback" not in output and "undefined reference" not in output and ">>>" not in output, output
    lines = [line for line in output.splitlines() if line.startswith("ambilink: ")]
    return list(dict.fromkeys(lines))  # errors are printed again at the end


@pytest.mark.parametrize("output, unit, line", [("services/user", "user", 3), ("services/alone", "alone", 4)])
def test_a_program_that_lacks_a_library(every, output, unit, line):
    every.write("main.c", "void log_more(int);\n\nvoid _start(void) {\n    for (;;)\n        log_more(1);\n}\n")
    assert said(every.bad(str(every.out / output))) == [
        "ambilink: main.c:5: undefined symbol log_more; library 'log' defines it (log/log.c:4): "
        f"add 'log' to LIBS of service '{unit}' [SConstruct:{HEAD + line}]"
    ]
    assert not (every.out / output).exists()


def test_a_kernel_that_lacks_a_library(system):
    system.write("main.c", "void log_more(int);\nvoid _start(void) { for (;;) log_more(1); }\n")
    assert said(system.bad(str(system.out / "kernel"))) == [
        "ambilink: main.c:2: undefined symbol log_more; library 'log' defines it (log/log.c:4): "
        f"add 'log' to LIBS of kernel 'kernel' [SConstruct:{HEAD + 5}]"
    ]


@pytest.mark.parametrize("output", ["lib/libhigh.so", "services/alone", "kernel"])
def test_a_library_that_lacks_a_library(system, output):
    """It is at fault, not the program that links it."""
    system.write("high/high.c", "void log_more(int);\nint high(int x) {\n    log_more(x);\n    return x;\n}\n")
    assert said(system.bad(str(system.out / output))) == [
        "ambilink: high/high.c:3: undefined symbol log_more; library 'log' defines it (log/log.c:4): "
        f"add 'log' to LIBS of library 'high' [SConstruct:{HEAD + 2}]"
    ]


def test_a_symbol_that_is_misspelt_or_nowhere(system):
    system.sconstruct(LIBRARIES.replace('LIBS=["high"]', 'LIBS=["high", "log"]'))
    system.good(str(system.out / "lib/liblog.abi"))
    system.write(
        "main.c", "void log_mroe(int), quite(void);\nvoid _start(void) { for (;;) { quite(); log_mroe(1); } }\n"
    )
    one, other = sorted(said(system.bad(str(system.out / "services/alone"))))
    assert one.startswith(
        "ambilink: main.c:2: undefined symbol log_mroe; did you mean log_more of library 'log'? [SCons"
    )
    assert "undefined symbol quite; no library that is declared here defines it: define it in service 'alone'" in other


def test_a_symbol_that_its_library_does_not_export(system):
    system.write("log.map", "{ global: log_level; local: *; };\n")
    text = LIBRARIES.replace('"log/include"]', '"log/include"], version_script="log.map"')
    system.sconstruct(text.replace('LIBS=["high"]', 'LIBS=["log"]'))
    system.write("main.c", "void log_more(int);\nvoid _start(void) { for (;;) log_more(1); }\n")
    (line,) = said(system.bad(str(system.out / "services/user")))
    assert "library 'log' of its LIBS has it (log/log.c:4) and does not export it: see its version_script=" in line


def test_a_symbol_of_cxx(every):
    every.write("shape.cc", "namespace shape { int area(int x) { return x; } }\nint shape_id() { return 1; }\n")
    every.write(
        "main.cc",
        "namespace shape { int area(int); }\nint shape_id();\n"
        'extern "C" void _start() {\n    for (;;) shape::area(shape_id());\n}\n',
    )
    every.sconstruct('env.DualLibrary("shape", ["shape.cc"])\nenv.Service("user", ["main.cc"])\n')
    lines = said(every.bad(str(every.out / "services/user")))
    assert any(
        "main.cc:4: undefined symbol shape::area(int); library 'shape' defines it (" in line for line in lines
    ), lines
    assert any(
        "main.cc:4: undefined symbol shape_id(); library 'shape' defines it (shape.cc:2)" in line for line in lines
    )


@pytest.mark.parametrize("linkage", ["dynamic", "static"])
def test_a_program_without_main(every, linkage):
    """Not the code that calls it is at fault, and no name like it is meant."""
    every.write("start.c", "int main(void);\nvoid _start(void) { for (;;) main(); }\n")
    every.write("main.c", "int foo;\n")
    every.sconstruct(
        'env.ProgramStart(["start.c"])\nenv.DualLibrary("mains", ["high/high.c"])\n'
        f'env.Service("user", ["main.c"], linkage="{linkage}")\n'
    )
    assert said(every.bad(str(every.out / "services/user"))) == [
        f"ambilink: service 'user': has no function main; define main in main.c [SConstruct:{HEAD + 3}]"
    ]


def test_a_missing_header(every):
    every.write("main.c", "\n#include <log.h>\nvoid _start(void) { for (;;) log_more(1); }\n")
    (line,) = said(every.bad(str(every.out / "services/user")))
    assert line == (
        "ambilink: main.c:2: includes log.h, which is in no folder that service 'user' searches; library 'log' has it "
        f"(log/include/log.h): add 'log' to LIBS of service 'user' [SConstruct:{HEAD + 3}]"
    )


def test_a_header_that_lacks_another(system):
    """The library whose header includes it is at fault, not who includes that."""
    system.write("high/include/high.h", "#include <log.h>\n")
    system.write("main.c", "#include <high.h>\nvoid _start(void) { for (;;); }\n")
    system.sconstruct(LIBRARIES.replace('["high/high.c"]', '["high/high.c"], includes=["high/include"]'))
    (line,) = said(system.bad(str(system.out / "services/user")))
    assert line.startswith("ambilink: high/include/high.h:1: includes log.h,")
    assert line.endswith(f"add 'log' to LIBS of library 'high' [SConstruct:{HEAD + 2}]")


@pytest.mark.parametrize(
    "header, remedy",
    [
        ("lgo.h", r"did you mean log.h of library 'log'\?"),
        ("own.h", r"own/own.h is there: add includes=\['own'\] to service 'user'"),
        ("inside.h", r"library 'log' has it for itself alone \(log/inside.h\): put it into its includes="),
        ("quite/else.h", r"write it, or add its folder to includes= of service 'user'"),
    ],
)
def test_headers_that_no_library_offers(system, header, remedy):
    system.write("own/own.h", "")
    system.write("log/inside.h", "")
    system.write("main.c", f'#include "{header}"\nvoid _start(void) {{ for (;;); }}\n')
    system.sconstruct(LIBRARIES.replace('["log/include"]', '["log/include"], private_includes=["log"]'))
    (line,) = said(system.bad(str(system.out / "services/user")))
    assert re.search(rf"main.c:1: includes {header}, .*; {remedy} \[SConstruct:{HEAD + 3}\]$", line), line


def test_a_failure_in_a_cycle_of_libraries_is_all_that_is_reported(tree):
    """SCons took what waits for it for a dependency cycle, with -k."""
    for name, needed in ("ab", "bc", "ca"):
        tree.write(f"{name}.c", f"int {needed}(void);\nint {name}(void) {{ return {needed}(); }}\n")
    tree.write("p.c", "int a(void);\nvoid _start(void) { for (;;) a(); }\n")
    tree.write("a.c", "int a(void) { syntax error; }\n")
    tree.sconstruct(
        'env.DualLibrary("a", ["a.c"], LIBS=["b"])\n'
        'env.DualLibrary("b", ["b.c"], LIBS=["c", "a"])\n'
        'env.DualLibrary("c", ["c.c"], LIBS=["a"])\n'
        'env.Service("p", ["p.c"], LIBS=["a"])\nenv.Service("q", ["p.c"], LIBS=["a"], linkage="static")\n'
    )
    for jobs in ("-j1", "-j4"):
        output = tree.bad("-k", jobs)
        assert "a.c:1:" in output and "cycle" not in output and "Internal Error" not in output
    tree.write("a.c", "int b(void);\nint a(void) { return b(); }\n")
    tree.good("-k")

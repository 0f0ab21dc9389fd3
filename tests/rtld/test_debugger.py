"""A debugger finds the libraries of a program that the core linked: r_debug, link_map, the breakpoint."""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.compiler


def test_gdb_sees_libraries_come_and_go(case):
    if shutil.which("gdb") is None:
        pytest.skip("gdb is not installed (Debian: gdb)")
    case.library("liba.so", "long a(void) { return 1; }", flags=("-g",))
    case.library("libb.so", "long b(void) { return 2; }", flags=("-g",))
    case.program(
        """
        void *dlopen(const char *, int); int dlclose(void *); long a(void);
        NOINLINE void stop(long n) { __asm__ volatile("" : : "r"(n)); }
        void test(void) { stop(a()); void *b = dlopen("libb.so", 2); stop(2); dlclose(b); stop(3); }""",
        "liba.so",
        "libc",
        flags=("-g",),
        interpreter=case.ours,
    )
    commands = ["set confirm off", "set auto-load off", "break stop", "run"]
    for _ in range(3):
        commands += ["info sharedlibrary", "echo ----\\n", "continue"]
    words = [word for command in commands for word in ("-ex", command)]
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", *words, str(case.folder / "program")],
        env={"LD_LIBRARY_PATH": str(case.folder), "PATH": "/usr/bin:/bin", "HOME": str(case.folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "ptrace: Operation not permitted" in done.stderr:
        pytest.skip("this machine does not let gdb trace programs")
    stops = done.stdout.split("----\n")
    assert len(stops) == 4, done.stdout + done.stderr
    assert "liba.so" in stops[0] and "libb.so" not in stops[0], done.stdout
    assert "libb.so" in stops[1], done.stdout
    assert "libb.so" not in stops[2].split("Breakpoint")[-1], done.stdout

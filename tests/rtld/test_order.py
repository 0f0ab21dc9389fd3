"""The order of constructors and destructors."""

import contextlib

import pytest

from .test_binding import START, symbol_value

pytestmark = pytest.mark.compiler

PAIR = (
    "void start_{0}(void) {{ }} void stop_{0}(void) {{ }}"
    '__attribute__((section(".init_array"), used)) static void (*const begin)(void) = start_{0};'
    '__attribute__((section(".fini_array"), used)) static void (*const end)(void) = stop_{0};'
    "int {0}(void) {{ return 0; }}"
)


def names(result, files, addresses):
    """Addresses back to symbols."""
    known = {}
    for name, data in files.items():
        for letter in "abcp":
            for word in ("start", "stop"):
                with contextlib.suppress(TypeError, KeyError):
                    known[result.bias[name] + symbol_value(data, f"{word}_{letter}")] = letter
    return "".join(known[address] for address in addresses)


def test_needed_objects_start_first_and_stop_last(linker, make):
    libc = make("libc.so", PAIR.format("c"))
    libb = make("libb.so", PAIR.format("b") + "int c(void); int f(void) { return c(); }", "libc.so")
    liba = make("liba.so", PAIR.format("a") + "int c(void); int g(void) { return c(); }", "libc.so")
    program = make(
        "program",
        START + PAIR.format("p") + "int a(void); int b(void); int use(void) { return a() + b(); }",
        "liba.so",
        "libb.so",
        flags=("--export-dynamic",),
    )
    files = {"program": program, "liba.so": liba, "libb.so": libb, "libc.so": libc}
    result = linker.link(files)
    assert names(result, files, result.initializers) == "cbap"
    assert names(result, files, result.finalizers) == "pabc"


def test_a_cycle_is_broken_the_same_way_each_time(linker, make):
    make("libb.so", PAIR.format("b"))
    liba = make("liba.so", PAIR.format("a") + "int b(void); int f(void) { return b(); }", "libb.so")
    libb = make("libb.so", PAIR.format("b") + "int a(void); int g(void) { return a(); }", "liba.so")
    program = make("program", START + "int a(void); int use(void) { return a(); }", "liba.so")
    files = {"program": program, "liba.so": liba, "libb.so": libb}
    orders = {names(result, files, result.initializers) for result in (linker.link(files) for _ in range(3))}
    assert orders == {"ab"}  # libb, loaded last, is reached first, so what it needs goes before it

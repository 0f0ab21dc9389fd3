"""The trace of bindings, as the stand-in prints it."""


def test_the_trace(case):
    """One line for each binding, as <rtld/report.h> says."""
    case.library(
        "liba.so", "long who(void) { return 1; } WEAK extern int absent; long a(void) { return &absent == 0; }"
    )
    case.program('long who(void), a(void); void test(void) { say_value("sum", who() + a()); }', "liba.so")
    traced = case.run(case.ours, LD_TRACE="1")
    assert traced.output == "sum 2\n"
    bound = [line.split(" ") for line in traced.errors.splitlines()]
    assert all(line[0] == "bind" and len(line) == 8 and int(line[2], 16) and int(line[3], 16) for line in bound)
    bindings = {(line[1].rsplit("/", 1)[-1], line[4]): line[6].rsplit("/", 1)[-1] for line in bound}
    assert bindings["program", "who"] == bindings["program", "a"] == "liba.so"
    assert bindings["liba.so", "absent"] == "-"

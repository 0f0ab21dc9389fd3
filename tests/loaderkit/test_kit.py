"""The kit for other systems' loaders: what a process finds, on systems that move pages and that share them, with all
functions of the port and with the needed ones alone; then each call of the port fails in its turn."""

import pytest

from .conftest import PAGE, READ, READ_EXECUTE, READ_WRITE, System

FEW = {"file_give", "memory_unmap", "random", "define", "arrange", "allocate", "release"}
SYSTEMS = {
    "moves, few": (False, FEW),
    "moves, all": (False, {"arrange"}),
    "moves, own start": (False, set()),
    "shares, few": (True, FEW),
    "shares, all": (True, {"arrange"}),
}
START_MAGIC = 0x5452415453424D41
CALLS_MAX = 2000


@pytest.fixture(params=SYSTEMS)
def kind(request) -> tuple[bool, set[str]]:
    return SYSTEMS[request.param]


@pytest.fixture
def system(library, files, kind):
    return System(library, files, *kind)


def test_what_a_process_finds(system, kind):
    assert system.start(arguments=("one", "two")), system.lines
    (thread,) = system.threads
    assert system.slots(thread.block, 1) == (START_MAGIC,) and system.lines == []
    # The first thread's block: the pointer to itself, and the program's variable below.
    assert system.slots(thread.pointer, 1) == (thread.pointer,)
    assert int.from_bytes(system.read(thread.pointer - 4, 4), "little") == 3
    assert {page.prot for page in system.space.values()} == {READ, READ_WRITE, READ_EXECUTE}
    assert system.space[thread.entry - thread.entry % PAGE].prot == READ_EXECUTE
    if "arrange" in kind[1]:
        count, *words = system.slots(thread.stack, 5)
        assert count == 3 and [system.text(word) for word in words[:3]] == ["program", "one", "two"] and words[3] == 0
    else:
        assert thread.argument == thread.block + 1
    table = system.symbol(0, "table")
    for number in range(10):
        data, text = system.slots(table + 16 * number, 2)
        assert system.read(data, 4) == number.to_bytes(4, "little")
        assert system.text(system.slots(text, 1)[0]) == f"text {number}"
    system.end()
    assert system.alive() == (0, 0, 0) and system.ended == [1]


def test_open_and_close(system, kind):
    assert system.start()
    before = system.alive()
    opened = system.open("libplugin.so")
    assert opened and opened.first
    found = system.symbol(opened.handle, "found")
    extra, data3 = system.slots(found, 2)
    assert system.text(system.slots(extra, 1)[0]) == "an extra" and system.read(data3, 4) == bytes((3, 0, 0, 0))
    again = system.open("libplugin.so")
    assert again and again.handle == opened.handle and not again.first
    assert not system.open("libnothing.so") and "libnothing.so" in system.lines[-1]
    assert system.symbol(opened.handle, "nothing") == 0 and system.symbol(opened.handle + 1, "found") == 0
    assert not system.close(opened.handle)
    goes = "memory_unmap" not in kind[1]
    assert system.close(opened.handle) == goes
    assert (system.alive()[2] == before[2]) == goes
    assert not system.close(opened.handle + PAGE)
    system.end()
    assert system.alive() == (0, 0, 0)
    assert not system.open("libplugin.so")


def test_a_symbol_of_the_loader(library, make):
    source = "extern const char os_notice[] __attribute__((weak)); extern const char other[] __attribute__((weak)); "
    source += "const char *const found[] = {os_notice, other}; int _start(void) { return 0; }"
    program = make("program", source, flags=("--export-dynamic", "--unresolved-symbols=ignore-all", "-pie"))
    for lacks, expected in (({"arrange"}, 0x1234000), (FEW, 0)):
        system = System(library, {"program": program}, False, lacks)
        assert system.start()
        assert system.slots(system.symbol(0, "found"), 2) == (expected, 0)


def test_what_is_wrong_is_named(library, files, make):
    whole = dict(files)
    source = "extern int nowhere; int *const p = &nowhere;"
    undefined = make("libextra.so", source, flags=("--unresolved-symbols=ignore-all",))
    for change, expected in (
        ({"lib3.so": None}, ["program", "lib3.so"]),
        ({"lib3.so": whole["lib3.so"][:200]}, ["lib3.so"]),
        ({"lib3.so": b"text"}, ["lib3.so"]),
        ({"lib3.so": undefined}, ["nowhere", "lib3.so"]),
        ({"program": None}, ["program", "no such program"]),
    ):
        changed = {name: data for name, data in {**whole, **change}.items() if data is not None}
        system = System(library, changed, False, FEW)
        assert not system.start()
        assert any(all(word in line for word in expected) for line in system.lines), system.lines
        assert system.alive() == (0, 0, 0) and not system.threads


def fails_in_turn(make_system, act):
    for number in range(1, CALLS_MAX):
        system = make_system()
        before, lines = system.alive(), len(system.lines)
        system.fail_at = system.calls + number
        good = act(system)
        injected = system.calls >= system.fail_at
        system.fail_at = 0
        yield system, good, before, len(system.lines) > lines
        if not injected:
            assert good
            return
    raise AssertionError("it never succeeds")


def test_each_call_of_a_start_fails_once(library, files, kind):
    failures = 0
    for system, good, before, said in fails_in_turn(lambda: System(library, files, *kind), lambda each: each.start()):
        failures += not good
        if not good:
            assert said and system.alive() == before and not system.threads and not system.spaces
            assert system.start(), system.lines
        system.end()
        system.end()
        assert system.alive() == (0, 0, 0)
    assert failures > 30


def test_each_call_of_an_open_fails_once(library, files, kind):
    def started() -> System:
        system = System(library, files, *kind)
        assert system.start()
        return system

    failures = 0
    for system, good, before, said in fails_in_turn(started, lambda each: each.open("libplugin.so")):
        failures += not good
        if not good:
            assert said
            if "memory_unmap" not in kind[1]:
                # The records of the last call are given back by the next one.
                assert system.alive()[2] == before[2] and sum(system.alive()[:2]) <= sum(before[:2])
                assert system.open("libplugin.so")
        system.end()
        assert system.alive() == (0, 0, 0)
    assert failures > 5

"""The kit for other systems' loaders: what a process finds, on systems that move pages and that share them, with all
functions of the port and with the needed ones alone; then each call of the port fails in its turn."""

import subprocess
from random import Random

import pytest
from elftools.elf.elffile import ELFFile

from ambilink.compile.toolset import load_toolset

from .conftest import PAGE, READ, READ_EXECUTE, READ_WRITE, System

FEW = {"file_give", "memory_unmap", "random", "define", "arrange", "allocate", "release"}
SYSTEMS = {
    "moves, few": (False, FEW),
    "moves, all": (False, {"arrange"}),
    "moves, own start": (False, set()),
    "shares, few": (True, FEW),
    "shares, all": (True, {"arrange"}),
}
pytestmark = pytest.mark.filterwarnings("error")  # of an exception in the port

START_MAGIC = 0x3254525453424D41
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
    notice = make("libnotice.so", source + "const char *const found[] = {os_notice, other};")
    source = "extern const char *const found[]; int _start(void) { return found[0] != 0; }"
    files = {"program": make("program", source, "libnotice.so"), "libnotice.so": notice}
    for lacks, expected in (({"arrange"}, 0x1234000), (FEW, 0)):
        system = System(library, files, False, lacks)
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


def test_a_cache_changes_nothing_that_a_process_finds(library, files):
    """The third program of the same libraries is bound from it."""
    with_cache, without = (System(library, files, False, {"arrange", "random"}) for _ in range(2))
    library.loader_use_cache(with_cache.loader)
    for _ in range(3):
        found = []
        for system in (with_cache, without):
            assert system.start(), system.lines
            found.append({at: (page.prot, page.source) for at, page in system.space.items()})
            system.end()
        assert found[0] == found[1]
    kept = with_cache.alive()
    with_cache.finish()
    assert kept > (0, 0, 0) and with_cache.alive() == without.alive() == (0, 0, 0)


def test_damaged_files(library, files):
    """A start succeeds or fails with a message; nothing stays, nothing is given twice or where something is."""
    random = Random(12)
    started = 0
    for number in range(400):
        name = random.choice(("program", "lib0.so", "lib3.so"))
        data = bytearray(files[name])
        tables = data.rindex(b"text" if name != "program" else b"lib0.so")
        for _ in range(random.randint(1, 4)):
            at = random.choice((random.randrange(64), random.randrange(0x400), random.randrange(tables)))
            data[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, data[at] ^ 1 << random.randrange(8)))
        system = System(library, {**files, name: bytes(data)}, number % 2 == 0, FEW - {"file_give"})
        good = system.start()
        started += good
        assert good or (system.lines and system.alive() == (0, 0, 0) and not system.threads), number
        system.end()
        assert system.alive() == (0, 0, 0), number
    assert 20 < started < 380


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


THREAD_SOURCE = "__thread long first = 5; __thread char second[3] = {7, 8, 9}; "
THREAD_SOURCE += "long _start(void) { return 0; }"


@pytest.mark.parametrize("target", ["x86_64", "aarch64", "riscv64"])
def test_the_first_threads_block_on_each_machine(library, tmp_path, target):
    """Variant II below the pointer, variant I above it, where the machine's linker put each variable."""
    toolset = load_toolset("hermetic", target)
    unit, program = tmp_path / "program.o", tmp_path / "program"
    (tmp_path / "program.c").write_text(THREAD_SOURCE)
    words = [*toolset.compile_flags, "-O1", "-fPIC", "-c", tmp_path / "program.c", "-o", unit]
    subprocess.run([*toolset.cc, *words], check=True)
    flags = [*toolset.dynamic_program_flags, "--export-dynamic", "--no-gc-sections"]
    subprocess.run([*toolset.ld, *flags, unit, "-o", program], check=True)
    with program.open("rb") as file:
        elf = ELFFile(file)
        (tls,) = (segment for segment in elf.iter_segments() if segment["p_type"] == "PT_TLS")
        symbols = {each.name: each["st_value"] for each in elf.get_section_by_name(".symtab").iter_symbols()}
        size, align = tls["p_memsz"], tls["p_align"]
    system = System(library, {"program": program.read_bytes()}, False, FEW)
    assert system.start(), system.lines
    start = {"x86_64": -(-size // align) * -align, "aarch64": max(16, align), "riscv64": 0}[target]
    pointer = system.threads[0].pointer
    assert pointer % 16 == 0
    assert system.read(pointer + start + symbols["first"], 8) == (5).to_bytes(8, "little")
    assert system.read(pointer + start + symbols["second"], 3) == bytes((7, 8, 9))


def test_what_no_process_can_be_given(library, make):
    """Alignment beyond a page; arguments that take up the stack."""
    source = "__thread char wide __attribute__((aligned(8192))) = 1; int _start(void) { return wide; }"
    for files, arguments, expected in (
        ({"program": make("program", source)}, (), "larger alignment than a page"),
        ({"program": make("program", "int _start(void) { return 0; }")}, ("x" * 40000,), "more than half of its stack"),
    ):
        system = System(library, files, False, FEW)
        assert not system.start(arguments=arguments) and expected in system.lines[-1]
        assert system.alive() == (0, 0, 0) and not system.threads

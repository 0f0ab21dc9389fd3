"""Each call of the port fails in its turn: a message, nothing lost, and the service goes on."""

import re

import pytest

from .script import CLOSE, NO_MEMORY, NO_RIGHT, NOT_FOUND, OK, OPEN, PROCESS, START, SWEEP, SYMBOL
from .test_dlopen import DEFAULT, PLUGIN, PROGRAM, block_of, index

pytestmark = pytest.mark.tools

CALLS_MAX = 1000


def every_call(run_with):
    """run_with(n) until the n-th call is never reached; how many there were."""
    for number in range(1, CALLS_MAX):
        if not run_with(number):
            return number - 1
    raise AssertionError("too many calls")


def programs_of(result):
    """The numbers of the programs of the boot, whose end the verdict waits for."""
    found = [re.match(r"loader: (?:greet|audit) started: process (\d+)", line) for line in result.log]
    return [match[1] for match in found if match]


@pytest.mark.parametrize("moves", [False, True], ids=["shared", "moved"])
@pytest.mark.parametrize("linker", ["loader", "pack"])
def test_a_boot(pack, script, linker, moves):
    def boot(number, programs=(), starter=3):
        run = script().image(pack(linker)).add(*(["moves"] if moves else [])).begin(fail=number)
        run.request(starter, PROCESS, 0)
        run.request(starter, START, data=b"fortune")
        run.add(*(f"ended {program} 0" for program in programs))
        return run.run(status=1 if number == 1 else 0)

    def run_with(number):
        starter = 3
        result = boot(number)
        if number > 1 and result.replies[2].status == NO_RIGHT:  # it is the one that did not come up
            starter = 4
            result = boot(number, starter=starter)
        if not result.injected or number == 1:  # without a list of files there is no loader
            return result.injected and ["failed"] in result.rows("verdict")
        # All but one came up, whose failure has a message; the verdict knows of it. What only makes it faster may lack.
        whole = len(result.rows("thread")) == 6
        reasons = [line for line in result.log if " started: " not in line and "every program" not in line]
        assert whole or (len(result.rows("thread")) == 5 and reasons), result.log
        assert {reply.status for reply in result.replies.values()} == {OK}
        ended = boot(number, programs_of(result), starter)
        assert ended.rows("verdict") == [["passed" if whole else "failed"]]
        return True

    assert every_call(run_with) > (40 if linker == "loader" else 30)


@pytest.mark.parametrize("linker", ["loader", "pack"])
def test_a_start(pack, script, linker):
    def run_with(number):
        run = script().image(pack(linker)).begin()
        for process in (7, 8):  # what is cached is cached
            run.request(6, START, data=b"fortune")
            run.add(f"ended {process} 0")
        run.add("books", f"fail {number}")
        failed = run.request(6, START, data=b"fortune")
        run.add("fail 0", "books")
        again = run.request(6, START, data=b"fortune")
        result = run.run()
        if result.injected:
            assert result.replies[failed].status != OK and "fortune: " in result.log[-2]
            assert result.books[0] == result.books[1]
        assert result.replies[again].status == OK
        return result.injected

    assert every_call(run_with) > 8


def closing(script, pack, linker):
    """A program that opened and closed twice; its handle of what it opens."""
    archive = pack(linker)
    run = script().image(archive)
    if linker == "kernel":
        run.process(index(archive, PROGRAM), *block_of(pack("pack"), PROGRAM), before=True)
    run.begin()
    number = 2
    if linker != "kernel":
        number = 7
        run.request(6, START, data=PROGRAM.encode())
    return run, number


STRATEGIES = pytest.mark.parametrize("linker", ["loader", "pack", "kernel"])


def open_and_close(run, number, handle):
    run.request(number, OPEN, 0, data=PLUGIN)
    run.request(number, CLOSE, handle)
    run.request(number, SWEEP)


def count(run, number):
    """What a request found is kept until the next one, so this one comes before each count. It drops nothing else."""
    run.request(number, OPEN, 0, data=b"\0")
    run.add("books")


def handle_of_second_open(script, pack, linker, cycles):
    """Scripts go the same way each time: the address can be learned from an earlier run."""
    handles = []
    for _ in range(cycles):
        run, number = closing(script, pack, linker)
        for handle in handles:
            open_and_close(run, number, handle)
        row = run.request(number, OPEN, 0, data=PLUGIN)
        handles.append(run.run().replies[row].words[0])
    return handles


@STRATEGIES
def test_an_open(pack, script, linker):
    known = handle_of_second_open(script, pack, linker, 2)

    def run_with(number):
        run, process = closing(script, pack, linker)
        for handle in known:
            open_and_close(run, process, handle)
        start = run.dump(process)
        count(run, process)
        run.add(f"fail {number}")
        failed = run.request(process, OPEN, 0, data=PLUGIN)
        run.add("fail 0")
        count(run, process)
        after = run.dump(process)
        again = run.request(process, OPEN, 0, data=PLUGIN)
        result = run.run()
        if result.injected:
            assert result.replies[failed].status == NOT_FOUND and len(result.replies[failed].data) > 5
            assert result.books[0] == result.books[1]
            assert result.pages(start) == result.pages(after)
        assert result.replies[again].status == OK
        return result.injected

    assert every_call(run_with) > 5


@STRATEGIES
def test_a_close(pack, script, linker):
    known = handle_of_second_open(script, pack, linker, 3)

    def run_with(number):
        run, process = closing(script, pack, linker)
        for handle in known[:2]:
            open_and_close(run, process, handle)
        run.request(process, OPEN, 0, data=PLUGIN)
        count(run, process)
        run.add(f"fail {number}")
        closed = run.request(process, CLOSE, known[2])
        run.add("fail 0")
        count(run, process)
        run.request(process, SWEEP)
        serves = run.request(process, SYMBOL, DEFAULT, 0, data=b"own_data\0")
        result = run.run()
        if result.injected:
            refused = result.replies[closed].status == NO_MEMORY
            assert result.replies[closed].words[0] == 0
            assert refused or "what was closed stays" in "\n".join(result.log)
            assert result.books[0] == result.books[1]
        assert result.replies[serves].status == OK
        return result.injected

    every_call(run_with)


def test_an_adoption(pack, script):
    archive, packed = pack("kernel"), pack("pack")
    services = ("greet", "audit", "greet")

    def boot(number, programs=(), starter=3):
        run = script().image(archive)
        for name in services:
            run.process(index(archive, name), *block_of(packed, name), before=True)
        run.begin(fail=number)
        run.request(6, PROCESS, 0)
        run.add(*(f"ended {program} 0" for program in programs))
        return run.run(status=1 if number == 1 else 0)

    def run_with(number):
        result = boot(number)
        if result.injected and number > 1:
            assert len([line for line in result.log if " started: " in line]) == 2
            assert any("no memory" in line for line in result.log)
            assert result.replies[1].status == OK
            assert boot(number, programs_of(result)).rows("verdict") == [["failed"]]
        return result.injected

    assert every_call(run_with) >= 6


def test_linking_again_what_was_linked_elsewhere(pack, script):
    """The running process is not touched when that fails."""
    archive, packed = pack("kernel"), pack("pack")

    def run_with(number):
        run = script().image(archive)
        for _ in range(4):
            run.process(index(archive, "greet"), *block_of(packed, "greet"), before=True)
        run.begin()
        for process in (2, 3, 4):
            run.request(process, SYMBOL, DEFAULT, 0, data=b"main\0")
        start = run.dump(5)
        run.add("books", f"fail {number}")
        failed = run.request(5, OPEN, 0, data=b"\0")
        run.add("fail 0", "books")
        after = run.dump(5)
        again = run.request(5, OPEN, 0, data=b"\0")
        result = run.run()
        if result.injected:
            assert result.replies[failed].status == NOT_FOUND and len(result.replies[failed].data) > 5
            assert result.books[0] == result.books[1] and result.pages(start) == result.pages(after)
        assert result.replies[again].status == OK
        return result.injected

    assert every_call(run_with) > 2

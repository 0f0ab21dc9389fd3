"""What dies gives everything back: the kernel itself counts frames, small objects and handles, before and after."""

import pytest

from ambilink.machine.model import BootRequest, Verdict
from ambilink.report.boot import as_text

from . import cycles
from .entries import ENTRY_MAX, longest_entries
from .hostile import checks, hostile

pytestmark = pytest.mark.compiler

CYCLES = {"emulator": 100, "qemu": 10_000}  # of each kind; where a call costs microseconds, fewer


def test_everything_comes_back(system, machine):
    ends = {"arguments": [str(CYCLES[machine])], "grants": ["log"]}
    checks(hostile(system, "hostile-ends", hostile_ends=ends).boot(machine), "ends")


# A chain's links, pages of memory, turns that another thread had while that was made (the least); megabytes in all,
# and for this program.
LONG = {"emulator": ((1000, 20_000, 0), 160, 100), "qemu": ((20_000, 130_000, 4), 768, 550)}


def test_what_is_long_is_done_in_steps(system, machine):
    arguments, memory, own = LONG[machine]
    budget = {"memory": own << 20, "kernel-memory": memory * 3 << 14}
    chain = {"arguments": [str(each) for each in arguments], "grants": ["log"], **budget}
    checks(hostile(system, "hostile-chain", hostile_chain=chain).boot(machine, memory_megabytes=memory), "chain")


def test_no_entry_into_the_kernel_is_long(system):
    """Chains end, mappings alone in their page tables, tables of handles, a process that holds all it could get,
    and one that maps all addresses."""
    chain = {"arguments": ["500", "5000", "0"], "memory": 60 << 20, "kernel-memory": 2 << 20, "grants": ["log"]}
    ends = {"arguments": ["5"], "grants": ["log"]}
    most = {"memory": 30 << 20, "kernel-memory": 2 << 20}
    grows = {"stack": 8 << 20, "memory": 3 << 20, "kernel-memory": 256 << 10}
    names = "hostile-chain", "hostile-ends", "test-glutton", "test-grows"
    hostile(system, *names, hostile_chain=chain, hostile_ends=ends, test_glutton=most, test_grows=grows)
    outcome, entries = longest_entries(BootRequest(system.pack(), memory_megabytes=160, seed=1))
    assert outcome.verdict is Verdict.PASS, outcome.text
    assert len(entries) > 15 and max(entries.values()) < ENTRY_MAX, entries


def test_what_a_program_of_the_boot_had_is_there_for_others(system, machine):
    """It is kept to be looked at, until a budget cannot be made without it."""
    system.kernel = "test-kernel-books"
    takes = {"program": "test-given-back", "arguments": ["take"]}
    system.service("first", role="program", memory=50 << 20, **takes)
    for name, memory in {"small": 1 << 20, "large": 50 << 20}.items():
        system.service(name, role="on-demand", memory=memory, **takes)
    system.program("test-given-back", starts=["small", "large"], grants=["log"])
    result = system.boot(machine, memory_megabytes=96)
    text = result.outcome.text
    assert result.outcome.verdict is Verdict.PASS and not result.failures, text
    assert any(": given back: " in f": {line}" and line.endswith(" 0 failed") for line in text), text
    assert text[-1].startswith("books: balanced: ")
    assert result.report and [process.name for process in result.report.given_back] == ["first"]
    assert any(line.endswith("when they had ended: first") for line in as_text(result)), as_text(result)


@pytest.mark.parametrize("strategy", cycles.STRATEGIES)
def test_a_library_that_is_opened_and_closed_leaves_nothing(system, strategy):
    result = cycles.opens(system, strategy, 60).boot()
    assert result.outcome.verdict is Verdict.PASS, result.outcome.text


def test_a_program_that_is_started_and_waited_for_leaves_nothing(system):
    assert cycles.starts(system, "loader", 60).boot().outcome.verdict is Verdict.PASS


def test_the_books_balance_when_much_has_died(system):
    system.kernel = "test-kernel-books"
    ends = {"arguments": ["10"], "grants": ["log"]}
    result = hostile(system, "hostile-waits", "hostile-ends", hostile_ends=ends).boot()
    checks(result, "waits", "ends")
    assert result.outcome.text[-1].startswith("books: balanced: ")
    assert result.outcome.verdict is Verdict.PASS


def test_a_full_stack_of_the_kernel_is_reported(system, machine):
    system.kernel = "test-kernel-overflow"
    result = system.program("greet", arguments=["etc/none"]).boot(machine)
    assert result.outcome.verdict is Verdict.FAIL
    assert "kernel: panic: the kernel's stack is full, rip " in result.outcome.text[-1]

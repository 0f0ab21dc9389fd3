"""What dies gives everything back: the kernel itself counts frames, small objects and handles, before and after."""

from ambilink.machine.model import Verdict

from .hostile import checks, hostile

CYCLES = {"emulator": 100, "qemu": 10_000}  # of each kind; where a call costs microseconds, fewer


def test_everything_comes_back(system, machine):
    ends = {"arguments": [str(CYCLES[machine])], "grants": ["log"]}
    checks(hostile(system, "hostile-ends", hostile_ends=ends).boot(machine), "ends")


def test_the_books_balance_when_much_has_died(system):
    system.kernel = "test-kernel-books"
    result = hostile(system, "hostile-ends", hostile_ends={"arguments": ["10"], "grants": ["log"]}).boot()
    checks(result, "ends")
    assert result.outcome.text[-1].startswith("books: balanced: ")
    assert result.outcome.verdict is Verdict.PASS

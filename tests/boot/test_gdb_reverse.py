"""`ambilink boot --gdb` on the bundled emulator: steps, watchpoints, and the way back, by a real gdb."""

import re

import pytest

from tests.boot.conftest import whole
from tests.boot.debugging import debug, need_gdb


@pytest.fixture(autouse=True)
def gdb():
    need_gdb()


@pytest.fixture
def kernel(build, tmp_path):
    """A kernel that stops in many ways, with its debug file, in a folder of its own: the script goes beside it."""
    for name in ("test-stops", "test-stops.debug"):
        (tmp_path / name).write_bytes((build / name).read_bytes())
    return tmp_path / "test-stops"


def values(text, name):
    """What `info registers NAME` printed, each time."""
    return [int(each, 16) for each in re.findall(rf"^{name} +0x([0-9a-f]+)", text, re.MULTILINE)]


def test_a_fault_can_be_looked_at_and_gone_back_from(build, kernel):
    commands = ["info threads", "continue", "bt", "info registers rip", "reverse-stepi", "reverse-stepi"]
    commands += ["info registers rip", "break stop_by", "reverse-continue", "info args", "reverse-continue", "continue"]
    seen = debug(build, kernel, [], commands, more=("--append", "write"))
    assert seen.has('* 1    Thread 1 "kernel" (the CPU) ', "SIGSEGV", "write_nowhere ()")
    assert seen.has("write_nowhere ()", "#1 ", "stop_by", "#2 ", "main (")
    assert seen.has("Breakpoint", "stop_by (", "words = ", 'write"', "No more reverse-execution history", "stop_by (")
    last, before = values(seen.text, "rip")
    assert 0 < last - before <= 5
    # What was run again was printed once.
    assert seen.console.count("stops\n") == 1


def test_steps_forward_and_back_lead_over_the_same_instructions(build, system):
    image = whole(system).pack()
    steps = [word for _ in range(4) for word in ("stepi", "info registers rip")]
    back = [word for _ in range(4) for word in ("reverse-stepi", "info registers rip")]
    seen = debug(build, image, ["services/greet:main"], ["continue", "info registers rip", *steps, *back])
    places = values(seen.text, "rip")
    assert len(places) == 9 and len(set(places[:5])) == 5 and places[5:] == places[3::-1]


def test_who_wrote_a_value_is_found_by_going_back(build, kernel):
    """From a function back to the call that wrote its return address, and before that to what was there."""
    commands = ["continue", "watch -l *(unsigned long *) ($rsp + 8)", "reverse-continue", "info registers rip"]
    commands += ["reverse-continue", "continue", "info registers rip", "continue", "info registers rip"]
    seen = debug(build, kernel, ["write_nowhere"], commands, more=("--append", "write"))
    assert seen.has("Hardware watchpoint", "Old value = ", "New value = ", " <stop_by+")
    back, forward, again = values(seen.text, "rip")
    assert back < forward < again  # before the call, behind it, and at the breakpoint


def test_registers_and_memory_are_written(build, kernel):
    """What gdb writes is what the guest goes on with."""
    commands = ["continue", "set $rip = (unsigned long) &halt", "p/x $rip == (unsigned long) &halt"]
    commands += ["set *(unsigned int *) 0x200000 = 0x12345678", "x/1xw 0x200000", "stepi", "reverse-stepi"]
    commands += ["info registers rip", "p/x $xmm0", "p $st0", "p/x $efer"]
    seen = debug(build, kernel, ["write_nowhere"], commands, more=("--append", "write"))
    assert seen.has("= 0x1", "0x12345678", "<halt>")
    assert seen.has("= 0x500")

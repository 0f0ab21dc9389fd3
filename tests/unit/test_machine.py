"""Parts of the machines that need no guest."""

import mmap

import pytest

from ambilink.errors import AmbilinkError
from ambilink.machine.console import Console
from ambilink.machine.judge import Judge
from ambilink.machine.memory import MEGABYTE, PhysicalMemory, ranges_of
from ambilink.machine.model import Verdict
from ambilink.machine.qemu import _decision
from ambilink.verdict import AMBILINK_RULES
from ambilink.verify.expect import ExpectedLine, missing_line, read_expected


def test_memory_beyond_three_gigabytes_lies_above_four():
    low, high = ranges_of(4096 * MEGABYTE)
    assert (low.start, low.size) == (0, 3 << 30)
    assert (high.start, high.size, high.offset) == (4 << 30, 1 << 30, 3 << 30)


def test_physical_memory_refuses_what_is_not_there():
    memory = PhysicalMemory(mmap.mmap(-1, MEGABYTE), MEGABYTE)
    memory.write(MEGABYTE - 8, b"12345678")
    assert memory.word(MEGABYTE - 8) == int.from_bytes(b"12345678", "little")
    with pytest.raises(IndexError):
        memory.read(MEGABYTE - 4, 8)


def test_console_lines_and_the_last_partial_one():
    seen = []
    console = Console(seen.append)
    console.put(b"one\r\ntw", 1.0, 10)
    console.put(b"o\n\xff", 2.0, 20)
    console.finish(3.0, 30)
    assert [(line.text, line.instructions) for line in console.lines] == [("one", 10), ("two", 20), ("\ufffd", 30)]
    assert seen == console.lines


def test_exit_codes():
    judge = Judge(AMBILINK_RULES)
    assert judge.of_code(0x10)[0] is Verdict.PASS and judge.of_code(0x11)[0] is Verdict.FAIL
    assert judge.of_code(0x55)[0] is Verdict.FAIL
    status = {0: Verdict.RESET, -11: Verdict.BROKEN, 1: Verdict.BROKEN}
    status |= {0x10 << 1 | 1: Verdict.PASS, 0x11 << 1 | 1: Verdict.FAIL}
    assert {each: _decision(each, judge)[0] for each in status} == status
    assert [verdict.exit_status for verdict in Verdict] == [0, 1, 1, 1, 1, 1, 0, 99]


def test_expected_lines(tmp_path):
    console = ["alpha", "beta 12 gamma", "[x] delta?", "end"]

    def missing(console, *texts):
        found = missing_line(console, [ExpectedLine(text, f"e:{number}") for number, text in enumerate(texts, 1)])
        return str(found) if found else None

    assert missing(console, "alpha", "beta * gamma", "[x] delta?", "end") is None
    absent = "expected on the console and not found"
    assert missing(console, "beta*", "alpha") == (
        f"e:2: {absent}: alpha; it came before the line of e:1, and their order counts"
    )
    assert missing(console, "x delta?") == (  # only * is special
        f"e:1: {absent}: x delta?; the console has '[x] delta?': correct this line, or what prints it"
    )
    assert missing([], "a") == f"e:1: {absent}: a; correct this line, or what prints it"
    path = tmp_path / "expect"
    path.write_text("# comment\n\nline \n")
    assert read_expected(path) == [ExpectedLine("line", f"{path}:3")]
    with pytest.raises(AmbilinkError):
        read_expected(tmp_path / "none")

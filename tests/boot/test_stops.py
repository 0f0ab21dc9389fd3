"""Where a boot stops is reported to the instruction, for any kernel: stops/main.c stops in many ways."""

import re
from pathlib import Path

import pytest

from ambilink.boot import boot_and_verify
from ambilink.machine.model import BootRequest, Verdict
from ambilink.report.boot import as_text

SOURCE = Path(__file__).with_name("stops") / "main.c"


def boot(build, word, timeout=10.0):
    return boot_and_verify("emulator", BootRequest(build / "test-stops", arguments=word, timeout=timeout), build)


def line_of(text):
    if not text:
        return ")"
    lines = [number for number, line in enumerate(SOURCE.read_text().splitlines(), 1) if text in line]
    assert len(lines) == 1
    return f"tests/boot/stops/main.c:{lines[0]})"


@pytest.mark.parametrize(
    ("word", "verdict", "detail", "function", "line"),
    [
        ("read", Verdict.FAIL, "read from physical 0xb0000000", "read_nowhere", "(void)*(volatile uint64_t"),
        ("write", Verdict.FAIL, "wrote to physical 0xb0000010", "write_nowhere", "(NOWHERE + 0x10) = 1"),
        ("fault", Verdict.RESET, "page fault, write to 0x7000001234, not mapped;", "write_unmapped", "0x7000001234"),
        ("avx", Verdict.RESET, "triple fault: undefined instruction; then", "use_avx", "vmovaps"),
        ("halt", Verdict.HALTED, "halted for ever", "halt", "cli; hlt"),
        ("tables", Verdict.RESET, "page fault", "write_over_tables", ""),  # behind the load of CR3
        ("ports", Verdict.HALTED, "halted for ever", "halt", "cli; hlt"),
    ],
)
def test_the_instruction_its_function_and_line(build, word, verdict, detail, function, line):
    result = boot(build, word)
    assert result.outcome.verdict is verdict and detail in result.outcome.detail
    calls = result.stopped.calls
    assert calls[0].where.startswith(f"{function}+") and calls[0].where.endswith(line_of(line))
    assert f"in {calls[0].where}" in result.reasons[0] and f"{calls[0].address:#x}" in result.reasons[0]
    if word != "tables":  # whose stack is mapped no more
        names = [call.where.partition("+")[0] for call in calls[1:]]
        assert [each for each in names if each in ("stop_by", "main")] == ["stop_by", "main"]
    text = as_text(result)
    assert max(len(line) for line in text if re.match(r" +(rax|cs|code)", line)) <= 80
    assert result.stopped.place.registers["cs"] == 8


def test_a_jump_to_nowhere_names_the_caller(build):
    result = boot(build, "call")
    assert "executed physical 0xb0000020" in result.outcome.detail
    assert [call.where.partition("+")[0] for call in result.stopped.calls][1:4] == ["call_nowhere", "stop_by", "main"]


def test_an_instruction_that_is_not_emulated_is_named(build):
    result = boot(build, "avx")
    assert "no AVX" in result.reasons[1] and "c5 fc 28 c1" in result.reasons[1] and "use_avx" in result.reasons[1]


def test_an_endless_loop_is_located_at_the_deadline(build):
    result = boot(build, "spin", 0.2)
    assert result.outcome.verdict is Verdict.TIMEOUT
    assert result.stopped.calls[0].where.startswith("spin+") and "spin+" in result.reasons[0]


def test_registers_are_of_that_instruction(build):
    result = boot(build, "write")
    assert result.stopped.place.registers["rax"] == 0xB0000010 and result.stopped.code.startswith(b"\xc7\x00\x01")
    assert result.outcome.instructions == boot(build, "write").outcome.instructions

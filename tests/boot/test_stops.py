"""Where a boot stops is reported to the instruction, for any kernel: stops/main.c stops in many ways."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ambilink.boot import boot_and_verify
from ambilink.bootimage.identify import identify
from ambilink.machine.emulator.loops import find_loop
from ambilink.machine.model import BootRequest, Loop, Verdict
from ambilink.report.boot import as_text
from ambilink.report.record import as_json
from ambilink.verify.kernel_file import startable

SOURCE = Path(__file__).with_name("stops") / "main.c"


def boot(build, word, timeout=10.0, stops=True):
    request = BootRequest(build / "test-stops", arguments=word, timeout=timeout, stops_at_nothing=stops)
    return boot_and_verify("emulator", request, build)


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


@pytest.mark.parametrize(("word", "access", "line"), [("read", "read", "(void)*"), ("write", "written", "0x10) = 1")])
def test_what_is_not_there_is_as_on_a_pc_and_reported(build, word, access, line):
    """The kernel goes on; which instruction it was is reported, with all registers as they were there."""
    result, stopped = boot(build, word, stops=None), boot(build, word)
    assert result.outcome.verdict is Verdict.HALTED and result.exit_status == 1
    [touched] = result.touched
    names = [call.where.partition("+")[0] for call in touched.calls[:3]]
    assert names == [f"{word}_nowhere", "stop_by", "main"] and touched.calls[0].where.endswith(line_of(line))
    assert touched.touch.place.registers == stopped.stopped.place.registers
    text = "\n".join(as_text(result))
    address = f"physical {touched.touch.address:#x}"
    assert f"warning: {address} was {access}, where there is no memory and no device: at " in text
    assert f"#0 {touched.calls[0].address:#018x} {word}_nowhere+" in text
    record = as_json(result)["nowhere"][0]
    assert (record["kind"], record["accesses"], record["count"]) == ("memory", [access], 1)


def test_ports_that_no_device_has_are_reported_one_by_one_but_few(build):
    result = boot(build, "ports")
    ports = [each.touch for each in result.touched]
    assert len({touch.address for touch in ports}) == len(ports) == 64 and all(touch.is_port for touch in ports)
    assert not {touch.address for touch in ports} & {0x80, 0xF4, 0x3FF}
    lines = [line for line in result.warnings if "which no device has" in line]
    assert len(lines) == 6 and all("by write_ports+" in line and "stop_by+" in line for line in lines)
    assert "58 more ports were tried, see --json" in result.warnings


def test_this_projects_kernel_stops_where_nothing_is(build, tmp_path):
    """It probes nothing: such an access is a mistake of its own. A debugger is shown the place."""
    for is_image, port, expected in ((True, None, True), (False, None, False), (False, 1234, True)):
        request = BootRequest(build / "boot.img", debugger_port=port)
        given = startable("emulator", request, identify(request.image), None, tmp_path, is_image)
        assert given.stops_at_nothing is expected


def test_void_is_the_emulators(build):
    done = subprocess.run(
        [sys.executable, "-m", "ambilink", "boot", build / "test-stops", "--machine", "qemu", "--void", "stop"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "--void needs the bundled emulator" in done.stderr


def test_an_instruction_that_is_not_emulated_is_named(build):
    result = boot(build, "avx")
    assert "no AVX" in result.reasons[1] and "c5 fc 28 c1" in result.reasons[1] and "use_avx" in result.reasons[1]


def test_an_endless_loop_is_located_at_the_deadline(build):
    result = boot(build, "spin", 0.2)
    assert result.outcome.verdict is Verdict.TIMEOUT
    assert result.stopped.calls[0].where.startswith("spin+") and "spin+" in result.reasons[0]
    loop = result.stopped.place.loop
    assert loop.count == 2 and loop.first <= result.stopped.place.rip <= loop.last == loop.first + 2
    said = f"in a loop of 2 instructions from {loop.first:#x} to {loop.last:#x}, with interrupts off"
    assert said in result.reasons[0] and as_json(result)["cpu"]["loop"]["count"] == 2


def test_a_loop_is_one_that_comes_by_again():
    assert find_loop(iter([5, 9, 7, 5]).__next__) == Loop(5, 9, 3)
    assert find_loop(iter(range(10_000)).__next__) is None


def test_registers_are_of_that_instruction(build):
    result = boot(build, "write")
    assert result.stopped.place.registers["rax"] == 0xB0000010 and result.stopped.code.startswith(b"\xc7\x00\x01")
    assert result.outcome.instructions == boot(build, "write").outcome.instructions

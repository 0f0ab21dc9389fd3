"""Parts of the machines that need no guest."""

import mmap

import pytest

from ambilink.errors import AmbilinkError
from ambilink.machine.console import Console
from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.emulator.devices import InterruptController, Serial, Speaker, Timer, WallClock
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


def test_the_timer_ticks_at_its_rate():
    now = 0
    timer = Timer(lambda: now)
    for port, value in ((0x43, 0x34), (0x40, 11932 & 0xFF), (0x40, 11932 >> 8)):
        timer.write(port, value)
    assert timer.next_tick == 11932 * 1_000_000_000 // 1193182
    for _ in range(100):
        timer.fire()
    assert abs(timer.next_tick - 101 * 10_000_150) < 1000
    now = 5_000_000
    timer.write(0x43, 0)
    count = timer.read(0x40) | timer.read(0x40) << 8
    assert abs(count - 11932 / 2) < 5


def test_the_interrupt_controller_serves_one_at_a_time():
    pic = InterruptController()
    for port, value in ((0x20, 0x11), (0x21, 32), (0x21, 4), (0x21, 1), (0x21, 0xFE)):
        pic.write(port, value)
    pic.request(3)  # masked
    assert not pic.pending
    pic.request(0)
    assert pic.pending and pic.acknowledge() == 32
    pic.request(0)
    assert not pic.pending  # in service until the end of interrupt
    pic.write(0x20, 0x20)
    assert pic.pending


def test_the_serial_line_answers_those_who_look_for_it():
    sent = bytearray()
    serial = Serial(sent.extend)
    serial.write(0x3FF, 0xA5)
    assert serial.read(0x3FF) == 0xA5
    for port, value in ((0x3FB, 0x80), (0x3F8, 1), (0x3F9, 0), (0x3FB, 3), (0x3FC, 0x1E), (0x3F8, 0xAE)):
        serial.write(port, value)
    assert serial.read(0x3FB) == 3 and not sent
    assert serial.read(0x3FD) & 1 and serial.read(0x3F8) == 0xAE and not serial.read(0x3FD) & 1
    assert serial.read(0x3FE) & 0xF0 == 0xD0  # RTS, OUT1, OUT2
    serial.write(0x3FC, 0x0F)
    serial.write(0x3F8, 0x41)
    assert sent == b"A" and serial.read(0x3FD) & 0x60 == 0x60


def test_the_speakers_channel_counts_while_its_gate_is_open():
    now = 0
    speaker = Speaker(lambda: now)
    for port, value in ((0x61, 0), (0x42, 0x9C), (0x42, 0x2E), (0x61, 1)):  # 11932: 10 ms
        speaker.write(port, value)
    assert not speaker.read(0x61) & 0x20
    now = 5_000_000
    assert abs((speaker.read(0x42) | speaker.read(0x42) << 8) - 11932 / 2) < 5
    now = 10_000_200
    assert speaker.read(0x61) & 0x21 == 0x21


def test_the_cpu_does_not_claim_an_apic():
    memory = PhysicalMemory(mmap.mmap(-1, MEGABYTE), MEGABYTE)
    memory.write(0x1000, bytes.fromhex("b801000000 0fa2 f4"))  # mov eax, 1; cpuid; hlt
    cpu = Cpu(memory, lambda port, size: 0, lambda port, size, value: None)
    cpu.enter_protected_mode(0x1000, 0)
    assert cpu.run(100) == 3 and cpu.halted
    ecx, edx = cpu.context.registers[1], cpu.context.registers[2]
    assert not edx & 1 << 9 and not ecx & (1 << 21 | 1 << 24)
    assert edx & 1 << 26 and edx & 1 << 6  # SSE2, PAE: the rest is there


def test_the_wall_clock_starts_at_one_instant():
    clock = WallClock(lambda: 61_000_000_000)
    values = []
    for index in (0, 2, 4, 7, 8, 9):
        clock.write(0x70, index)
        values.append(clock.read(0x71))
    assert values == [0x01, 0x01, 0x12, 0x01, 0x11, 0x24]


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

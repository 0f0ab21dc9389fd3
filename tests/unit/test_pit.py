"""The emulated 8254, by its data sheet."""

import pytest

from ambilink.machine.emulator.devices.pit import ControlPort, Timer, clocks_at, instant_of


class Box:
    def __init__(self):
        self.clocks = 0  # of the timer, since power-on
        self.ticks = 0
        self.timer = Timer(lambda: instant_of(self.clocks), self._tick)
        self.port = ControlPort(lambda: instant_of(self.clocks), self.timer)

    def _tick(self):
        self.ticks += 1

    def control(self, channel, access, mode, bcd=0):
        self.timer.write(0x43, channel << 6 | access << 4 | mode << 1 | bcd)

    def load(self, channel, count):
        self.timer.write(0x40 + channel, count & 0xFF)
        self.timer.write(0x40 + channel, count >> 8)

    def count(self, channel):
        self.timer.write(0x43, channel << 6)
        return self.timer.read(0x40 + channel) | self.timer.read(0x40 + channel) << 8

    def status(self, channel):
        self.timer.write(0x43, 0xE0 | 2 << channel)
        return self.timer.read(0x40 + channel)

    def output(self, channel):
        return self.status(channel) >> 7

    def outputs(self, channel, number):
        """One after each clock."""
        seen = []
        for _ in range(number):
            self.clocks += 1
            seen.append(self.output(channel))
        return seen


def test_time_and_clocks_agree():
    assert [clocks_at(instant_of(each)) for each in (0, 1, 2, 1193182, 10**12)] == [0, 1, 2, 1193182, 10**12]
    assert instant_of(1193182) == 1_000_000_000


def test_mode_0_rises_a_clock_after_its_count_and_stays():
    box = Box()
    box.control(0, 3, 0)
    assert box.output(0) == 0
    box.load(0, 4)
    assert box.outputs(0, 8) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert box.timer.next_event is None


def test_mode_0_wraps_and_a_new_count_begins_again():
    box = Box()
    box.control(0, 3, 0)
    box.load(0, 4)
    box.clocks += 7
    assert box.count(0) == 0xFFFE
    box.load(0, 3)
    assert box.outputs(0, 5) == [0, 0, 0, 1, 1]


def test_mode_0_stops_while_its_gate_is_low():
    box = Box()
    box.port.write(0x61, 1)
    box.control(2, 3, 0)
    box.load(2, 10)
    box.clocks += 4
    assert box.count(2) == 7
    box.port.write(0x61, 0)
    box.clocks += 100
    assert box.count(2) == 7 and not box.port.read(0x61) & 0x20
    box.port.write(0x61, 1)
    box.clocks += 7
    assert box.count(2) == 0 and box.port.read(0x61) & 0x21 == 0x21


def test_mode_1_waits_for_its_gate():
    box = Box()
    box.control(2, 3, 1)
    box.load(2, 3)
    assert box.outputs(2, 3) == [1, 1, 1] and box.status(2) & 0x40
    box.port.write(0x61, 1)
    assert box.outputs(2, 5) == [0, 0, 0, 1, 1]
    box.port.write(0x61, 0)
    box.port.write(0x61, 1)
    assert box.outputs(2, 2) == [0, 0]
    box.port.write(0x61, 0)
    box.port.write(0x61, 1)  # again
    assert box.outputs(2, 4) == [0, 0, 0, 1]


def test_mode_2_is_low_for_the_last_clock_of_each_period():
    box = Box()
    box.control(0, 3, 2)
    box.load(0, 4)
    assert box.outputs(0, 9) == [1, 1, 1, 0, 1, 1, 1, 0, 1]
    assert box.count(0) == 4


@pytest.mark.parametrize(("count", "outputs"), ((4, [1, 1, 0, 0, 1, 1, 0, 0]), (5, [1, 1, 1, 0, 0, 1, 1, 1])))
def test_mode_3_is_a_square_wave(count, outputs):
    box = Box()
    box.control(0, 3, 3)
    box.load(0, count)
    assert box.outputs(0, 8) == outputs


def test_mode_3_counts_by_two():
    box = Box()
    box.control(0, 3, 3)
    box.load(0, 8)
    box.clocks += 1
    seen = []
    for _ in range(9):
        seen.append(box.count(0))
        box.clocks += 1
    assert seen == [8, 6, 4, 2, 8, 6, 4, 2, 8]


@pytest.mark.parametrize("mode", (4, 5))
def test_modes_4_and_5_strobe_for_one_clock(mode):
    box = Box()
    box.port.write(0x61, 0 if mode == 5 else 1)
    box.control(2, 3, mode)
    box.load(2, 3)
    box.port.write(0x61, 1)
    assert box.outputs(2, 6) == [1, 1, 1, 0, 1, 1]


def test_modes_6_and_7_are_2_and_3():
    box = Box()
    for mode in (6, 7):
        box.control(0, 3, mode)
        assert box.status(0) >> 1 & 7 == mode - 4


def test_a_new_period_waits_for_the_old_ones_end():
    box = Box()
    box.control(0, 3, 2)
    box.load(0, 10)
    box.clocks += 6
    box.load(0, 4)
    assert box.status(0) & 0x40 and box.count(0) == 5
    box.clocks += 5
    assert box.count(0) == 4 and not box.status(0) & 0x40


def test_a_single_byte_is_the_low_or_the_high_one():
    box = Box()
    box.control(0, 1, 0)
    box.timer.write(0x40, 0x34)
    box.clocks += 1
    assert box.timer.read(0x40) == 0x34 and box.timer.read(0x40) == 0x34
    box.control(0, 2, 0)
    box.timer.write(0x40, 0x12)
    box.clocks += 1
    assert box.timer.read(0x40) == 0x12
    assert box.status(0) & 0x30 == 0x20


def test_zero_is_the_longest_count():
    box = Box()
    for bcd, first in ((0, 0xFFFF), (1, 0x9999)):
        box.control(0, 3, 2, bcd)
        box.load(0, 0)
        box.clocks += 2
        assert box.count(0) == first


def test_bcd_counts_in_decimal():
    box = Box()
    box.control(0, 3, 2, 1)
    box.load(0, 0x1000)
    box.clocks += 2
    assert box.count(0) == 0x0999
    box.clocks += 99
    assert box.count(0) == 0x0900 and box.status(0) & 1


def test_a_latched_count_stays_until_it_is_read():
    box = Box()
    box.control(0, 3, 2)
    box.load(0, 0x1234)
    box.clocks += 1
    box.timer.write(0x43, 0)
    box.clocks += 100
    box.timer.write(0x43, 0)  # ignored
    assert box.timer.read(0x40) | box.timer.read(0x40) << 8 == 0x1234
    assert box.timer.read(0x40) | box.timer.read(0x40) << 8 == 0x1234 - 100


def test_read_back_gives_status_before_count():
    box = Box()
    box.control(0, 3, 2)
    assert box.status(0) == 0xF4  # output, no count yet, both bytes, mode 2
    box.load(0, 0x1234)
    box.clocks += 1
    box.timer.write(0x43, 0xC2)
    assert [box.timer.read(0x40) for _ in range(3)] == [0xB4, 0x34, 0x12]


def test_ticks_come_at_their_instants():
    box = Box()
    box.control(0, 3, 2)
    box.load(0, 11932)
    for number in range(1, 4):
        assert clocks_at(box.timer.next_event) == 1 + 11932 * number
        box.clocks = 1 + 11932 * number
        box.timer.run_events()
        assert box.ticks == number


def test_a_bios_leaves_it_running_at_18_hertz():
    box = Box()
    assert box.status(0) & 0x3F == 0x36 and clocks_at(box.timer.next_event) == 0x10000


def test_the_control_port_keeps_bits_and_shows_the_refresh():
    box = Box()
    box.port.write(0x61, 0xFF)
    assert box.port.read(0x61) & 0x0F == 0x0F
    seen = set()
    for _ in range(40):
        box.clocks += 1
        seen.add(box.port.read(0x61) & 0x10)
    assert seen == {0, 0x10}

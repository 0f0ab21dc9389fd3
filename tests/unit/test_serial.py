"""The emulated 16550A, by its data sheet's tables."""

import pytest

from ambilink.machine.emulator.devices.serial import BASE, Serial

DATA, ENABLE, IDENTITY, LINE, MODEM, LINE_STATUS, MODEM_STATUS, SCRATCH = range(BASE, BASE + 8)
FIFO = IDENTITY
CHARACTER = 10 * 1_000_000_000 // 115200  # nanoseconds at a divisor of 1


class Box:
    def __init__(self, loopback=True):
        self.now = 0
        self.sent = bytearray()
        self.up = False
        self.serial = Serial(lambda: self.now, self.sent.extend, self.raise_line)
        for port, value in ((LINE, 0x80), (DATA, 1), (ENABLE, 0), (LINE, 3)):
            self.serial.write(port, value)
        self.serial.write(MODEM, 0x1B if loopback else 0x0B)
        self.serial.read(MODEM_STATUS)  # what changed

    def raise_line(self, is_up):
        self.up = is_up

    def send(self, data):
        for each in data:
            self.serial.write(DATA, each)

    def read(self, port):
        return self.serial.read(port)


@pytest.mark.parametrize("value", (0, 0x55, 0xAA, 0xFF))
def test_the_scratch_register_keeps_a_byte(value):
    box = Box()
    box.serial.write(SCRATCH, value)
    assert box.read(SCRATCH) == value


def test_the_divisor_latch_hides_data_and_enable():
    box = Box()
    box.serial.write(ENABLE, 0x05)
    box.serial.write(LINE, 0x83)
    assert (box.read(DATA), box.read(ENABLE)) == (1, 0)
    box.serial.write(DATA, 0x0C)
    box.serial.write(ENABLE, 0x34)
    box.serial.write(LINE, 0x03)
    assert box.read(ENABLE) == 0x05 and box.read(LINE) == 3
    box.serial.write(LINE, 0x83)
    assert (box.read(DATA), box.read(ENABLE)) == (0x0C, 0x34)


def test_unused_bits_read_zero():
    box = Box()
    box.serial.write(ENABLE, 0xFF)
    box.serial.write(MODEM, 0xFF)
    assert (box.read(ENABLE), box.read(MODEM)) == (0x0F, 0x1F)


def test_loopback_returns_what_is_sent_and_sends_nothing():
    box = Box()
    box.send(b"\xae")
    assert box.read(LINE_STATUS) == 0x61
    assert box.read(DATA) == 0xAE and box.read(LINE_STATUS) == 0x60 and not box.sent


def test_loopback_cuts_characters_to_their_length():
    box = Box()
    box.serial.write(LINE, 0)  # five bits
    box.send(b"\xff")
    assert box.read(DATA) == 0x1F


@pytest.mark.parametrize(("outputs", "inputs"), ((1, 0x20), (2, 0x10), (4, 0x40), (8, 0x80), (15, 0xF0), (0, 0)))
def test_loopback_connects_the_modem_lines(outputs, inputs):
    box = Box()
    box.serial.write(MODEM, 0x10 | outputs)
    assert box.read(MODEM_STATUS) & 0xF0 == inputs
    assert box.read(MODEM_STATUS) & 0x0F == 0  # reading forgets what changed


def test_modem_lines_that_changed_are_noted():
    box = Box()
    for before, after, changed in ((0, 1, 0x02), (0, 2, 0x01), (4, 0, 0x04), (0, 4, 0), (0, 8, 0x08)):
        box.serial.write(MODEM, 0x10 | before)
        box.read(MODEM_STATUS)
        box.serial.write(MODEM, 0x10 | after)
        assert box.read(MODEM_STATUS) & 0x0F == changed


def test_without_fifo_a_second_character_overruns_the_first():
    box = Box()
    box.send(b"ab")
    assert box.read(LINE_STATUS) & 0x03 == 0x03
    assert not box.read(LINE_STATUS) & 0x02  # reading forgets it
    assert box.read(DATA) == ord("b")


def test_the_fifo_holds_sixteen_and_drops_the_next():
    box = Box()
    box.serial.write(FIFO, 0x01)
    box.send(bytes(range(17)))
    assert box.read(LINE_STATUS) & 0x02
    assert [box.read(DATA) for _ in range(16)] == list(range(16)) and not box.read(LINE_STATUS) & 1


def test_the_fifo_can_be_cleared_and_is_when_switched():
    box = Box()
    for control in (0x03, 0x00, 0x01):
        box.serial.write(FIFO, 0x01 if control != 0x01 else 0x00)
        box.send(b"a")
        box.serial.write(FIFO, control)
        assert not box.read(LINE_STATUS) & 1
    assert box.read(IDENTITY) == 0xC1


@pytest.mark.parametrize(("control", "level"), ((0x01, 1), (0x41, 4), (0x81, 8), (0xC1, 14)))
def test_the_trigger_level_asks_at_once_and_less_after_four_characters(control, level):
    box = Box()
    box.serial.write(FIFO, control)
    box.serial.write(ENABLE, 0x01)
    box.send(bytes(level - 1))
    assert box.read(IDENTITY) == 0xC1
    if level > 1:
        assert abs(box.serial.next_event - 4 * CHARACTER) < 10
        box.now = box.serial.next_event
        box.serial.run_events()
        assert box.read(IDENTITY) == 0xCC
    box.send(b"x")
    assert box.read(IDENTITY) == 0xC4
    box.read(DATA)
    assert box.read(IDENTITY) == 0xC1


def test_the_most_urgent_reason_is_named_first():
    box = Box()
    box.serial.write(ENABLE, 0x0F)
    box.send(b"ab")  # an overrun, data, and the transmitter is empty
    box.serial.write(MODEM, 0x1A)  # DSR changes
    assert box.read(IDENTITY) == 0x06
    box.read(LINE_STATUS)
    assert box.read(IDENTITY) == 0x04
    box.read(DATA)
    assert box.read(IDENTITY) == 0x02  # and reading it is the answer
    assert box.read(IDENTITY) == 0x00
    box.read(MODEM_STATUS)
    assert box.read(IDENTITY) == 0x01


def test_the_line_follows_enable_and_out2():
    box = Box(loopback=False)
    box.serial.write(ENABLE, 0x02)
    assert box.up and box.read(IDENTITY) == 0x02 and not box.up
    box.send(b"A")
    assert box.up and box.sent == b"A"
    box.serial.write(MODEM, 0x03)
    assert not box.up
    box.serial.write(MODEM, 0x0B)
    assert box.up
    box.serial.write(ENABLE, 0)
    assert not box.up


def test_keys_come_from_the_first_output_on_as_there_is_room():
    box = Box(loopback=False)
    box.serial.type(bytes(range(40)))
    assert not box.read(LINE_STATUS) & 1
    box.send(b">")
    box.serial.write(FIFO, 0x01)
    box.serial.write(ENABLE, 0x01)
    assert box.up
    assert [box.read(DATA) for _ in range(39)] == list(range(1, 40))  # the first was in the way of the FIFO
    assert not box.up and not box.read(LINE_STATUS) & 2

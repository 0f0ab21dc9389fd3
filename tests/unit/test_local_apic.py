"""The emulated local APIC and IO-APIC, by Intel's manual (volume 3A, chapter 11) and the 82093AA's data sheet."""

import pytest

from ambilink.machine.emulator.devices.io_apic import IoApic
from ambilink.machine.emulator.devices.local_apic import LocalApic, ProtectionFault

SPURIOUS, TIMER, LINT0, INITIAL, CURRENT, DIVIDE = 0xF0, 0x320, 0x350, 0x380, 0x390, 0x3E0
END, PRIORITY, RUNNING, ERRORS, COMMAND, ERROR = 0xB0, 0x80, 0xA0, 0x280, 0x300, 0x370


class Box:
    def __init__(self):
        self.now = 0
        self.local = LocalApic(lambda: self.now, ended=lambda vector: self.io.end(vector))
        self.io = IoApic(self.local)

    def on(self):
        self.local.write(SPURIOUS, 0x1FF)
        return self

    def vectors(self, offset):
        parts = [self.local.read(offset + 16 * part) for part in range(8)]
        return {32 * at + bit for at, part in enumerate(parts) for bit in range(32) if part >> bit & 1}

    def entry(self, pin, value):
        for half, register in ((value >> 32, 0x11 + 2 * pin), (value & 0xFFFFFFFF, 0x10 + 2 * pin)):
            self.io.write(0, register)
            self.io.write(0x10, half)

    def read_entry(self, pin):
        self.io.write(0, 0x10 + 2 * pin)
        return self.io.read(0x10)


def test_a_bios_leaves_it_on_and_it_passes_the_8259s_on():
    box = Box()
    local = box.local
    assert local.read(0x20) == 0 and local.read(0x30) == 0x50014 and local.read(SPURIOUS) == 0x1FF
    assert local.base == 0xFEE00900 and local.read(LINT0) == 0x8700 and local.read(TIMER) == 0x10000
    local.set_external(True)
    assert local.pending and local.acknowledge() is None
    local.write(SPURIOUS, 0x1FF)
    local.write(LINT0, 0x10700)
    assert not local.pending


def test_the_highest_class_comes_first_and_in_service_ones_wait():
    box = Box().on()
    for vector in (0x31, 0x62, 0x65):
        box.local.receive(vector)
    assert box.vectors(0x200) == {0x31, 0x62, 0x65}
    assert box.local.acknowledge() == 0x65 and box.vectors(0x100) == {0x65} and box.local.read(RUNNING) == 0x60
    assert not box.local.pending  # of the same class
    box.local.write(END, 0)
    assert box.local.acknowledge() == 0x62
    box.local.write(END, 0)
    assert box.local.acknowledge() == 0x31


def test_the_task_priority_holds_classes_back():
    box = Box().on()
    box.local.write(PRIORITY, 0x50)
    box.local.receive(0x5F)
    assert not box.local.pending and box.local.read(RUNNING) == 0x50
    box.local.control_8 = 4
    assert box.local.pending and box.local.read(PRIORITY) == 0x40


@pytest.mark.parametrize(
    ("code", "divisor"), ((0, 2), (1, 4), (2, 8), (3, 16), (8, 32), (9, 64), (10, 128), (11, 1))
)
def test_the_timer_divides(code, divisor):
    box = Box().on()
    box.local.write(DIVIDE, code)
    box.local.write(TIMER, 0x40)
    box.local.write(INITIAL, 1000)
    assert box.local.next_event == 1000 * divisor
    box.now = 400 * divisor
    assert box.local.read(CURRENT) == 600 and box.local.read(INITIAL) == 1000


def test_one_shot_and_periodic():
    box = Box().on()
    box.local.write(DIVIDE, 11)
    box.local.write(TIMER, 0x40)
    box.local.write(INITIAL, 100)
    box.now = 100
    box.local.run_events()
    assert box.local.acknowledge() == 0x40 and box.local.next_event is None and box.local.read(CURRENT) == 0
    box.local.write(END, 0)
    box.local.write(TIMER, 0x20040)
    box.local.write(INITIAL, 100)
    for number in (1, 2, 3):
        box.now = 100 + 100 * number
        box.local.run_events()
        assert box.local.acknowledge() == 0x40 and box.local.read(CURRENT) == 100
        box.local.write(END, 0)
    box.local.write(INITIAL, 0)
    assert box.local.next_event is None


def test_a_masked_timer_counts_and_is_silent():
    box = Box().on()
    box.local.write(DIVIDE, 11)
    box.local.write(TIMER, 0x10040)
    box.local.write(INITIAL, 100)
    box.now = 100
    box.local.run_events()
    assert not box.local.pending and not box.local.wakes


def test_the_deadline():
    box = Box().on()
    box.local.write(TIMER, 0x40040)
    box.local.write_msr(0x6E0, 5000, 1000)
    assert box.local.next_event == 4000 and box.local.read_msr(0x6E0, 1000) == 5000
    box.now = 4000
    box.local.run_events()
    assert box.local.acknowledge() == 0x40 and box.local.read_msr(0x6E0, 5000) == 0
    box.local.write_msr(0x6E0, 9000, 5000)
    box.local.write_msr(0x6E0, 0, 5000)
    assert box.local.next_event is None
    box.local.write(INITIAL, 7)
    assert box.local.next_event is None and box.local.read(CURRENT) == 0
    box.local.write_msr(0x6E0, 9000, 5000)
    box.local.write(TIMER, 0x40)  # another mode disarms it
    assert box.local.next_event is None


def test_off_by_software_masks_the_local_table():
    box = Box().on()
    box.local.write(TIMER, 0x40)
    box.local.write(SPURIOUS, 0xFF)
    assert box.local.read(TIMER) == 0x10040
    box.local.write(TIMER, 0x40)
    assert box.local.read(TIMER) == 0x10040
    box.local.receive(0x50)
    assert not box.local.pending


@pytest.mark.parametrize("command", (0x40050, 0x80050, 0x00050, 0x40150))
def test_it_interrupts_itself(command):
    box = Box().on()
    box.local.write(COMMAND, command)
    assert box.local.acknowledge() == 0x50 and not box.local.read(COMMAND) & 0x1000


def test_for_nobody():
    box = Box().on()
    box.local.write(0x310, 5 << 24)
    for command in (0x50, 0xC0050):
        box.local.write(COMMAND, command)
    assert not box.local.pending


@pytest.mark.parametrize(
    ("model", "destination", "is_mine"), ((0xF, 6, True), (0xF, 8, False), (0, 0x26, True), (0, 0x36, False))
)
def test_logical_destinations(model, destination, is_mine):
    box = Box().on()
    box.local.write(0xD0, 0x22 << 24)
    box.local.write(0xE0, model << 28 | 0x0FFFFFFF)
    box.local.write(0x310, destination << 24)
    box.local.write(COMMAND, 0x850)
    assert box.local.pending is is_mine


def test_an_nmi_to_itself():
    box = Box()
    box.local.write(COMMAND, 0x40402)
    assert box.local.pending and box.local.take_nmi() and not box.local.pending


def test_errors_are_latched_by_a_write_and_interrupt():
    box = Box().on()
    box.local.write(ERROR, 0x60)
    box.local.write(COMMAND, 0x40005)
    assert box.local.read(ERRORS) == 0
    box.local.write(ERRORS, 0)
    assert box.local.read(ERRORS) == 0x20 and box.local.acknowledge() == 0x60
    box.local.write(0x3A0, 1)
    box.local.write(ERRORS, 0)
    assert box.local.read(ERRORS) == 0x80


def test_x2_is_by_msrs():
    box = Box()
    local = box.local
    with pytest.raises(ProtectionFault):
        local.read_msr(0x802, 0)
    local.write_msr(0x1B, 0xFEE00D00, 0)
    assert local.read_msr(0x802, 0) == 0 and local.read_msr(0x80D, 0) == 1 and local.read(0x30) == 0xFFFFFFFF
    local.write_msr(0x80F, 0x1FF, 0)
    local.write_msr(0x83F, 0x70, 0)
    assert local.acknowledge() == 0x70
    local.write_msr(0x80B, 0, 0)
    local.write_msr(0x830, 0x4_0051 | 0xFFFFFFFF << 32, 0)
    assert local.acknowledge() == 0x51
    for msr, value in ((0x80B, 1), (0x802, 1), (0x80E, 1), (0x831, 1), (0x808, 1 << 32), (0x1B, 0xFEE00900)):
        with pytest.raises(ProtectionFault):
            local.write_msr(msr, value, 0)
    for msr in (0x80E, 0x831, 0x83F, 0x80B):
        with pytest.raises(ProtectionFault):
            local.read_msr(msr, 0)
    local.write_msr(0x1B, 0xFEE00100, 0)
    with pytest.raises(ProtectionFault):
        local.write_msr(0x1B, 0xFEE00D00, 0)
    local.write_msr(0x1B, 0xFEE00900, 0)
    assert local.read(SPURIOUS) == 0xFF


def test_the_io_apics_registers():
    box = Box()
    box.io.write(0, 1)
    assert box.io.read(0x10) == 0x170020
    box.io.write(0, 0)
    box.io.write(0x10, 0x03000000)
    assert box.io.read(0x10) == 0x03000000
    assert [box.read_entry(pin) for pin in (0, 23)] == [0x10000] * 2
    box.entry(5, 0xFFFFFFFFFFFFFFFF)
    assert box.read_entry(5) == 0x1AFFF


def test_an_edge_comes_once_and_the_timers_line_is_pin_2():
    box = Box().on()
    box.entry(2, 0x41)
    box.io.set_line(0, True)
    assert box.local.acknowledge() == 0x41
    box.local.write(END, 0)
    assert not box.local.pending
    box.io.set_line(0, False)
    box.io.set_line(0, True)
    assert box.local.pending


def test_a_level_comes_again_after_its_end():
    box = Box().on()
    box.entry(9, 0x8049)
    box.io.set_line(9, True)
    assert box.local.acknowledge() == 0x49 and box.read_entry(9) & 0x4000 and box.vectors(0x180) == {0x49}
    box.local.write(END, 0)
    assert box.local.acknowledge() == 0x49
    box.io.set_line(9, False)
    box.local.write(END, 0)
    assert not box.local.pending and not box.read_entry(9) & 0x4000


def test_masked_and_for_others():
    box = Box().on()
    box.entry(4, 0x10044)
    box.io.set_line(4, True)
    box.io.set_line(4, False)
    box.entry(4, 0x44 | 7 << 56)
    box.io.set_line(4, True)
    assert not box.local.pending
    box.entry(5, 0x845 | 1 << 56)
    box.local.write(0xD0, 1 << 24)
    box.io.set_line(5, True)
    assert box.local.acknowledge() == 0x45

"""ACPI's tables and registers, the CMOS clock, the keyboard controller, and what CPUID says, in the emulator."""

import mmap
import struct

from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.emulator.devices.acpi import write_tables
from ambilink.machine.emulator.devices.bus import Bus
from ambilink.machine.emulator.devices.chipset import Chipset
from ambilink.machine.emulator.devices.cmos import WallClock
from ambilink.machine.emulator.devices.keyboard import Keyboard
from ambilink.machine.emulator.devices.power import Power, ResetRegister
from ambilink.machine.memory import MEGABYTE, PhysicalMemory

SECOND = 1_000_000_000


def memory():
    return PhysicalMemory(mmap.mmap(-1, MEGABYTE), MEGABYTE)


def table(ram, address):
    size = struct.unpack("<I", ram.read(address + 4, 4))[0]
    data = ram.read(address, size)
    assert sum(data) & 0xFF == 0, data[:4]
    return data


def test_acpi_leads_from_the_rsdp_to_every_table():
    ram = memory()
    at = write_tables(ram)
    found = next(each for each in range(0xE0000, 0x100000, 16) if ram.read(each, 8) == b"RSD PTR ")
    assert found == at and ram.read(0x40E, 2) == b"\xc0\x9f"
    pointer = ram.read(at, 36)
    assert sum(pointer[:20]) & 0xFF == 0 and sum(pointer) & 0xFF == 0 and pointer[15] == 2
    rsdt, xsdt = table(ram, struct.unpack("<I", pointer[16:20])[0]), table(ram, struct.unpack("<Q", pointer[24:32])[0])
    narrow = struct.unpack(f"<{(len(rsdt) - 36) // 4}I", rsdt[36:])
    assert narrow == struct.unpack(f"<{(len(xsdt) - 36) // 8}Q", xsdt[36:])
    tables = {table(ram, each)[:4]: table(ram, each) for each in narrow}
    assert set(tables) == {b"FACP", b"APIC"}
    fadt = tables[b"FACP"]
    assert len(fadt) == 244 and struct.unpack("<I", fadt[56:60]) == (0x600,)
    assert struct.unpack("<I", fadt[64:68]) == (0x604,) and struct.unpack("<I", fadt[76:80]) == (0x608,)
    assert struct.unpack("<HB", fadt[109:112]) == (3, 0) and fadt[108] == 0x32
    assert fadt[116:120] == b"\x01\x08\x00\x01" and struct.unpack("<QB", fadt[120:129]) == (0xCF9, 6)
    assert struct.unpack("<I", fadt[112:116])[0] & 1 << 10 and fadt[148:152] == b"\x01\x20\x00\x02"
    dsdt = table(ram, struct.unpack("<I", fadt[40:44])[0])
    assert dsdt[36:].startswith(b"\x08_S5_\x12\x06\x04\x00\x00\x00\x00")
    # EisaId ("PNP0501") is 0x0105D041; its ports and interrupt, and where its resources end.
    com1 = dsdt.partition(b"COM1")[2]
    assert com1.startswith(b"\x08_HID\x0c\x41\xd0\x05\x01\x08_CRS\x11")
    assert b"\x47\x01\xf8\x03\xf8\x03\x01\x08\x22\x10\x00\x79\x00\x5b\x82" in com1
    facs = struct.unpack("<I", fadt[36:40])[0]
    assert facs % 64 == 0 and ram.read(facs, 4) == b"FACS"


def test_the_madt_has_a_processor_an_io_apic_and_the_timers_pin():
    ram = memory()
    write_tables(ram)
    at = next(each for each in range(0xE0000, 0xF0000, 64) if ram.read(each, 4) == b"APIC")
    body = table(ram, at)[36:]
    assert struct.unpack("<II", body[:8]) == (0xFEE00000, 1)
    entries, rest = [], body[8:]
    while rest:
        entries.append(rest[: rest[1]])
        rest = rest[rest[1] :]
    assert [each[0] for each in entries] == [0, 1, 2, 2, 4]
    assert struct.unpack("<BBI", entries[0][2:]) == (0, 0, 1)
    assert struct.unpack("<BBII", entries[1][2:]) == (0, 0, 0xFEC00000, 0)
    assert struct.unpack("<BBIH", entries[2][2:]) == (0, 0, 2, 0)
    assert struct.unpack("<BBIH", entries[3][2:]) == (0, 9, 9, 0x0D)


def test_power_registers_by_any_width():
    now, off = 0, []
    bus = Bus((), (Power(lambda: now, lambda: off.append(1)),))
    assert bus.read(0x604, 2) == 1 and bus.read(0x608, 4) == 0
    now = SECOND
    assert bus.read(0x608, 4) == 3579545 and bus.read(0x609, 1) == 3579545 >> 8 & 0xFF
    bus.write(0x604, 2, 0x2000 | 5 << 10)  # another sleep
    assert not off
    bus.write(0x604, 2, 0x2000)
    assert off
    bus.write(0x605, 1, 0x20)
    assert len(off) == 2


def test_resets():
    seen = []
    bus = Bus((ResetRegister(seen.append), Keyboard(seen.append)), (Power(lambda: 0, lambda: None),))
    bus.write(0xCF8, 4, 0x8000FFFF)  # looks for PCI
    bus.write(0xCF9, 1, 0x02)
    assert not seen and bus.read(0xCF8, 4) == 0xFFFFFFFF
    for port, value in ((0xCF9, 0x06), (0x64, 0xFE), (0x92, 0x01), (0x64, 0xD1), (0x60, 0x02)):
        bus.write(port, 1, value)
    assert seen == ["port 0xcf9", "the keyboard controller", "port 0x92", "the keyboard controller"]


def test_the_keyboard_controller_answers():
    lines = []
    keyboard = Keyboard(lambda by: None, lines.append)

    def ask(port, value):
        keyboard.write(port, value)
        answer = []
        while keyboard.read(0x64) & 1:
            answer.append(keyboard.read(0x60))
        return answer

    assert ask(0x64, 0xAA) == [0x55] and ask(0x64, 0xAB) == [0]
    assert ask(0x60, 0xFF) == [0xFA, 0xAA] and ask(0x60, 0xF2) == [0xFA, 0xAB, 0x83]
    assert lines[0] is True  # the first answer asked for an interrupt
    assert ask(0x64, 0x60) == [] and ask(0x60, 0x00) == [] and ask(0x64, 0x20) == [0]
    lines.clear()
    assert ask(0x60, 0xEE) == [0xEE] and True not in lines


def test_unknown_ports_read_all_ones():
    bus = Bus(())
    assert [bus.read(0x1234, size) for size in (1, 2, 4)] == [0xFF, 0xFFFF, 0xFFFFFFFF]


class Cmos:
    def __init__(self):
        self.now, self.up = 0, False
        self.clock = WallClock(lambda: self.now, self._raise, memory_size=128 * MEGABYTE)

    def _raise(self, is_up):
        self.up = is_up

    def read(self, index):
        self.clock.write(0x70, index)
        return self.clock.read(0x71)

    def set(self, index, value):
        self.clock.write(0x70, index)
        self.clock.write(0x71, value)


def test_the_wall_clock_starts_at_one_instant():
    cmos = Cmos()
    cmos.now = 61 * SECOND
    assert [cmos.read(each) for each in (0, 2, 4, 6, 7, 8, 9, 0x32)] == [1, 1, 0x12, 6, 1, 0x11, 0x24, 0x20]
    cmos.now += 30 * 86400 * SECOND
    assert (cmos.read(7), cmos.read(8)) == (1, 0x12)


def test_the_wall_clocks_forms_and_setting():
    cmos = Cmos()
    cmos.set(11, 0x06)
    assert (cmos.read(9), cmos.read(4)) == (24, 12)
    cmos.set(11, 0x84)  # set; binary, twelve hours
    for index, value in ((9, 26), (4, 0x80 | 11), (2, 59), (0, 58)):
        cmos.set(index, value)
    cmos.now += 5 * SECOND
    assert cmos.read(0) == 58  # it stands
    cmos.set(11, 0x02)
    cmos.now += 3 * SECOND
    assert [cmos.read(each) for each in (9, 7, 4, 2, 0)] == [0x26, 0x02, 0x00, 0x00, 0x01]


def test_the_wall_clock_interrupts():
    cmos = Cmos()
    cmos.set(10, 0x26)
    cmos.set(11, 0x42)  # 1024 Hz
    for number in (1, 2):
        assert cmos.clock.next_event == -(-number * 32 * SECOND // 32768)
        cmos.now = cmos.clock.next_event
        cmos.clock.run_events()
        assert cmos.up and cmos.read(12) == 0xC0 and not cmos.up and cmos.read(12) == 0
    cmos.set(11, 0x32)
    for index, value in ((1, 0x02), (3, 0xFF), (5, 0xFF)):
        cmos.set(index, value)
    for second, flags in ((1, 0x90), (2, 0xB0)):
        cmos.now = second * SECOND
        cmos.clock.run_events()
        assert cmos.read(12) == flags


def test_the_wall_clock_says_that_it_is_about_to_change():
    cmos = Cmos()
    assert cmos.read(13) == 0x80 and not cmos.read(10) & 0x80
    cmos.now = SECOND - 1000
    assert cmos.read(10) & 0x80
    assert cmos.read(0x34) | cmos.read(0x35) << 8 == 112 * 16


def run_cpuid(leaf):
    ram = memory()
    ram.write(0x1000, b"\xb8" + leaf.to_bytes(4, "little") + bytes.fromhex("31c9 0fa2 f4"))
    cpu = Cpu(ram, lambda port, size: 0, lambda port, size, value: None)
    cpu.enter_protected_mode(0x1000, 0)
    assert cpu.run(100) == 4 and cpu.halted
    return [cpu.context.registers[each] & 0xFFFFFFFF for each in (0, 3, 1, 2)]


def test_cpuid_claims_what_is_there():
    _, _, ecx, edx = run_cpuid(1)
    assert edx & 1 << 9 and edx & 1 << 26 and edx & 1 << 6  # APIC, SSE2, PAE
    assert ecx & 1 << 21 and ecx & 1 << 24  # x2APIC, deadline
    assert not ecx & (3 << 26 | 1 << 3)  # XSAVE and MONITOR raise #UD
    assert run_cpuid(0)[0] == 0x16 and run_cpuid(0x15) == [1, 1, 1_000_000_000, 0]
    assert run_cpuid(0x16)[0] == 1000 and run_cpuid(0x80000007)[3] == 0x100


def make_chipset():
    class Box:
        now, pauses = 0, 0

    box = Box()

    def pause():
        box.pauses += 1

    box.chipset = Chipset(lambda: box.now, lambda data: None, pause, None, MEGABYTE)
    return box


def test_a_programmed_tick_ends_the_slice_and_reaches_the_cpu():
    box = make_chipset()
    bus = box.chipset.bus
    for port, value in ((0x20, 0x11), (0x21, 32), (0x21, 4), (0x21, 1), (0x21, 0xFE)):
        bus.write(port, 1, value)
    before = box.pauses
    for port, value in ((0x43, 0x34), (0x40, 100), (0x40, 0)):
        bus.write(port, 1, value)
    assert box.pauses > before and box.chipset.wakes
    box.now = box.chipset.next_event
    box.chipset.run_events()
    assert box.chipset.pending and box.chipset.acknowledge() == 32 and not box.chipset.pending
    bus.write(0x21, 1, 0xFF)
    assert not box.chipset.wakes

"""ACPI's tables, where kernels look for them: the RSDP between 0xe0000 and 1 MiB, and from there all others."""

import struct
from dataclasses import dataclass

from ambilink.machine.emulator.devices import aml, io_apic, local_apic, power, serial
from ambilink.machine.emulator.devices.cmos import CENTURY
from ambilink.machine.emulator.devices.lines import CLOCK, KEYBOARD, POWER, SERIAL, TIMER
from ambilink.machine.memory import PhysicalMemory

TABLES, RSDP = 0xE0000, 0xF0000
EBDA, EBDA_SEGMENT_AT, BASE_MEMORY_AT = 0x9FC00, 0x40E, 0x413  # the BIOS's own data, which kernels search first
OEM, OEM_TABLE, CREATOR = b"AMBILN", b"AMBILINK", b"AMBI"
HEADER = "<4sIBB6s8sI4sI"
HEADER_SIZE = struct.calcsize(HEADER)
# FADT, fixed feature flags: WBINVD works, C1 is there, no fixed buttons, 32-bit timer, reset register.
FEATURES = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 10
LEGACY_DEVICES, HAS_8042 = 1, 2
IO_SPACE = 1
MADT_HAS_8259 = 1
ACTIVE_HIGH_LEVEL = 0x0D
DEVICES = (
    aml.Device("COM1", "PNP0501", ((serial.BASE, 8),), SERIAL),
    aml.Device("KBD_", "PNP0303", ((0x60, 1), (0x64, 1)), KEYBOARD),
    aml.Device("RTC_", "PNP0B00", ((0x70, 2),), CLOCK),
    aml.Device("TIMR", "PNP0100", ((0x40, 4),), TIMER),
)
LOCAL_APIC, IO_APIC, OVERRIDE, LOCAL_NMI = 0, 1, 2, 4


def _with_checksum(table: bytes, at: int, size: int | None = None) -> bytes:
    checksum = -sum(table[:size]) & 0xFF
    return table[:at] + bytes((checksum,)) + table[at + 1 :]


def _table(signature: bytes, revision: int, body: bytes) -> bytes:
    size = HEADER_SIZE + len(body)
    header = struct.pack(HEADER, signature, size, revision, 0, OEM, OEM_TABLE, 1, CREATOR, 1)
    return _with_checksum(header + body, 9)


def _address(port: int, bits: int, access: int) -> bytes:
    """A generic address structure."""
    return struct.pack("<BBBBQ", IO_SPACE, bits, 0, access, port)


def _madt() -> bytes:
    body = struct.pack("<II", local_apic.BASE, MADT_HAS_8259)
    body += struct.pack("<BBBBI", LOCAL_APIC, 8, 0, 0, 1)
    body += struct.pack("<BBBBII", IO_APIC, 12, 0, 0, io_apic.BASE, 0)
    body += struct.pack("<BBBBIH", OVERRIDE, 10, 0, 0, io_apic.TIMER_PIN, 0)
    body += struct.pack("<BBBBIH", OVERRIDE, 10, 0, POWER, POWER, ACTIVE_HIGH_LEVEL)
    body += struct.pack("<BBBHB", LOCAL_NMI, 6, 0xFF, 0, 1)
    return _table(b"APIC", 3, body)


def _fadt(facs: int, dsdt: int) -> bytes:
    body = struct.pack("<IIBBHIBBBB", facs, dsdt, 0, 0, POWER, 0, 0, 0, 0, 0)
    body += struct.pack("<8I", power.EVENT, 0, power.CONTROL, 0, 0, power.TIMER, 0, 0)
    body += struct.pack("<8B", 4, 2, 0, 4, 0, 0, 0, 0)
    body += struct.pack("<HHHH5B", 101, 1001, 0, 0, 0, 0, 0, 0, CENTURY)  # no C2 and C3
    body += struct.pack("<HBI", LEGACY_DEVICES | HAS_8042, 0, FEATURES)
    body += _address(power.RESET, 8, 1) + struct.pack("<BHB", power.RESET_CPU | 2, 0, 0)
    body += struct.pack("<QQ", 0, dsdt)  # one address of the FACS: two are two tables to some
    body += _address(power.EVENT, 32, 2) + bytes(12) + _address(power.CONTROL, 16, 2) + bytes(12)
    body += bytes(12) + _address(power.TIMER, 32, 3) + bytes(24)
    return _table(b"FACP", 3, body)


def _facs() -> bytes:
    return struct.pack("<4sIIIIIQB", b"FACS", 64, 0, 0, 0, 0, 0, 1).ljust(64, b"\0")


@dataclass
class _Writer:
    memory: PhysicalMemory
    at: int = TABLES

    def put(self, table: bytes) -> int:
        address = self.at
        self.memory.write(address, table)
        self.at = -(-(address + len(table)) // 64) * 64
        return address


def write_tables(memory: PhysicalMemory) -> int:
    """Put all tables into memory; returns the address of the RSDP."""
    writer = _Writer(memory)
    facs = writer.put(_facs())
    dsdt = writer.put(_table(b"DSDT", 2, aml.sleep_state("_S5_", power.SLEEP_TYPE_OFF) + aml.devices(DEVICES)))
    tables = [writer.put(_fadt(facs, dsdt)), writer.put(_madt())]
    rsdt = writer.put(_table(b"RSDT", 1, struct.pack(f"<{len(tables)}I", *tables)))
    xsdt = writer.put(_table(b"XSDT", 1, struct.pack(f"<{len(tables)}Q", *tables)))
    pointer = struct.pack("<8sB6sBIIQB3x", b"RSD PTR ", 0, OEM, 2, rsdt, 36, xsdt, 0)
    memory.write(RSDP, _with_checksum(_with_checksum(pointer, 8, 20), 32))
    memory.write(EBDA_SEGMENT_AT, struct.pack("<H", EBDA >> 4))
    memory.write(BASE_MEMORY_AT, struct.pack("<H", EBDA >> 10))
    memory.write(EBDA, b"\x01")  # its size in KiB
    return RSDP

"""ACPI's machine language, as far as a table needs it that lists devices (ACPI 6.5, chapters 6.4 and 20)."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SCOPE, DEVICE, NAME, BUFFER, PACKAGE = b"\x10", b"\x5b\x82", b"\x08", b"\x11", b"\x12"
ZERO, BYTE, DWORD = b"\x00", b"\x0a", b"\x0c"
DECODES_16_BITS = 1
PORTS, INTERRUPT, END = 0x47, 0x22, b"\x79\x00"


@dataclass(frozen=True)
class Device:
    name: str  # four letters
    kind: str  # as PNP0501
    ports: Sequence[tuple[int, int]]  # first and count
    line: int


def _with_length(body: bytes) -> bytes:
    """The length counts itself."""
    if len(body) < 0x3F:
        return bytes((len(body) + 1,)) + body
    size = len(body) + 2
    return bytes((0x40 | size & 0xF, size >> 4)) + body


def _byte(value: int) -> bytes:
    return BYTE + bytes((value,)) if value else ZERO


def _identity(kind: str) -> bytes:
    """Three letters of five bits each, and four hexadecimal digits."""
    letters = 0
    for letter in kind[:3]:
        letters = letters << 5 | ord(letter) - 0x40
    return DWORD + struct.pack(">HH", letters, int(kind[3:], 16))


def _resources(device: Device) -> bytes:
    ports = b"".join(
        struct.pack("<BBHHBB", PORTS, DECODES_16_BITS, first, first, 1, count) for first, count in device.ports
    )
    data = ports + struct.pack("<BH", INTERRUPT, 1 << device.line) + END
    return BUFFER + _with_length(_byte(len(data)) + data)


def _named(name: bytes, value: bytes) -> bytes:
    return NAME + name + value


def _device(device: Device) -> bytes:
    body = _named(b"_HID", _identity(device.kind)) + _named(b"_CRS", _resources(device))
    return DEVICE + _with_length(device.name.encode() + body)


def sleep_state(name: str, kind: int) -> bytes:
    """A package of four: what is written to the control registers for this state."""
    return _named(name.encode(), PACKAGE + _with_length(b"\x04" + _byte(kind) * 2 + ZERO * 2))


def devices(found: Iterable[Device]) -> bytes:
    """All below the system bus."""
    return SCOPE + _with_length(b"\\_SB_" + b"".join(map(_device, found)))

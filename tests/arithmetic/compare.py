"""What of two results may differ, and what must not."""

import struct

from tests.arithmetic.kinds import RESULT, Kind

C1 = 0x200
EMPTY = 3


def differences(kind: Kind, one: bytes, other: bytes) -> tuple[bool, bool, int]:
    """Whether the results differ, whether the flags do, and by how many units of the last place at most."""
    if kind.group == "integer":
        flags = (int.from_bytes(one[16:24], "little") ^ int.from_bytes(other[16:24], "little")) & kind.mask
        return one[:16] + one[24:] != other[:16] + other[24:], bool(flags), 0
    if kind.group == "sse":
        return _differ_sse(kind, one, other)
    return _differ_x87(kind, one, other)


def _differ_sse(kind: Kind, one: bytes, other: bytes) -> tuple[bool, bool, int]:
    flags = one[16:20] != other[16:20]
    if one[20:] != other[20:]:
        return True, flags, 0
    if kind.approximate:
        pairs = zip(struct.unpack("<4f", one[:16]), struct.unpack("<4f", other[:16]), strict=True)
        return not all(_is_near(a, b) for a, b in pairs), flags, 0
    return one[:16] != other[:16], flags, 0


def _is_near(a: float, b: float) -> bool:
    """Both are within 1.5 * 2^-12 of what is right."""
    return a == b or (a != a and b != b) or abs(a - b) <= abs(a) * 3 * 2**-12


def _registers(image: bytes) -> list[bytes | None]:
    """ST(0) to ST(7); None: empty."""
    top = int.from_bytes(image[4:6], "little") >> 11 & 7
    tags = int.from_bytes(image[8:10], "little")
    found: list[bytes | None] = []
    for index in range(8):
        empty = tags >> 2 * ((top + index) & 7) & 3 == EMPTY
        found.append(None if empty else image[28 + 10 * index : 38 + 10 * index])
    return found


def _distance(one: bytes, other: bytes) -> int:
    """In units of the last place; large where signs or kinds differ."""
    if one == other:
        return 0
    (a, high_a), (b, high_b) = struct.unpack("<QH", one), struct.unpack("<QH", other)
    if (high_a ^ high_b) & 0x8000:
        return 1 << 80
    value_a, value_b = ((high & 0x7FFF) << 63 | low & ~(1 << 63) for low, high in ((a, high_a), (b, high_b)))
    return abs(value_a - value_b)


def _differ_x87(kind: Kind, one: bytes, other: bytes) -> tuple[bool, bool, int]:
    status = int.from_bytes(one[4:6], "little") ^ int.from_bytes(other[4:6], "little")
    if kind.units:  # whether it was rounded up is not what the manual defines for them
        status &= ~C1
    flags = bool(status) or one[:4] != other[:4]
    ours, theirs = _registers(one), _registers(other)
    if [register is None for register in ours] != [register is None for register in theirs]:
        return True, flags, 0
    units = max((_distance(a, b) for a, b in zip(ours, theirs, strict=True) if a and b), default=0)
    result = units > kind.units or one[RESULT:] != other[RESULT:]
    return result, flags, 0 if result else units

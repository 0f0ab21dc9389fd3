"""Random operands: ordinary ones, and those at the edges of a format."""

import random
import struct
from collections.abc import Callable

EDGE32 = (0, 1 << 31, 0x7F800000, 0xFF800000, 0x7FC00001, 0xFFC12345, 0x7F812345, 0xFF800001, 1, 0x807FFFFF, 0x800000)
EDGE32 += (0x7F7FFFFF, 0x3F800000, 0xBF800000, 0x4F000000, 0xCF000000, 0x5F000000, 0x400000, 0x3F000000, 0xBFC00000)
EDGE64 = (0, 1 << 63, 0x7FF << 52, 0xFFF << 52, 0x7FF8000000000001, 0xFFF8123456789ABC, 0x7FF0000000000123)
EDGE64 += (0xFFF0000000000001, 1, 0x800FFFFFFFFFFFFF, 1 << 52, 0x7FEFFFFFFFFFFFFF, 0x3FF << 52, 0xBFF << 52)
EDGE64 += (0x41E0000000000000, 0xC1E0000000000000, 0x43E0000000000000, 0xC3E0000000000000, 1 << 51, 0x3FE << 52)
EDGE_INTEGER = (
    0,
    1,
    2,
    (1 << 64) - 1,
    1 << 63,
    (1 << 63) - 1,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 32,
    31,
    32,
    63,
    64,
)
BIAS = 0x3FFF

Random = random.Random


def _significand(r: Random) -> int:
    bits = r.getrandbits(64)
    choice = r.randrange(4)
    if choice == 0:
        bits &= -1 << r.randrange(63)
    elif choice == 1:
        bits |= (1 << r.randrange(63)) - 1
    return bits & ((1 << 64) - 1) | 1 << 63


def _extended(r: Random, exponent: int, significand: int) -> bytes:
    return struct.pack("<QH6x", significand, r.randrange(2) << 15 | exponent)


def _ordinary80(below: int, above: int) -> Callable[[Random], bytes]:
    return lambda r: _extended(r, BIAS + r.randrange(below, above), _significand(r))


def _edge80(r: Random) -> bytes:
    one = 1 << 63
    return _extended(
        r,
        *r.choice(
            (
                lambda: (0, 0),
                lambda: (0x7FFF, one),
                lambda: (0x7FFF, 3 << 62 | r.getrandbits(62)),
                lambda: (0x7FFF, one | r.getrandbits(62) | 1),
                lambda: (0, r.getrandbits(63) >> r.randrange(40)),
                lambda: (0, one | r.getrandbits(63) >> r.randrange(40)),
                lambda: (r.randrange(1, 0x7FFF), r.getrandbits(63)),
                lambda: (0x7FFE, (1 << 64) - 1),
                lambda: (1, one),
                lambda: (r.randrange(1, 71), _significand(r)),
                lambda: (0x7FFE - r.randrange(70), _significand(r)),
                lambda: (BIAS + r.randrange(-1, 2), one),
                lambda: (r.randrange(1, 0x7FFF), _significand(r)),
                lambda: (BIAS + r.randrange(-30, 30), _significand(r)),
            )
        )(),
    )


def _scale(r: Random) -> bytes:
    whole = r.randrange(-100, 100)
    value = abs(whole) * 4 + r.choice((0, 3))
    if not value:
        return bytes(16)
    shift = 64 - value.bit_length()
    return struct.pack("<QH6x", value << shift, (whole < 0) << 15 | BIAS + 61 - shift)


def _ordinary32(r: Random, low: int = -30, high: int = 30) -> int:
    kept = 0 if r.randrange(3) else r.randrange(23)
    return r.randrange(2) << 31 | (127 + r.randrange(low, high)) << 23 | r.getrandbits(23) & -1 << kept & 0x7FFFFF


def _ordinary64(r: Random, low: int = -40, high: int = 40) -> int:
    kept = 0 if r.randrange(3) else r.randrange(52)
    return r.randrange(2) << 63 | (1023 + r.randrange(low, high)) << 52 | r.getrandbits(52) & -1 << kept & (1 << 52) - 1


def _edge32(r: Random) -> int:
    return r.choice(EDGE32) if r.randrange(4) else r.getrandbits(32)


def _edge64(r: Random) -> int:
    return r.choice(EDGE64) if r.randrange(4) else r.getrandbits(64)


def _vector32(one: Callable[[Random], int]) -> Callable[[Random], bytes]:
    return lambda r: struct.pack("<4I", *(one(r) for _ in range(4)))


def _vector64(one: Callable[[Random], int]) -> Callable[[Random], bytes]:
    return lambda r: struct.pack("<2Q", one(r), one(r))


def _bytes(r: Random) -> bytes:
    return bytes(r.choice((0, 0x7F, 0x80, 0xFF, 1)) if r.randrange(2) else r.getrandbits(8) for _ in range(16))


def _integer(r: Random) -> int:
    return r.choice(EDGE_INTEGER) if r.randrange(3) == 0 else r.getrandbits(64) >> r.randrange(64)


def _decimal(r: Random) -> bytes:
    return bytes(r.randrange(10) << 4 | r.randrange(10) for _ in range(9)) + bytes([r.randrange(2) << 7]) + bytes(6)


# For each letter: ordinary operands, and those at the edges.
CLASSES: dict[str, tuple[Callable[[Random], bytes], Callable[[Random], bytes]]] = {
    "x": (_ordinary80(-40, 40), _edge80),
    "n": (_ordinary80(-10, 10), _ordinary80(-40, 40)),  # near each other
    "s": (_scale, _edge80),
    "r": (_ordinary80(-4, 66), _edge80),  # to be rounded to integers
    "u": (_ordinary80(-30, 0), _edge80),  # below 1
    "p": (lambda r: struct.pack("<QH6x", _significand(r), BIAS + r.randrange(-20, 20)), _edge80),  # positive
    "q": (_ordinary80(-30, -2), _ordinary80(-70, -2)),  # for fyl2xp1
    "a": (_ordinary80(-12, 6), _edge80),  # angles
    "f": (lambda r: struct.pack("<I12x", _ordinary32(r)), lambda r: struct.pack("<I12x", _edge32(r))),
    "d": (lambda r: struct.pack("<Q8x", _ordinary64(r)), lambda r: struct.pack("<Q8x", _edge64(r))),
    "i": (lambda r: struct.pack("<2Q", r.getrandbits(64), r.getrandbits(64)), _vector64(_integer)),
    "b": (_decimal, _decimal),
    "F": (_vector32(_ordinary32), _vector32(_edge32)),
    "D": (_vector64(_ordinary64), _vector64(_edge64)),
    "G": (_vector32(lambda r: _ordinary32(r, -3, 34)), _vector32(_edge32)),
    "E": (_vector64(lambda r: _ordinary64(r, -3, 66)), _vector64(_edge64)),
    "I": (lambda r: r.randbytes(16), _bytes),
    "S": (lambda r: bytes(r.choice(b"aabcd\0") for _ in range(16)), _bytes),  # for string comparisons
}


class Operands:
    """Pools of each class, from which many records are made quickly."""

    def __init__(self, seed: int, size: int = 4000) -> None:
        self.random = random.Random(seed)
        self._size = size
        self._pools: dict[str, list[bytes]] = {}

    def of(self, letter: str) -> list[bytes]:
        if letter not in self._pools:
            ordinary, edge = CLASSES[letter]
            half = self._size // 2
            self._pools[letter] = [ordinary(self.random) for _ in range(half)] + [
                edge(self.random) for _ in range(half)
            ]
        return self._pools[letter]

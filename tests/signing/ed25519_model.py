"""Ed25519 by RFC 8032, 5.1, on points (x, y) of whole numbers: slow, and it signs what signers do not."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int]
ZERO: Point = (0, 1)


def add(a: Point, b: Point) -> Point:
    product = D * a[0] * a[1] * b[0] * b[1] % P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P)
    return x % P, y % P


def times(number: int, point: Point) -> Point:
    result = ZERO
    for bit in bin(number)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def with_y(y: int, odd: int) -> Point | None:
    """The point of a y and its x's lowest bit."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if x * x % P != square or (x == 0 and odd):
        return None
    return (x if x % 2 == odd else P - x), y


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    y = number & ((1 << 255) - 1)
    return None if y >= P else with_y(y, number >> 255)


_base = with_y(4 * pow(5, -1, P) % P, 0)
assert _base is not None
BASE: Point = _base


def small_points() -> list[Point]:
    """The eight points whose order divides 8."""
    y = 2
    while True:
        point = with_y(y, 0)
        if point is not None and times(4, times(L, point)) != ZERO:
            generator = times(L, point)
            return [times(n, generator) for n in range(8)]
        y += 1


def hostile_encodings() -> list[bytes]:
    """Points of small order and others near 0 and p, each in all its forms, and y without a point."""
    ys = [*range(8), *range(P - 4, P + 8), 2**255 - 2, 2**255 - 1]
    return [(y | sign << 255).to_bytes(32, "little") for y in ys for sign in (0, 1)]


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L


def sign(scalar: int, key: bytes, r: int, r_bytes: bytes, message: bytes) -> bytes:
    """With any bytes in the places of key and [r]B."""
    return r_bytes + ((r + challenge(r_bytes, key, message) * scalar) % L).to_bytes(32, "little")


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Without the cofactor, and a key of small order is none."""
    a, s = decode(key), int.from_bytes(signature[32:], "little")
    if a is None or s >= L or times(8, a) == ZERO:
        return False
    minus = (P - a[0]) % P, a[1]
    found = add(times(s, BASE), times(challenge(signature[:32], key, message), minus))
    return encode(found) == signature[:32]

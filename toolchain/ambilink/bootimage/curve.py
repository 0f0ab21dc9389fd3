"""What the kernel's check of signatures has of a public key beforehand (libs/ed25519): multiples of its point, of
Ed25519's curve -x^2 + y^2 = 1 + d x^2 y^2 modulo p (RFC 8032, 5.1). No key here is secret."""

import struct

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
TEETH, DISTANCE = 4, 64  # ED25519_TEETH; bits between two
LIMB_BITS, LIMBS = 51, 5
MULTIPLES = struct.Struct(f"<{((1 << TEETH) - 1) * 3 * LIMBS}Q")  # struct ed25519_multiples
Point = tuple[int, int]
ZERO: Point = (0, 1)


def add(a: Point, b: Point) -> Point:
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + product, -1, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P)
    return x % P, y % P


def twice(point: Point, count: int) -> Point:
    for _ in range(count):
        point = add(point, point)
    return point


def decode(data: bytes) -> Point | None:
    """None: the bytes are no point's, or not in its one form."""
    number = int.from_bytes(data, "little")
    y, odd = number & ((1 << 255) - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_1 % P
    if y >= P or x * x % P != square or (x == 0 and odd):
        return None
    return (x if x % 2 == odd else P - x), y


def table(point: Point) -> bytes:
    """struct ed25519_multiples of a point: sums of [2^(64 j)]P, of each j that is a bit of the number."""
    teeth = [point]
    while len(teeth) < TEETH:
        teeth.append(twice(teeth[-1], DISTANCE))
    sums = [ZERO]
    for tooth in teeth:
        sums += [add(each, tooth) for each in sums]
    numbers = [number % P for x, y in sums[1:] for number in (y + x, y - x, 2 * D * x * y)]
    mask = (1 << LIMB_BITS) - 1
    return MULTIPLES.pack(*(number >> LIMB_BITS * i & mask for number in numbers for i in range(LIMBS)))


def multiples_of_key(key: bytes) -> bytes | None:
    """Those of the point's negative. None: the bytes are no key; one of small order, under which one signature is right
    for many messages, is none."""
    point = decode(key)
    return None if point is None or twice(point, 3) == ZERO else table((-point[0] % P, point[1]))

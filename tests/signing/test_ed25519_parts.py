"""What a signature's check is made of, at the ends of its ranges, against whole numbers and hashlib."""

import ctypes
import hashlib
import random

from hypothesis import example, given
from hypothesis import strategies as st

from ambilink.bootimage import curve
from tests.signing.ed25519_model import BASE, L, P, add, decode, encode, hostile_encodings, times

LIMBS = ctypes.c_uint64 * 5
FACTOR_MAX = 2**54 - 1
limb = st.one_of(
    st.integers(0, FACTOR_MAX), st.sampled_from([0, 1, 2**51 - 20, 2**51 - 19, 2**51 - 1, 2**51, FACTOR_MAX])
)
factor = st.lists(limb, min_size=5, max_size=5)
FULL = [FACTOR_MAX] * 5
PRIME = [2**51 - 19, *[2**51 - 1] * 4]


def value(limbs: list[int]) -> int:
    return sum(each << 51 * place for place, each in enumerate(limbs))


def ask(function, *limbs: list[int]) -> int:
    result = ctypes.create_string_buffer(32)
    function(result, *(LIMBS(*each) for each in limbs))
    return int.from_bytes(result.raw, "little")


@given(a=factor, b=factor)
@example(a=FULL, b=FULL)
@example(a=PRIME, b=PRIME)
@example(a=[PRIME[0] - 1, *PRIME[1:]], b=[1, 0, 0, 0, 0])
@example(a=[2**51 - 1] * 5, b=FULL)
def test_numbers_modulo_p(library, a, b):
    assert ask(library.field_product, a, b) == value(a) * value(b) % P
    assert ask(library.field_own_square, a) == value(a) ** 2 % P
    assert ask(library.field_bytes, a) == value(a) % P


@given(a=factor)
@example(a=[0] * 5)
@example(a=PRIME)
def test_inverses(library, a):
    assert ask(library.field_inverse, a) == pow(value(a), P - 2, P)


def test_points_are_read_as_the_model_reads_them():
    draw = random.Random(3)
    for data in [*hostile_encodings(), *(draw.randbytes(32) for _ in range(200))]:
        assert curve.decode(data) == decode(data), data.hex()


def words(number: int) -> ctypes.Array[ctypes.c_uint64]:
    return (ctypes.c_uint64 * 4)(*(number >> 64 * i & (2**64 - 1) for i in range(4)))


def test_points_are_multiplied_as_the_model_multiplies(library):
    """With the kernel's table of the base point, and the packer's of another: numbers with few bits, and with all."""
    draw, result = random.Random(4), ctypes.create_string_buffer(32)
    point = times(draw.randrange(L), BASE)
    table = (ctypes.c_uint64 * (curve.MULTIPLES.size // 8)).from_buffer_copy(curve.table(point))
    few = [0, 1, 2**255, 2**256 - 1, *(1 << 64 * n for n in range(4)), *(2**256 - (1 << 64 * n) for n in range(4))]
    many = [(draw.getrandbits(256), draw.getrandbits(256)) for _ in range(6)]
    for a, b in [*zip(few, reversed(few), strict=True), *many]:
        library.points_combined(result, words(a), table, words(b))
        assert result.raw == encode(add(times(a, point), times(b, BASE))), (a, b)


near_multiples = st.builds(lambda n, d: n * L + d, st.integers(1, 2**259), st.integers(-2, 2))


@given(number=st.one_of(st.integers(0, 2**512 - 1), near_multiples))
@example(number=2**512 - 1)
@example(number=L)
@example(number=L - 1)
@example(number=2**252)
def test_remainders(library, number):
    result = ctypes.create_string_buffer(32)
    library.remainder_by_order(result, number.to_bytes(64, "little"))
    assert int.from_bytes(result.raw, "little") == number % L


@given(data=st.binary(max_size=400), step=st.integers(1, 300))
@example(data=bytes(111), step=111)
@example(data=bytes(112), step=1)
@example(data=bytes(128), step=128)
def test_sha512(library, data, step):
    digest = ctypes.create_string_buffer(64)
    library.sha512(digest, data, ctypes.c_size_t(len(data)), ctypes.c_size_t(step))
    assert digest.raw == hashlib.sha512(data).digest()

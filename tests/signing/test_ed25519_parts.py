"""What a signature's check is made of, at the ends of its ranges, against whole numbers and hashlib."""

import ctypes
import hashlib
import random

from hypothesis import example, given
from hypothesis import strategies as st

from tests.signing.ed25519_model import L, P, decode, hostile_encodings

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


def test_points_are_read_as_the_model_reads_them(library):
    draw, result = random.Random(3), ctypes.create_string_buffer(32)
    library.point_again.restype = ctypes.c_bool
    for data in [*hostile_encodings(), *(draw.randbytes(32) for _ in range(200))]:
        assert library.point_again(result, data) == (decode(data) is not None), data.hex()
        assert decode(data) is None or result.raw == data


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

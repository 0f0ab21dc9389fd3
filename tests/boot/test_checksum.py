"""The checksum that kernel and loader compare is the one that the packer writes."""

import ctypes
import platform

import pytest
import xxhash
from hypothesis import example, given
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def checksum64(build):
    if platform.machine() != "x86_64":
        pytest.skip(f"the library was built for x86_64, and this is {platform.machine()}")
    function = ctypes.CDLL(str(build / "lib/libchecksum_host.so")).checksum64
    function.restype, function.argtypes = ctypes.c_uint64, (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64)
    return function


@given(data=st.binary(max_size=300), seed=st.integers(0, 2**64 - 1))
@example(data=b"", seed=0)
@example(data=bytes(range(256)) * 40 + b"tail", seed=1)
def test_it_is_xxh64(checksum64, data, seed):
    assert checksum64(data, len(data), seed) == xxhash.xxh64_intdigest(data, seed)

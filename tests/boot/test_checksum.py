"""The checksum that kernel and loader compare is the one that the packer writes."""

import ctypes
import platform

import google_crc32c
import pytest
from hypothesis import example, given
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def library(build):
    if platform.machine() != "x86_64":
        pytest.skip(f"the library was built for x86_64, and this is {platform.machine()}")
    return ctypes.CDLL(str(build / "lib/libchecksum_host.so"))


@given(before=st.binary(max_size=40), data=st.binary(max_size=300))
@example(before=b"", data=b"123456789")
@example(before=b"x", data=bytes(range(256)) * 40 + b"tail")
def test_it_is_crc_32c(library, before, data):
    wanted = google_crc32c.value(before + data)
    assert data != b"123456789" or before or wanted == 0xE3069283  # RFC 3720's check value
    library.checksum.restype = ctypes.c_uint32
    part = library.checksum(before, ctypes.c_size_t(len(before)), 0)
    assert library.checksum(data, ctypes.c_size_t(len(data)), ctypes.c_uint32(part)) == wanted


@given(data=st.binary(max_size=300))
def test_without_the_instruction(library, data):
    library.checksum_by_table.restype = ctypes.c_uint64
    found = library.checksum_by_table(ctypes.c_uint64(0xFFFFFFFF), data, ctypes.c_size_t(len(data)))
    assert found ^ 0xFFFFFFFF == google_crc32c.value(data)

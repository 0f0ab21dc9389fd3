"""The checks of signature and pages, as the kernel has them."""

import ctypes
import functools
import platform

import pytest

from ambilink.bootimage.curve import multiples_of_key


@pytest.fixture(scope="session")
def library(build):
    if platform.machine() != "x86_64":
        pytest.skip(f"the library was built for x86_64, and this is {platform.machine()}")
    return ctypes.CDLL(str(build / "lib/libsigning_host.so"))


@pytest.fixture(scope="session")
def verify(library):
    return lambda key, message, signature: check(library, key, message, signature)


_multiples = functools.cache(multiples_of_key)


def check(library: ctypes.CDLL, key: bytes, message: bytes, signature: bytes) -> bool:
    library.ed25519_verify.restype = ctypes.c_bool
    assert len(key) == 32
    multiples = _multiples(key)
    if len(signature) != 64 or multiples is None:
        return False  # in C a signature has no length, and a key was found to be one
    aligned = (ctypes.c_uint64 * (len(multiples) // 8)).from_buffer_copy(multiples)
    return bool(library.ed25519_verify(key, aligned, message, ctypes.c_size_t(len(message)), signature))

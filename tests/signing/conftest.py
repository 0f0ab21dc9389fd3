"""The checks of signature and pages, as the kernel has them."""

import ctypes
import platform

import pytest


@pytest.fixture(scope="session")
def library(build):
    if platform.machine() != "x86_64":
        pytest.skip(f"the library was built for x86_64, and this is {platform.machine()}")
    return ctypes.CDLL(str(build / "lib/libsigning_host.so"))


@pytest.fixture(scope="session")
def verify(library):
    return lambda key, message, signature: check(library, key, message, signature)


def check(library: ctypes.CDLL, key: bytes, message: bytes, signature: bytes) -> bool:
    library.ed25519_verify.restype = ctypes.c_bool
    assert len(key) == 32
    if len(signature) != 64:
        return False  # in C it has no length
    return bool(library.ed25519_verify(key, message, ctypes.c_size_t(len(message)), signature))

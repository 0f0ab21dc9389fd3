"""The kernel's check of signatures takes what RFC 8032 takes, and nothing else."""

import json
import random
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.signing import ed25519_model as model

VECTORS = json.loads(Path(__file__).with_name("ed25519.json").read_text())


def cryptography_verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_chosen_vectors(verify):
    for case in VECTORS:
        key, message, signature = (bytes.fromhex(case[name]) for name in ("key", "message", "signature"))
        assert verify(key, message, signature) == case["valid"], f"{case['source']}: {case['comment']}"


def test_what_cryptography_signs_and_nothing_else(verify):
    draw = random.Random(8032)
    for size in [*range(0, 300, 7), 4096]:
        private = Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))
        message = draw.randbytes(size)
        key, signature = private.public_key().public_bytes_raw(), private.sign(message)
        assert verify(key, message, signature)
        for _ in range(3):
            bit = draw.randrange(8 * (96 + size))
            changed = bytearray(key + signature + message)
            changed[bit // 8] ^= 1 << bit % 8
            words = bytes(changed[:32]), bytes(changed[96:]), bytes(changed[32:96])
            assert verify(*words) is cryptography_verifies(*words) is False, f"bit {bit} of {changed.hex()}"


def test_every_bit_counts(verify):
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key, message, signature = private.public_key().public_bytes_raw(), b"root", private.sign(b"root")
    whole = key + signature
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verify(bytes(changed[:32]), message, bytes(changed[32:])), bit


def test_scalars_have_one_form(verify):
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key = private.public_key().public_bytes_raw()
    signature = private.sign(b"")
    s = int.from_bytes(signature[32:], "little")
    for other in (s + model.L, s + 2 * model.L, s + 7 * model.L, model.L, 2**256 - 1, s ^ 1 << 255, s ^ 1 << 253):
        assert not verify(key, b"", signature[:32] + other.to_bytes(32, "little"))
    # S = 0 is below the order: R = [k](-A) is a signature that the owner alone can make, with r = -k a for a known k.
    assert verify(key, b"", signature)


def test_points_have_one_form(verify):
    """Every hostile encoding as R and as key, with the S that is right for a lenient reader."""
    draw, taken = random.Random(1), 0
    scalar = draw.randrange(model.L)
    key = model.encode(model.times(scalar, model.BASE))
    for data in model.hostile_encodings():
        message = draw.randbytes(8)
        # As if R were [r]B for r = 0: right where the bytes are read as the zero point.
        signature = model.sign(scalar, key, 0, data, message)
        assert verify(key, message, signature) == model.verify(key, message, signature)
        taken += verify(key, message, signature)
        # As the key of scalar 0.
        signature = model.sign(0, data, scalar, key, message)
        assert verify(data, message, signature) == model.verify(data, message, signature)
        taken += verify(data, message, signature)
    assert taken == 1, "R = 0 in its one form"


def test_keys_of_small_order_are_none(verify):
    """A signature under one is right for a part of all messages, or for all."""
    for point in model.small_points():
        key = model.encode(point)
        zero = model.encode(model.ZERO) + bytes(32)
        forged = [message for message in (bytes([n]) for n in range(40)) if cryptography_verifies(key, message, zero)]
        assert forged, "cryptography, which has no such rule, takes it"
        assert not any(verify(key, message, zero) for message in forged)


def test_the_equation_is_the_one_without_cofactor(verify):
    """With a part of small order in key or R, as `cryptography` decides, and the model."""
    draw, seen = random.Random(2), set()
    for key_part in model.small_points():
        for r_part in model.small_points()[:2]:
            scalar, r = draw.randrange(model.L), draw.randrange(model.L)
            key = model.encode(model.add(model.times(scalar, model.BASE), key_part))
            r_bytes = model.encode(model.add(model.times(r, model.BASE), r_part))
            message = draw.randbytes(3)
            signature = model.sign(scalar, key, r, r_bytes, message)
            found = verify(key, message, signature)
            assert found == model.verify(key, message, signature) == cryptography_verifies(key, message, signature)
            seen.add(found)
    assert seen == {True, False}


@pytest.mark.parametrize("size", range(0, 260, 13))
def test_length_counts(verify, size):
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key, message = private.public_key().public_bytes_raw(), bytes(size)
    signature = private.sign(message)
    assert verify(key, message, signature)
    assert not verify(key, message + b"\0", signature)
    assert not size or not verify(key, message[:-1], signature)

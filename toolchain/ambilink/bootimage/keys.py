"""Ed25519 keys in PEM files, by the package `cryptography`, which only signing needs (`ambilink[sign]`)."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ambilink.errors import AmbilinkError
from ambilink.files import read_regular

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_SIZE = 32
SIGNATURE_SIZE = 64
NO_KEY = bytes(KEY_SIZE)
NAME_BYTES = 8  # boot/kernel/image/trust.c
MAKE = "ambilink image key makes one"


def key_name(public: bytes) -> str:
    """What messages call a key, here and in the kernel."""
    return public[:NAME_BYTES].hex()


def _cryptography(where: object) -> Any:
    """The parts of the package that are used here."""
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError as error:
        rule = "is a key, and what reads and makes keys is not here (no cryptography)"
        raise AmbilinkError(where, rule, "pip install 'ambilink[sign]'") from error
    return serialization


@dataclass(frozen=True)
class PrivateKey:
    path: Path
    key: "Ed25519PrivateKey"

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message)


def read_private(path: Path) -> PrivateKey:
    data = read_regular(path, MAKE)
    serialization = _cryptography(path)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(data, password=None)
    except TypeError as error:
        remedy = "decrypt it into a file for the time of signing: openssl pkey -in KEY -out PLAIN"
        raise AmbilinkError(path, "is encrypted", remedy) from error
    except Exception as error:  # ValueError and others, by version and kind of key
        raise AmbilinkError(path, "is no private key in PEM form", MAKE) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise AmbilinkError(path, "is a key of another kind than Ed25519", MAKE)
    return PrivateKey(path, key)


def read_public(path: Path) -> bytes:
    """The bytes of a public key, or of a private key's public half."""
    data = read_regular(path, MAKE)
    if b"PRIVATE KEY" in data:
        return read_private(path).public
    serialization = _cryptography(path)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(data)
    except Exception as error:
        raise AmbilinkError(path, "is no public key in PEM form", MAKE) from error
    if not isinstance(key, Ed25519PublicKey):
        raise AmbilinkError(path, "is a key of another kind than Ed25519", MAKE)
    return key.public_bytes_raw()


def signature_matches(public: bytes, message: bytes, signature: bytes, where: object) -> bool:
    _cryptography(where)
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def make_keys(private: Path, public: Path) -> str:
    """Write a new pair of keys, the private one for its owner's eyes; returns its name. Neither file may be there."""
    if os.path.realpath(private) == os.path.realpath(public):
        raise AmbilinkError(private, "cannot hold both keys", "name two files")
    for path in (private, public):
        if os.path.lexists(path):
            raise AmbilinkError(path, "is there already, and a lost key cannot be made again", "name a new file")
    serialization = _cryptography(private)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key, pem = Ed25519PrivateKey.generate(), serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    half = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    for path, data, mode in ((private, secret, 0o600), (public, half, 0o644)):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as out:
            out.write(data)
    return key_name(key.public_key().public_bytes_raw())

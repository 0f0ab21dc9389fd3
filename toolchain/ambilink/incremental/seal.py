"""Entries of a cache as they are stored: one file's bytes, bound to their key and, with a secret, to those who know it.

    ambilink cache 2\\n   the format
    1 byte               what it is: a file, an executable file, a symbolic link
    32 bytes             with a secret, HMAC-SHA-256 of kind, key and contents; without one, their SHA-256
    contents

The SHA-256 detects damage. Tampering is detected by the HMAC alone: everybody can compute a checksum.
"""

import hashlib
import hmac
from dataclasses import dataclass

FORMAT = b"ambilink cache 2\n"
FILE, PROGRAM, LINK = b"f", b"x", b"l"
TAG = hashlib.sha256().digest_size
HEADER = len(FORMAT) + 1 + TAG


class DamagedError(Exception):
    """Not what was stored under this key, or stored by those who do not know the secret."""


@dataclass(frozen=True)
class Entry:
    data: bytes
    kind: bytes = FILE


class Seal:
    def __init__(self, secret: bytes = b"") -> None:
        self._keyed = bool(secret)
        self._name_key, self._tag_key = (
            hmac.digest(secret, purpose, "sha256") if secret else b"" for purpose in (b"name", b"tag")
        )

    def name(self, key: str) -> str:
        """Of the entry in storage; a key's suffix is kept. Another secret gives other names, so those who have
        different ones do not meet."""
        _, dot, suffix = key.partition(".")
        return hashlib.blake2b(FORMAT + key.encode(), key=self._name_key, digest_size=16).hexdigest() + dot + suffix

    def close(self, key: str, entry: Entry) -> bytes:
        return b"".join((FORMAT, entry.kind, self._tag(key, entry.kind, entry.data), entry.data))

    def open(self, key: str, sealed: bytes) -> Entry:
        """Raises DamagedError."""
        kind, tag = sealed[len(FORMAT) : len(FORMAT) + 1], sealed[HEADER - TAG : HEADER]
        data = sealed[HEADER:]
        if len(sealed) < HEADER or not sealed.startswith(FORMAT) or kind not in (FILE, PROGRAM, LINK):
            raise DamagedError
        if not hmac.compare_digest(tag, self._tag(key, kind, data)):
            raise DamagedError
        return Entry(data, kind)

    def _tag(self, key: str, kind: bytes, data: bytes) -> bytes:
        named = key.encode()
        start = FORMAT + kind + len(named).to_bytes(8, "little") + named
        digest = hmac.new(self._tag_key, start, "sha256") if self._keyed else hashlib.sha256(start)
        digest.update(data)
        return digest.digest()

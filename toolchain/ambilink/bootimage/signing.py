"""Signed images: the kernel's key, the signature of an archive's header, and their check on the development machine.

The header covers the rest of the image by digests (boot/include/ambilink/image.h); boot/kernel/image/trust.c checks the
signature at boot."""

import struct
from dataclasses import dataclass, replace
from pathlib import Path

from ambilink.bootimage import container, keys
from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.curve import MULTIPLES, multiples_of_key
from ambilink.bootimage.keys import NO_KEY, PrivateKey, key_name
from ambilink.bootimage.layout import SIGNED_SIZE, Header
from ambilink.bootimage.tree import PAGE_SIZE, DigestKind
from ambilink.elf.file import ElfFile
from ambilink.errors import AmbilinkError

PREFIX = b"Ambilink image\0\0"
TRUST = struct.Struct("<32sQ")
TRUST_SYMBOL = "image_trust"  # struct image_trust in the kernel
MULTIPLES_SYMBOL = "image_multiples"  # struct ed25519_multiples there, of the key
RELEASE_MAX = (1 << 63) - 1


@dataclass(frozen=True)
class Trust:
    """What a kernel starts: images that the owner of this key signed, from a release on. NO_KEY: any."""

    key: bytes = NO_KEY
    least_release: int = 0


@dataclass(frozen=True)
class Signing:
    """What a manifest says. With a public key alone the image is to be signed elsewhere."""

    private: Path | None
    public: Path | None
    release: int
    least_release: int


def _trust_offset(kernel: ElfFile) -> int:
    return container.data_symbol(kernel, TRUST_SYMBOL, TRUST.size, "boot/kernel/image/trust.c")


def trust_of(image: ImageFile) -> Trust:
    """A kernel without the symbol starts any image."""
    if TRUST_SYMBOL not in image.symbols:
        return Trust()
    return Trust(*TRUST.unpack_from(image.data, _trust_offset(ElfFile(image.path, image.data))))


def with_trust(path: Path, kernel: bytes, trust: Trust) -> bytes:
    """A kernel's bytes, or an image's, with that trust in it."""
    elf, made = ElfFile(path, kernel), bytearray(kernel)
    at = _trust_offset(elf)
    made[at : at + TRUST.size] = TRUST.pack(trust.key, trust.least_release)
    at = container.data_symbol(elf, MULTIPLES_SYMBOL, MULTIPLES.size, "boot/kernel/image/multiples.c")
    multiples = bytes(MULTIPLES.size) if trust.key == NO_KEY else multiples_of_key(trust.key)
    if multiples is None:
        raise AmbilinkError(path, f"is for images of key {key_name(trust.key)}, which is no key", keys.MAKE)
    made[at : at + MULTIPLES.size] = multiples
    return bytes(made)


def prepare(image: ImageFile, trust: Trust, release: int) -> ImageFile:
    """An image whose kernel has that trust, with digests that a signature can vouch for, of that release. It is not
    signed yet."""
    made = container.with_tree(image, DigestKind.BLAKE3, with_trust(image.path, image.data, trust), release)
    return container.parse(image.path, made)


def _message(header: Header) -> bytes:
    return PREFIX + header.pack()[:SIGNED_SIZE]


def _with_header(image: ImageFile, header: Header) -> bytes:
    at = image.archive_offset
    return image.data[:at] + header.pack() + image.data[at + PAGE_SIZE :]


def sign(image: ImageFile, key: PrivateKey) -> bytes:
    """The bytes of a prepared image with the signature of its header."""
    header = replace(image.archive.header, signer=key.public)
    return _with_header(image, replace(header, signature=key.sign(_message(header))))


def resign(image: ImageFile, key: PrivateKey, release: int | None, least_release: int | None) -> bytes:
    """Sign an image that was packed without signature, or with an earlier one. Its kernel keeps its key."""
    trust, header = trust_of(image), image.archive.header
    if trust.key not in (NO_KEY, key.public):
        raise AmbilinkError(
            image.path,
            f"has a kernel for images of key {key_name(trust.key)}, and {key.path} is key {key_name(key.public)}",
            "sign with that key, or pack the image anew",
        )
    release = header.release if release is None else release
    usual = trust.least_release if trust.key == key.public else release
    least_release = usual if least_release is None else least_release
    if release < least_release:
        raise AmbilinkError(
            image.path,
            f"has a kernel for version {least_release} and later, and is to be version {release}",
            "give a later --version",
        )
    return sign(prepare(image, Trust(key.public, least_release), release), key)


def described(image: ImageFile) -> str:
    """Whether an image is signed, in words; nothing is checked."""
    header, trust = image.archive.header, trust_of(image)
    if header.signer != NO_KEY:
        return f"signed by key {key_name(header.signer)}, version {header.release}"
    if trust.key != NO_KEY:
        return f"not signed, and its kernel starts what key {key_name(trust.key)} signed: it does not boot"
    return "not signed: who can write the image can alter it unseen"


def mistrusted(image: ImageFile, public: bytes, least_release: int) -> list[str]:
    """Why the owner of a key does not vouch for an image whose digests are right, in words."""
    header, trust = image.archive.header, trust_of(image)
    if header.signer == NO_KEY:
        return ["is not signed"]
    if header.signer != public:
        return [f"is signed by key {key_name(header.signer)}, not {key_name(public)}"]
    if header.digest_kind is not DigestKind.BLAKE3:
        return ["has digests that do not resist forgery"]
    if not keys.signature_matches(public, _message(header), header.signature, image.path):
        return [f"has a wrong signature: key {key_name(public)} did not sign this image"]
    found = []
    if header.release < least_release:
        found.append(f"is version {header.release}, and version {least_release} or later is wanted")
    if trust.key != public:
        other = "any image" if trust.key == NO_KEY else f"images of key {key_name(trust.key)}"
        found.append(f"has a kernel that starts {other}")
    elif with_trust(image.path, image.data, trust) != image.data:
        found.append("has a kernel with multiples of another key")
    return found

"""Signed images: what the kernel starts, what it refuses, and what `ambilink image verify --key` says."""

from dataclasses import replace
from pathlib import Path

import pytest
import toml

from ambilink.bootimage import container, keys, signing
from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.outputs import Outputs, make
from ambilink.bootimage.pack import pack
from ambilink.bootimage.signing import Trust
from ambilink.bootimage.tree import DigestKind
from ambilink.compile.profile import load_profile
from ambilink.elf.file import ElfFile
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, Verdict
from ambilink.verify.kernel_file import with_kernel
from tests.boot.entries import ENTRY_MAX, longest_entries
from tests.boot.flip_image import pack as pack_demo

IMAGE_CHECK, SERVICE_START = 23, 24  # SYS_... of boot/include/ambilink/abi.h

SERVICES = [
    {"name": "names", "grants": ["log"]},
    {"name": "console", "grants": ["log"], "stack": 131072},
    {"name": "exit", "program": "test-exit", "role": "program"},
    {"name": "vectors", "program": "test-vectors", "role": "program"},
]


class Images:
    """Images of one small system, by key and release."""

    def __init__(self, build: Path, folder: Path) -> None:
        self.build, self.folder = build, folder
        self.keys = {}
        for name in ("own", "other"):
            private = folder / f"{name}.pem"
            keys.make_keys(private, folder / f"{name}-public.pem")
            self.keys[name] = keys.read_private(private)
        self.plain = self.pack({})

    def pack(self, image: dict, name: str = "system") -> ImageFile:
        manifest = self.folder / f"{name}.toml"
        settings = {"modules": ["serial", "rtc"], **image}
        manifest.write_text(toml.dumps({"image": settings, "service": SERVICES}))
        pack(manifest, self.build, self.folder / f"{name}.img")
        return container.read(self.folder / f"{name}.img")

    def prepared(self, key: str, release: int, least: int) -> ImageFile:
        return signing.prepare(self.plain, Trust(self.keys[key].public, least), release)

    def signed(self, key: str = "own", release: int = 3, least: int = 3) -> ImageFile:
        return self.parse(signing.sign(self.prepared(key, release, least), self.keys[key]))

    def parse(self, data: bytes) -> ImageFile:
        return container.parse(self.plain.path, data)

    def write(self, data: bytes) -> Path:
        path = self.folder / "altered.img"
        path.write_bytes(data)
        return path

    def boot(self, data: bytes, machine: str = "emulator") -> tuple[Verdict, str]:
        outcome = boot(machine, with_kernel(BootRequest(self.write(data), timeout=20, seed=1)))
        return outcome.verdict, "\n".join(outcome.text)

    def panic(self, data: bytes) -> str:
        verdict, text = self.boot(data)
        assert verdict is Verdict.FAIL, text
        return text.rpartition("panic: ")[2].strip()


@pytest.fixture(scope="module")
def images(build, tmp_path_factory) -> Images:
    return Images(build, tmp_path_factory.mktemp("signed"))


def with_archive(kernel: ImageFile, archive: ImageFile) -> bytes:
    """One image's kernel and another's archive: what an attacker can do who cannot sign."""
    at, data = kernel.archive_offset, archive.archive.data
    assert archive.archive_offset == at and len(data) == len(kernel.archive.data)
    return kernel.data[:at] + data + kernel.data[at + len(data) :]


def with_header(image: ImageFile, **fields) -> bytes:
    """With other fields in the header, and its checksum made right."""
    at = image.archive_offset
    header = replace(image.archive.header, **fields).pack()
    return image.data[:at] + header + image.data[at + len(header) :]


def test_it_boots(images, machine):
    verdict, text = images.boot(images.signed().data, machine)
    assert verdict is Verdict.PASS, text


def test_what_signed_boots_cost(images):
    """At most four times the instructions of the same system not signed, and no entry into the kernel is long: neither
    those that hash pages, nor the start of a service at run time."""
    path = pack_demo(images.build, images.folder, "kernel")
    plain = longest_entries(BootRequest(path, seed=1))[0]
    path.write_bytes(signing.resign(container.read(path), images.keys["own"], 1, 1))
    outcome, entries = longest_entries(BootRequest(path, seed=1))
    assert outcome.verdict is plain.verdict is Verdict.PASS, outcome.text
    assert outcome.instructions < 4 * plain.instructions
    assert {IMAGE_CHECK, SERVICE_START} <= entries.keys() and max(entries.values()) < ENTRY_MAX, entries


def test_a_manifest_signs(images):
    key = images.keys["own"]
    image = images.pack({"sign": "own.pem", "version": 7, "least-version": 5}, "by-manifest")
    assert signing.mistrusted(image, key.public, 7) == [] == container.damaged(image)
    assert signing.trust_of(image) == Trust(key.public, 5)
    # With the public key alone it boots when it was signed.
    image = images.pack({"key": "own-public.pem", "version": 7}, "to-be-signed")
    assert images.panic(image.data).startswith("boot image refused: it is not signed")
    signed = images.parse(signing.resign(image, key, None, None))
    assert signing.mistrusted(signed, key.public, 7) == []
    assert images.boot(signed.data)[0] is Verdict.PASS


def test_the_kernel_for_grub_has_the_key(images):
    """There the archive is a module, which an attacker can replace without the kernel."""
    manifest, tree = images.folder / "grub.toml", images.folder / "grub"
    manifest.write_text(toml.dumps({"image": {"sign": "own.pem", "version": 2}, "service": SERVICES}))
    make(manifest, images.build, load_profile("ambilink"), Outputs(images.folder / "grub.img", tree=tree))
    kernel = ElfFile.open(tree / "boot/kernel")
    trust = Trust(images.keys["own"].public, 2)
    data = bytes(kernel.data)
    assert signing.with_trust(kernel.path, data, trust) == data
    header = container.read(images.folder / "grub.img").archive.header
    assert container.KernelSums.of(kernel) == container.KernelSums(header.kernel_checksum, header.signing_checksum)


def test_signing_is_repeatable(images):
    assert images.signed().data == images.signed().data
    again = signing.resign(images.signed(), images.keys["own"], 3, 3)
    assert again == images.signed().data


def test_what_the_kernel_refuses(images):
    own, other = (keys.key_name(images.keys[name].public) for name in ("own", "other"))
    good = images.signed()
    key = images.keys["own"]
    refused = {
        "unsigned": (
            images.prepared("own", 3, 3).data,
            f"it is not signed, and this kernel starts what key {own} signed",
        ),
        "another's": (
            with_archive(good, images.signed("other")),
            f"key {other} signed it, and this kernel starts what key {own} signed",
        ),
        "another's, under this name": (
            with_header(
                images.parse(with_archive(good, images.signed("other"))),
                signer=key.public,
                signing_checksum=good.archive.header.signing_checksum,
            ),
            f"its signature is wrong: key {own} did not sign this image",
        ),
        "of another header": (
            with_header(good, release=4),
            f"its signature is wrong: key {own} did not sign this image",
        ),
        "of digests that can be forged": (
            signing.sign(images.parse(with_plain_digests(good)), key),
            "it is signed, and its digests do not resist forgery",
        ),
        "rolled back": (
            with_archive(images.signed(release=5, least=5), good),
            "it is version 3, and this kernel starts version 5 and later",
        ),
    }
    for name, (data, reason) in refused.items():
        assert images.panic(data) == f"boot image refused: {reason}", name


def with_plain_digests(image: ImageFile) -> bytes:
    return container.with_tree(image, DigestKind.CRC32C, image.data, image.archive.header.release)


def test_a_forged_page(images):
    """A page is refused whose digest is wrong; where all digests were made right again, the signature is wrong."""
    good = images.signed()
    file = next(file for file in good.archive.files if file.name == "services/test-exit")
    at = good.archive_offset + file.offset
    altered = good.data[: at + 24] + bytes([good.data[at + 24] ^ 1]) + good.data[at + 25 :]
    verdict, text = images.boot(altered)
    assert verdict is Verdict.FAIL and f"{file.name}: page 0 is damaged" in text
    header = good.archive.header
    whole = replace(good, archive=images.parse(altered).archive)
    made = container.with_tree(whole, DigestKind.BLAKE3, altered, header.release)
    keep = images.parse(made).archive.header
    forged = with_header(images.parse(made), signer=header.signer, signature=header.signature)
    assert keep.root != header.root
    assert images.panic(forged).startswith("boot image refused: its signature is wrong")


def test_every_part_of_the_image_is_signed(images):
    """A byte of each part: kernel, padding, headers, symbols, directory, files, tree."""
    good, public = images.signed(), images.keys["own"].public
    step = len(good.data) // 40
    for at in [0, 20, 64, *range(step // 2, len(good.data), step), len(good.data) - 1]:
        altered = bytearray(good.data)
        altered[at] ^= 0x10
        try:
            image = images.parse(bytes(altered))
        except Exception as error:
            assert type(error).__name__ in ("AmbilinkError", "ElfError"), error
            continue
        assert container.damaged(image) or signing.mistrusted(image, public, 0), at


def test_what_verify_refuses(images):
    good, own, other = images.signed(), images.keys["own"].public, images.keys["other"].public
    names = {"own": keys.key_name(own), "other": keys.key_name(other)}
    assert signing.mistrusted(images.plain, own, 0) == ["is not signed"]
    assert signing.mistrusted(good, other, 0) == [f"is signed by key {names['own']}, not {names['other']}"]
    assert signing.mistrusted(good, own, 4) == ["is version 3, and version 4 or later is wanted"]
    forged = images.parse(with_header(good, release=9))
    assert signing.mistrusted(forged, own, 0) == [f"has a wrong signature: key {names['own']} did not sign this image"]
    # Signed by the owner, but its kernel starts anything.
    prepared = signing.prepare(images.plain, Trust(), 3)
    loose = images.parse(signing.sign(prepared, images.keys["own"]))
    assert signing.mistrusted(loose, own, 0) == ["has a kernel that starts any image"]

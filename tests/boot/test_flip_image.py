"""No altered byte of an image is unseen by `image verify`, nor used by a boot. `./scons flip-image` does many more."""

import contextlib
import random
import struct
import subprocess
import sys

import pytest

from ambilink.bootimage import layout
from ambilink.bootimage.container import damaged, parse, read, seal, signing_code, with_tree
from ambilink.bootimage.layout import PAGE_SIZE
from ambilink.bootimage.tree import DigestKind
from ambilink.elf.file import ElfFile
from ambilink.errors import AmbilinkError
from ambilink.machine.boot import boot as machine_boot
from ambilink.machine.model import BootRequest, Verdict
from ambilink.verify.kernel_file import with_kernel

from .conftest import System, boot, whole
from .flip_image import Flipped, Subject, judge, table

FLIPS = 16


@pytest.fixture(scope="module")
def subject(build, tmp_path_factory) -> Subject:
    return Subject.of(whole(System(build, tmp_path_factory.mktemp("flip"))).pack())


@pytest.fixture
def image(subject, tmp_path):
    """A copy that a test may alter."""
    path = tmp_path / "system.img"
    path.write_bytes(subject.path.read_bytes())
    return read(path)


def alter(image, at, change=0x40):
    data = bytearray(image.path.read_bytes())
    data[at] ^= change
    image.path.write_bytes(data)


def offset_of(image, name, page):
    return image.archive_offset + image.archive.file(name).offset + page * PAGE_SIZE + 0x123


def unread_pages(file):
    return [page for first, count in file.unread for page in range(first, first + count)]


def pages_of(image, name, pages):
    """Of these pages of the archive those of a file's code and constants, counted from the file's first."""
    file = image.archive.file(name)
    return [page for page in unread_pages(file) if file.offset // PAGE_SIZE + page in pages]


def test_some_flips(subject):
    flips = subject.flips(random.Random(20))
    cases = [next(flips) for _ in range(FLIPS)]
    judged = list(judge(subject, cases))
    assert not [each for each in judged if each.unseen or each.wrong], "\n".join(
        table({"it": subject}, [("it", each) for each in judged])
    )
    assert {Verdict.PASS.value, Verdict.FAIL.value} <= {each.verdict for each in judged}


def test_every_region_is_seen_by_verify(subject):
    """A bit of each."""
    data = subject.path.read_bytes()
    for region in subject.regions:
        for at in (region.start, (region.start + region.end) // 2, region.end - 1):
            changed = Flipped(region.name, ((at, 3),), -1).apply(data)
            with contextlib.suppress(AmbilinkError):
                assert damaged(parse(subject.path, changed)), f"{region.name} at {at:#x}"


def test_lengths_are_seen(subject, tmp_path):
    data = subject.path.read_bytes()
    path = tmp_path / "other.img"
    for other, words in (
        (data + data, "something was appended to it"),
        (data + b"\0", "something was appended to it"),
        (data[:-1], "truncated"),
        (data[1:], "no boot image"),
    ):
        path.write_bytes(other)
        done = subprocess.run(
            [sys.executable, "-m", "ambilink", "image", "verify", path], capture_output=True, text=True
        )
        assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr


def test_a_service_that_needs_a_damaged_page_ends(subject, image, machine, build):
    """Text of a library, which no linker reads."""
    page = pages_of(image, "lib/libbootimage.so", subject.used)[0]
    alter(image, offset_of(image, "lib/libbootimage.so", page))
    result = boot(build, image.path, machine)
    text = result.outcome.text
    assert f"kernel: lib/libbootimage.so: page {page} is damaged: the boot image was altered" in text
    assert "kernel: files (process 4) needs a page that is damaged, and is ended" in text
    assert any(line.startswith("loader: greet started") for line in text) and result.outcome.verdict is Verdict.FAIL
    assert f"lib/libbootimage.so: page {page} is damaged, which ended files (process 4" in result.reasons[0]


def test_a_page_that_nobody_uses_does_no_harm(subject, image, machine, build):
    file = image.archive.file("lib/libc.so")
    page = next(page for page in unread_pages(file) if file.offset // PAGE_SIZE + page not in subject.used)
    alter(image, offset_of(image, "lib/libc.so", page))
    assert boot(build, image.path, machine).outcome.verdict is Verdict.PASS


def test_a_damaged_file_is_not_served(image, build):
    """The service that reads it for others answers, and goes on."""
    alter(image, offset_of(image, "etc/motd", 0) - 0x123)
    text = boot(build, image.path).outcome.text
    assert "kernel: etc/motd: page 0 is damaged: the boot image was altered" in text
    assert any(line.startswith("audit: files ") for line in text)


def test_a_damaged_kernel_stops(image, machine, build):
    """In a part that this boot does not run: what names the file at an address, for reports."""
    elf = ElfFile.open(image.path)
    alter(image, elf.place_of(elf.addresses()["locate"], 1, "locate"))
    result = boot(build, image.path, machine)
    assert result.outcome.text == [
        "kernel: panic: boot image refused: the kernel is damaged, or not the one that was packed"
    ]


def test_code_of_signatures_is_compared_when_it_is_needed(image, build):
    """An image with checksums does without; BLAKE3 digests need it."""
    at = signing_code(ElfFile.open(image.path))[0x123]
    hashed = bytearray(with_tree(image, DigestKind.BLAKE3, image.data, 0))
    alter(image, at)
    assert damaged(read(image.path)) == ["the kernel's segments do not match their digest"]
    assert boot(build, image.path).outcome.verdict is Verdict.PASS
    hashed[at] ^= 0x40
    image.path.write_bytes(hashed)
    assert damaged(read(image.path)) == ["the kernel's segments do not match their digest"]
    assert boot(build, image.path).outcome.text == [
        "kernel: panic: boot image refused: the kernel is damaged, or not the one that was packed"
    ]


def test_another_version_is_named(image):
    at = image.archive_offset
    data = image.data[: at + 8] + struct.pack("<I", 3) + image.data[at + 12 :]
    image.path.write_bytes(data)
    with pytest.raises(AmbilinkError, match="has version 3, this program reads version 7"):
        read(image.path)
    outcome = machine_boot("emulator", with_kernel(BootRequest(image.path)))
    wanted = "its archive has version 3, this kernel reads version 7"
    assert outcome.text == [f"kernel: panic: boot image refused: {wanted}"]


@pytest.mark.parametrize("kind", list(DigestKind))
def test_a_boot_by_each_kind_of_digest(image, machine, build, kind):
    image.path.write_bytes(with_tree(image, kind, image.data, 0))
    other = read(image.path)
    assert other.archive.header.digest_kind is kind and not damaged(other)
    assert boot(build, image.path, machine).outcome.verdict is Verdict.PASS
    page = unread_pages(other.archive.file("services/greet"))[0]
    alter(image, other.archive_offset + other.archive.file("services/greet").offset + page * PAGE_SIZE + 0x40)
    text = boot(build, image.path, machine).outcome.text
    assert f"kernel: services/greet: page {page} is damaged: the boot image was altered" in text


def test_an_image_is_the_same_after_a_change_of_digests_and_back(image):
    there = parse(image.path, with_tree(image, DigestKind.BLAKE3, image.data, 0))
    assert with_tree(there, DigestKind.CRC32C, there.data, 0) == image.data


def test_sealing_covers_what_was_changed(image, build):
    """For tools that change an image on purpose."""
    at = image.data.index(b"Xen\0")
    data = image.data[:at] + b"xen\0" + image.data[at + 4 :]
    sealed = seal(image.path, data, image.archive_offset, len(image.archive.data))
    assert not damaged(parse(image.path, sealed)) and damaged(parse(image.path, data))
    assert layout.Header.pack(parse(image.path, sealed).archive.header) != layout.Header.pack(image.archive.header)

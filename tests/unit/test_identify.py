"""What a file is that is to be booted: each format is reported by its name."""

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ambilink.bootimage.identify import identify
from ambilink.elf.layout import EHDR, ET_EXEC, IDENT, FileHeader
from ambilink.errors import AmbilinkError

MULTIBOOT2 = struct.pack("<4I", 0xE85250D6, 0, 24, -(0xE85250D6 + 24) & 0xFFFFFFFF) + struct.pack("<HHI", 0, 0, 8)
MULTIBOOT1 = struct.pack("<3I", 0x1BADB002, 0, -0x1BADB002 & 0xFFFFFFFF)


def iso() -> bytes:
    return bytes(510) + b"\x55\xaa" + bytes(0x8001 - 512) + b"CD001" + bytes(2048)  # a hybrid: also a boot sector


def elf(kind: int = ET_EXEC, machine: int = 62) -> bytes:
    return FileHeader(IDENT + bytes(16 - len(IDENT)), kind, machine, 1, 0, 0, 0, 0, EHDR.size, 0, 0, 0, 0, 0).pack()


def elf32() -> bytes:
    return b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HHI", 2, 3, 1) + bytes(28)


def pe() -> bytes:
    return b"MZ" + bytes(0x3A) + (0x80).to_bytes(4, "little") + bytes(0x40) + b"PE\0\0" + bytes(64)


REFUSED = {
    "empty": (b"", "is an empty file", "build it again"),
    "gzip": (gzip.compress(b"kernel"), "is compressed by gzip", "unpack it first"),
    "xz": (b"\xfd7zXZ\0" + bytes(20), "is compressed by xz", "unpack it first"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(20), "is compressed by zstd", "unpack it first"),
    "linux": (
        b"MZ" + bytes(508) + b"\x55\xaa\xeb\x66HdrS" + bytes(512),
        "is a Linux kernel (bzImage)",
        "qemu-system-x86_64 -kernel",
    ),
    "efi": (pe(), "is a PE file, as EFI programs are", "EFI/BOOT/BOOTX64.EFI"),
    "mbr": (bytes(510) + b"\x55\xaa" + bytes(512), "is a boot sector or a disk image with one (MBR)", "-drive"),
    "gpt": (bytes(510) + b"\x55\xaaEFI PART" + bytes(512), "is a disk image with a GPT", "-drive"),
    "qcow": (b"QFI\xfb" + bytes(100), "is a disk image of QEMU (qcow2)", "-drive"),
    "script": (b"#!/bin/sh\n", "is a script", "give a kernel"),
    "text": (b"hello\n", "is a text file", "give a kernel"),
    "library": (b"!<arch>\n" + bytes(60), "is a static library", "give a kernel"),
    "rubbish": (bytes(range(256)), "is of no format that is known here", "give a kernel"),
    "program": (elf(), "is a 64-bit little-endian ELF file with neither a PVH note nor a multiboot header", "note"),
    "object": (elf(kind=1), "is a 64-bit little-endian ELF file: an object file", "give a kernel"),
    "shared": (elf(kind=3), "is a 64-bit little-endian ELF file: a shared object or a", "give a kernel"),
    "arm": (elf(machine=183), "is a 64-bit little-endian ELF file for EM_AARCH64", "give a kernel"),
    "elf32": (elf32(), "is a 32-bit little-endian ELF file with neither", "multiboot2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_nothing_boots_is_named(tmp_path, name):
    data, what, remedy = REFUSED[name]
    path = tmp_path / "file"
    path.write_bytes(data)
    found = identify(path)
    assert not found.protocols and not found.is_cd
    message = str(found.refuse())
    assert message.startswith(f"{path}: {what}") and "which no machine boots; " in message and remedy in message


def test_a_manifest_is_to_be_packed(tmp_path):
    path = tmp_path / "boot.toml"
    path.write_text("[image]\n")
    assert "is the manifest of an image, which no machine boots; pack it: ambilink" in str(identify(path).refuse())
    path.write_text("[project]\n")
    assert "is a text file" in str(identify(path).refuse())


def test_kernels_and_what_enters_them(build, tmp_path):
    assert identify(build / "boot.img").protocols[0] == "pvh" and identify(build / "boot.img").is_ambilink
    assert identify(build / "test-multiboot").protocols == ("multiboot2", "multiboot1")
    assert not identify(build / "test-multiboot").is_ambilink
    path = tmp_path / "raw"
    for data, protocols in ((MULTIBOOT2, ("multiboot2",)), (MULTIBOOT1, ("multiboot1",))):
        path.write_bytes(bytes(64) + data + bytes(64))
        assert identify(path).protocols == protocols
    path.write_bytes(elf32() + bytes(4) + MULTIBOOT1)
    assert identify(path).protocols == ("multiboot1",)


@pytest.mark.parametrize("at", [66, 32768, 65536])
def test_a_header_that_is_unaligned_or_too_far_behind_is_none(tmp_path, at):
    path = tmp_path / "raw"
    path.write_bytes(bytes(at) + MULTIBOOT2 + bytes(64))
    assert identify(path).protocols == ()


def test_a_cd_is_one_although_it_begins_with_a_boot_sector(tmp_path):
    path = tmp_path / "file.iso"
    path.write_bytes(iso())
    assert identify(path).is_cd


@pytest.mark.parametrize("data", [b"\x7fELF", b"\x7fELF\x07\x01" + bytes(60), elf()[:40]])
def test_a_damaged_elf_file_is_an_error(tmp_path, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(AmbilinkError, match=str(path)):
        identify(path)


def ambilink_boot(*words: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "ambilink", "boot", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True)


def test_the_command_says_so(tmp_path):
    path = tmp_path / "file.iso"
    path.write_bytes(iso())
    done = ambilink_boot(path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{path}: is an ISO 9660 image: the emulator has no firmware and no CD drive" in done.stderr
    assert "boot it with --machine qemu" in done.stderr
    done = ambilink_boot(path, "--machine", "qemu", "--append", "x")
    assert done.returncode == 1 and "change its grub.cfg" in done.stderr
    path.write_bytes(gzip.compress(b"kernel"))
    assert "is compressed by gzip, which no machine boots; unpack it first" in ambilink_boot(path).stderr
    assert "is a folder" in ambilink_boot(tmp_path).stderr
    assert "cannot be read" in ambilink_boot(Path("/nonexistent")).stderr


def test_a_protocol_that_a_kernel_does_not_know_is_refused(build):
    done = ambilink_boot(build / "test-multiboot", "--protocol", "pvh")
    assert done.returncode == 1 and "cannot be entered by pvh; it knows multiboot2, multiboot1" in done.stderr

"""Formats that outsiders depend on: another version is refused by name (docs/formats.md)."""

import struct

import pytest

from ambilink.bootimage import layout, multiboot_manifest
from ambilink.bootimage.container import read as read_image
from ambilink.bootimage.manifest import read as read_manifest
from ambilink.compile.profile import load_profile
from ambilink.errors import AmbilinkError

MULTIBOOT = '[image]\nformat = "multiboot2"\n[[module]]\nprogram = "a"\n'


@pytest.mark.parametrize(
    ("reader", "rest"),
    [(read_manifest, '[[service]]\nname = "a"\nrole = "program"\n'), (multiboot_manifest.read, MULTIBOOT)],
)
def test_a_manifest_of_another_version(tmp_path, reader, rest):
    path = tmp_path / "boot.toml"
    path.write_text(f"manifest = 1\n{rest}")
    reader(path)
    path.write_text(f"# of the future\nmanifest = 2\n{rest}")
    with pytest.raises(AmbilinkError, match=r"boot\.toml:2: manifest is 2; this program reads manifest = 1: install"):
        reader(path)
    path.write_text(f'manifest = "1"\n{rest}')
    with pytest.raises(AmbilinkError, match=r"boot\.toml:1: manifest is '1', which is not"):
        reader(path)


def test_a_profile_of_another_version(tmp_path):
    path = tmp_path / "os.toml"
    path.write_text("profile = 2\n")
    with pytest.raises(AmbilinkError, match=r"os\.toml:1: profile is 2, a format that is unknown here; known: 1"):
        load_profile(str(path))


def test_an_image_of_another_version(build, tmp_path):
    data = bytearray((build / "boot.img").read_bytes())
    at = data.index(struct.pack("<QI", layout.MAGIC, layout.VERSION)) + 8
    data[at : at + 4] = struct.pack("<I", layout.VERSION + 1)
    path = tmp_path / "boot.img"
    path.write_bytes(data)
    with pytest.raises(AmbilinkError, match=rf"has version {layout.VERSION + 1}, this program reads version \d"):
        read_image(path)

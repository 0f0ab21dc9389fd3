"""boot/system/boot.toml with another strategy, by one line, boots and shows what boot.expect asks for."""

import shutil

import pytest

from ambilink.boot import boot_and_verify
from ambilink.bootimage.pack import pack
from ambilink.machine.model import BootRequest

pytestmark = pytest.mark.compiler

IMAGE = ["loader", "kernel", "interp", "pack"]
# Under [image], and of services by name.
CASES = [
    *((f'linker = "{linker}"', {}) for linker in IMAGE),
    ('linker = "interp"\ninterpreter = "libc.so"', {}),
    ('loader = "loader-dynamic"', {}),
    ("", {"greet": "interp"}),
    ("", {"names": "interp", "console": "kernel", "files": "pack", "fortune": "kernel"}),
    ('linker = "interp"', {"names": "loader", "fortune": "pack"}),
    ('linker = "kernel"', {"audit": "interp", "greet": "loader"}),
    ('linker = "pack"', {"files": "interp", "audit": "kernel", "fortune": "loader"}),
]


@pytest.mark.parametrize(("image", "services"), CASES)
def test_each_strategy_by_one_line(top, build, tmp_path, image, services):
    system = top / "boot/system"
    shutil.copytree(system / "files", tmp_path / "files")
    text = (system / "boot.toml").read_text().replace("[image]\n", f"[image]\n{image}\n")
    for name, linker in services.items():
        text = text.replace(f'name = "{name}"\n', f'name = "{name}"\nlinker = "{linker}"\n')
    manifest = tmp_path / "boot.toml"
    manifest.write_text(text)
    pack(manifest, build, tmp_path / "boot.img")
    result = boot_and_verify("emulator", BootRequest(tmp_path / "boot.img"), build, system / "boot.expect")
    assert result.exit_status == 0, result.failures

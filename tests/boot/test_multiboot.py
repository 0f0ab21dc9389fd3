"""A multiboot kernel is handed the same by GRUB, the outside judge, as by the wrapper made of kernel and modules.

The kernel is multiboot/main.c, which prints what it was handed; it ends nothing, so text decides."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import toml

from ambilink.boot import boot_and_verify
from ambilink.bootimage.multiboot_manifest import read
from ambilink.bootimage.outputs import Outputs, make
from ambilink.compile.profile import load_profile
from ambilink.elf.file import ElfFile
from ambilink.errors import AmbilinkError
from ambilink.machine.firmware import find_uefi
from ambilink.machine.model import BootRequest, NoMachine, Verdict
from ambilink.verdict import VerdictRules

from .conftest import grub_lacks

RULES = VerdictRules(pass_text=("all was printed",), fail_text=("PANIC", "the size is wrong"))
PRINTED = re.compile(r"command line|module|has the|sections|end$|load base|memory below")


@dataclass
class Built:
    image: Path
    iso: Path
    tree: Path


MODULES = [
    {"file": "one.bin", "command-line": "lib/a one $two;{three}"},
    {"program": "greet"},
    {"needed": True},
    {"file": "empty.bin", "command-line": ""},
]


def write_manifest(folder: Path, version: int, modules=MODULES, **image) -> Path:
    path = folder / "system.toml"
    head = {"format": f"multiboot{version}", "kernel": "test-multiboot", "command-line": "root=/dev/x quiet", **image}
    path.write_text(toml.dumps({"image": head, "module": modules}))
    (folder / "one.bin").write_bytes(bytes(range(256)) * 20)
    (folder / "empty.bin").write_bytes(b"")
    return path


@pytest.fixture(scope="module", params=[2, 1])
def built(request, build, tmp_path_factory) -> Built:
    folder = tmp_path_factory.mktemp(f"multiboot{request.param}")
    manifest = write_manifest(folder, request.param, **{"library-command-line": "{folder}/{name}"})
    iso = None if grub_lacks() else folder / "system.iso"
    outputs = Outputs(folder / "system.elf", iso, folder / "tree")
    make(manifest, build, load_profile("ambilink"), outputs)
    return Built(outputs.image, folder / "system.iso", outputs.tree)


def boot(image: Path, machine: str, **settings) -> list[str]:
    request = BootRequest(image, rules=RULES, timeout=300.0, **settings)
    outcome = boot_and_verify(machine, request, image.parent).outcome
    assert outcome.verdict is Verdict.PASS, (outcome.detail, outcome.text)
    return outcome.text[outcome.text.index("multiboot kernel") :]


def test_the_kernel_is_handed_what_the_manifest_says(build, built, machine):
    text = boot(built.image, machine)
    assert "command line 'root=/dev/x quiet'" in text
    names = [re.match(r"module '(.*)' bytes (\d+)", line).groups() for line in text if line.startswith("module")]
    assert names[0] == ("lib/a one $two;{three}", "5120")
    assert names[1] == ("greet", str((built.tree / "boot/services/greet").stat().st_size))
    libraries = [name for name, _ in names[2:-1]]
    assert libraries[0].startswith("lib/lib") and "lib/libc.so" in libraries and len(libraries) == len({*libraries})
    assert names[-1] == ("", "0")
    assert not [line for line in text if "unaligned" in line]
    assert next(line for line in text if line.startswith("sections")).endswith(", symbols")
    below = next(line for line in text if line.startswith("memory below"))
    assert int(below.rsplit(" ", 1)[1]) in range(126, 129)


def from_grub(built: Built, firmware: str) -> list[str]:
    if missing := grub_lacks(firmware):
        pytest.skip(missing)
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    return boot(built.iso, "qemu", firmware=firmware)


def printed(text: list[str]) -> list[str]:
    return [line for line in text if PRINTED.match(line)]


def test_grub_hands_over_the_same(built):
    grubs = from_grub(built, "bios")
    assert printed(grubs) == printed(boot(built.image, "qemu"))


@pytest.mark.parametrize("built", [2], indirect=True)
def test_grub_hands_over_the_same_from_uefi(built):
    try:
        find_uefi()
    except NoMachine as error:
        pytest.skip(str(error))
    grubs = from_grub(built, "uefi")
    # The firmware keeps a part of the memory at 8 MiB.
    texts = [boot(built.image, "qemu"), grubs]
    mine, other = ([line for line in printed(text) if "memory" not in line] for text in texts)
    assert mine == other


def test_words_of_the_command_line_come_last(built, machine):
    assert "command line 'root=/dev/x quiet debug=1 x'" in boot(built.image, machine, arguments="debug=1 x")


@pytest.mark.tools
def test_the_folder_is_grubs(build, built):
    text = (built.tree / "boot/grub/grub.cfg").read_text()
    assert "/boot/test-multiboot root=/dev/x quiet\n" in text
    assert "/boot/one.bin lib/a one '$two;{three}'\n" in text
    assert (built.tree / "boot/test-multiboot").read_bytes() == (build / "test-multiboot").read_bytes()
    if script := shutil.which("grub-script-check"):
        assert subprocess.run([script, built.tree / "boot/grub/grub.cfg"]).returncode == 0


def test_names_that_grub_cannot_read_are_changed(build, tmp_path):
    modules = [{"file": name} for name in ("it's", "it$s")]
    for module in modules:
        (tmp_path / module["file"]).write_text(module["file"])
    manifest = write_manifest(tmp_path, 2, [{**each, "command-line": "x"} for each in modules])
    make(manifest, build, load_profile("ambilink"), Outputs(tmp_path / "x.elf", tree=tmp_path / "tree"))
    text = (tmp_path / "tree/boot/grub/grub.cfg").read_text()
    assert "module2 /boot/it_s x\n  module2 /boot/it_s-2 x\n" in text
    assert [(tmp_path / "tree/boot" / name).read_text() for name in ("it_s", "it_s-2")] == ["it's", "it$s"]


def test_the_profile_says_whether_section_headers_are_kept(build, tmp_path):
    manifest = write_manifest(tmp_path, 2, [{"program": "greet"}])
    profile = tmp_path / "os.toml"
    found = {}
    for kept in (True, False):
        profile.write_text(f'profile = 1\nextends = "ambilink"\n[format]\nsection-headers = {str(kept).lower()}\n')
        make(manifest, build, load_profile(str(profile)), Outputs(tmp_path / "x.elf", tree=tmp_path / str(kept)))
        found[kept] = ElfFile.open(tmp_path / str(kept) / "boot/services/greet")
    assert found[True].sections and not found[False].sections


def test_the_wrapper_is_reproducible(build, tmp_path):
    manifest = write_manifest(tmp_path, 2)
    for name in ("a", "b"):
        make(manifest, build, load_profile("ambilink"), Outputs(tmp_path / name))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


BAD = {
    "unknown format": (
        '[image]\nformat = "multiboot3"\n',
        ":2: image.format is 'multiboot3'; did you mean 'multiboot2'? choose one of: ambilink",
    ),
    "service": (
        '[image]\nformat = "multiboot2"\n[[service]]\nname = "x"\n',
        ":3: service is not for format 'multiboot2'; list programs and files as [[module]]",
    ),
    "loader": (
        '[image]\nformat = "multiboot2"\nloader = "x"\n',
        ":3: unknown key image.loader; known here: command-line",
    ),
    "nothing": ('[image]\nformat = "multiboot2"\n[[module]]\n', "module 1.program or file or needed is wanted"),
    "both": (
        '[image]\nformat = "multiboot2"\n[[module]]\nprogram = "x"\nfile = "y"\n',
        ":4: module 1.program or file or needed is wanted, one of them",
    ),
    "path": ('[image]\nformat = "multiboot2"\n[[module]]\nprogram = "a/b"\n', ":4: module 1.program is 'a/b'"),
    "quote": (
        '[image]\nformat = "multiboot2"\n[[module]]\nfile = "x"\ncommand-line = "say \'x\'"\n',
        ':5: module 1.command-line has "\'", which GRUB does not hand over',
    ),
    "blanks": (
        '[image]\nformat = "multiboot2"\ncommand-line = "a  b"\n',
        ":3: image.command-line is 'a  b'; put single blanks between words",
    ),
    "type": ('[image]\nformat = "multiboot2"\ncommand-line = 1\n', ":3: image.command-line is 1, which is not a text"),
    "pattern": (
        '[image]\nformat = "multiboot2"\nlibrary-command-line = "{path}"\n',
        ":3: image.library-command-line uses {path}; known: {name}, {folder}",
    ),
    "needed twice": (
        '[image]\nformat = "multiboot2"\n[[module]]\nneeded = true\n[[module]]\nneeded = true\n',
        ":6: a second entry says needed = true",
    ),
    "words for needed": (
        '[image]\nformat = "multiboot2"\n[[module]]\nneeded = true\ncommand-line = "x"\n',
        ":5: module 1.command-line stands beside needed",
    ),
    "library": ('[image]\nformat = "multiboot2"\nlibraries = ["lib/x.so"]\n', ":3: image.libraries has 'lib/x.so'"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes_name_file_line_and_key(tmp_path, name):
    path = tmp_path / "system.toml"
    text, message = BAD[name]
    path.write_text(text)
    with pytest.raises(AmbilinkError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path)) and message in str(caught.value)


@pytest.mark.parametrize(
    ("module", "kernel", "message"),
    [
        ({"program": "nowhere"}, "test-multiboot", "unknown program nowhere"),
        ({"file": "nowhere"}, "test-multiboot", "module nowhere: "),
        ({"program": "greet"}, "lib/libc.so", "has no multiboot2 header in its first 32 KiB"),
        ({"program": "greet"}, "nowhere", "cannot be read"),
    ],
)
def test_nothing_is_written_where_something_is_missing(build, tmp_path, module, kernel, message):
    manifest = write_manifest(tmp_path, 2, [module], kernel=kernel)
    line = [sys.executable, "-m", "ambilink", "image", "pack", manifest, "--root", build]
    outputs = ["--output", tmp_path / "x.elf", "--iso", tmp_path / "x.iso", "--tree", tmp_path / "tree"]
    done = subprocess.run([*line, *outputs], capture_output=True, text=True)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.bin", "one.bin", "system.toml"]


def test_without_grub_an_iso_is_refused(build, tmp_path):
    manifest = write_manifest(tmp_path, 2, [{"file": "one.bin"}])
    line = [
        sys.executable,
        "-m",
        "ambilink",
        "image",
        "pack",
        manifest,
        "--root",
        build,
        "--output",
        tmp_path / "x.elf",
    ]
    path = {"PATH": "/nonexistent", "PYTHONPATH": str(build.parents[1] / "toolchain")}
    done = subprocess.run([*line, "--iso", tmp_path / "x.iso"], capture_output=True, text=True, env=path)
    assert done.returncode == 1 and "grub-mkrescue is not on the PATH; install it (Debian: apt install" in done.stderr
    assert not (tmp_path / "x.elf").exists()

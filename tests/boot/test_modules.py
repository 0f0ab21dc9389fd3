"""Kernel modules: linked at boot against the kernel's exports; what cannot be linked is reported, the boot goes on."""

from pathlib import Path

import pytest

from ambilink.bootimage.container import read
from ambilink.bootimage.layout import FileKind
from ambilink.elf.abi import Abi, abi_changes, load_abi, read_abi
from ambilink.elf.exports import exports
from ambilink.elf.file import ElfFile
from ambilink.elf.stub import stub
from ambilink.errors import AmbilinkError
from ambilink.machine.model import Verdict

from .conftest import boot, repack, whole

pytestmark = pytest.mark.compiler

GOLDEN = Path(__file__).parents[2] / "boot/kernel/kernel.abi"


def test_the_kernel_has_what_its_text_offers(build, tmp_path):
    assert abi_changes(load_abi(GOLDEN), read_abi(build / "modules/kernel.so")) == []
    more = tmp_path / "more.abi"
    more.write_text(GOLDEN.read_text() + "func not_there@@KERNEL_1\n")
    with pytest.raises(AmbilinkError, match=r"does not define not_there, which .*more\.abi offers to modules"):
        exports(build / "kernel", more, "EM_X86_64")


def test_without_the_serial_driver(system, machine):
    """Nothing reads the log while the machine runs; at its end it is written all the same."""
    system.modules = ["rtc"]
    result = whole(system).boot(machine)
    assert result.outcome.verdict is Verdict.PASS
    assert any(line.startswith("audit: fortune ran") for line in result.outcome.text)


def test_without_a_clock_it_is_1970(system, machine):
    system.modules = ["serial"]
    result = whole(system).boot(machine)
    assert result.outcome.verdict is Verdict.PASS
    assert "greet: Hello, world, in 1970." in result.outcome.text


def kernel_messages(build, path, machine="emulator"):
    result = boot(build, path, machine)
    assert result.outcome.verdict is Verdict.FAIL
    assert any(line.startswith("audit: fortune ran") for line in result.outcome.text), result.outcome.text
    assert "loader: every program of the manifest ended: failed" in result.outcome.text
    return [line for line in result.outcome.text if line.startswith("kernel: ")]


def packed(system, build, change):
    """An image whose files a function changed."""
    path = whole(system).pack()
    image = read(path)
    contents = {file.name: (file.kind, image.archive.contents(file)) for file in image.archive.files}
    change(contents)
    repack(build, image, contents)
    return path


def other_exports(build, **changes):
    """What a kernel of another day exports."""
    golden = load_abi(GOLDEN)
    symbols = [symbol for symbol in golden.symbols if symbol.name != changes.get("without")]
    versions = golden.versions
    if "version" in changes:
        versions = (changes["version"],)
        symbols = [type(symbol)(symbol.name, changes["version"]) for symbol in symbols]
    addresses = ElfFile.open(build / "kernel").addresses()
    return stub(
        Abi(golden.soname, (), versions, tuple(symbols)),
        "EM_X86_64",
        {each.name: addresses[each.name] for each in symbols},
        movable=True,
    )


def test_a_missing_symbol(system, build, machine):
    def change(contents):
        contents["modules/kernel.so"] = (FileKind.DATA, other_exports(build, without="wall_clock_set"))

    lines = kernel_messages(build, packed(system, build, change), machine)
    assert len(lines) == 1 and lines[0].startswith("kernel: module rtc.so: "), lines
    assert "wall_clock_set" in lines[0] and "KERNEL_1" in lines[0]


def test_another_version(system, build):
    """Both drivers are refused, the serial one too: the log comes at the end."""

    def change(contents):
        contents["modules/kernel.so"] = (FileKind.DATA, other_exports(build, version="KERNEL_2"))

    lines = kernel_messages(build, packed(system, build, change))
    assert [line.split(":")[1] for line in lines] == [" module serial.so", " module rtc.so"], lines
    assert all("KERNEL_1" in line and "kernel.so" in line for line in lines)


def test_files_that_are_no_modules(system, build):
    def no_elf(contents):
        contents["modules/rtc.so"] = (FileKind.MODULE, b"not a module".ljust(4096))

    (line,) = kernel_messages(build, packed(system, build, no_elf))
    assert line.startswith("kernel: module rtc.so: ") and "ELF" in line


def test_without_the_exports(system, build):
    def no_exports(contents):
        del contents["modules/kernel.so"]

    (line,) = kernel_messages(build, packed(system, build, no_exports))
    assert line == "kernel: modules/kernel.so is not in the boot image, and modules need it"


def test_an_altered_module(system, build):
    path = whole(system).pack()
    image = read(path)
    data = bytearray(path.read_bytes())
    data[image.archive_offset + image.archive.file("modules/rtc.so").offset + 100] ^= 1
    path.write_bytes(data)
    lines = kernel_messages(build, path)
    assert lines[0] == "kernel: modules/rtc.so: page 0 is damaged: the boot image was altered"


def test_a_module_that_nobody_declared(system):
    system.modules = ["serial", "radio"]
    with pytest.raises(AmbilinkError, match=r"unknown module radio: .*modules/radio\.so is not there"):
        system.program("test-exit").pack()

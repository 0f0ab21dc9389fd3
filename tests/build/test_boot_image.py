"""An image for a multiboot kernel in another project's tree: BootImage, BootTest and a profile with a verdict of its
own. The kernel is tests/boot/multiboot."""

import json
import os
import re
import shutil

import pytest

from ambilink.report.record import read_record

PROFILE = """\
profile = 1
extends = "ambilink"
[format]
section-headers = false
[verdict]
pass-codes = []
fail-codes = []
pass-text = ["module 'libs/liblow.so'", "all was printed"]
fail-text = ["PANIC"]
"""
MANIFEST = """\
[image]
format = "multiboot2"
command-line = "from the tree"
library-command-line = "libs/{name}"

[[module]]
program = "user"

[[module]]
file = "text"
command-line = "text {unchanged}"
"""
MORE = """\
env.Kernel("kernel", ["main.c", "entry.S"], script="kernel.lds", flags=["-mcmodel=small"])
image = env.BootImage("my.elf", "my.toml", tree="grub")
env.BootTest("my.log", image)
"""


@pytest.fixture
def system(pair, top):
    kernel = top / "tests/boot/multiboot"
    for name in ("entry.S", "kernel.lds"):
        shutil.copy(kernel / name, pair.folder / name)
    pair.write("user.c", (pair.folder / "main.c").read_text())
    shutil.copy(kernel / "main.c", pair.folder / "main.c")
    pair.write("os.toml", PROFILE)
    pair.write("my.toml", MANIFEST)
    pair.write("text", "contents\n")
    pair.more = 'AMBILINK_OS="os.toml",'
    pair.sconstruct(pair._text.replace('["main.c"]', '["user.c"]') + MORE)
    return pair


def out(system):
    (folder,) = (each for each in (system.folder / "build").iterdir() if (each / "my.log").exists())
    return folder


def test_it_is_packed_booted_and_judged_by_the_profile(system):
    system.good()
    log = (out(system) / "my.log").read_text()
    assert "command line 'from the tree'" in log and "emulator: passed" in log
    names = [line.split("'")[1] for line in log.splitlines() if line.startswith("module")]
    assert names == ["user", "text {unchanged}", "libs/libhigh.so", "libs/liblow.so"]
    config = (out(system) / "grub/boot/grub/grub.cfg").read_text()
    assert "multiboot2 /boot/kernel from the tree" in config
    assert (out(system) / "grub/boot/lib/liblow.so").is_file()
    assert "up to date" in system.good() or "PACK" not in system.good()


def test_what_changed_is_packed_and_booted_again(system):
    system.good()
    folder = out(system)
    changes = {
        "low/low.c": lambda text: text.replace("= 3", "= 4"),
        "my.toml": lambda text: text.replace("from the tree", "changed"),
        "text": lambda text: text + "more\n",
        "os.toml": lambda text: text.replace("false", "true"),
    }
    for name, change in changes.items():
        before = (folder / "my.elf").read_bytes()
        path = system.folder / name
        path.write_text(change(path.read_text()))
        os.utime(path)
        system.good()
        assert (folder / "my.elf").read_bytes() != before, name
    assert "command line 'changed'" in (folder / "my.log").read_text()


def test_boots_side_by_side_print_whole_consoles(system):
    names = ["my.log", *(f"other{number}.log" for number in range(3))]
    with (system.folder / "SConstruct").open("a") as stream:
        stream.writelines(f'env.BootTest("{name}", image)\n' for name in names[1:])
    said = system.good("-j4").splitlines()
    console = (out(system) / "my.log").read_text().splitlines()
    console = console[: console.index("all was printed") + 1]
    for name in names:
        title = ["BOOT", str((out(system) / name).relative_to(system.folder))]
        start = [line.split() for line in said].index(title)
        assert said[start + 1 : start + 1 + len(console)] == console


def test_the_profiles_verdict_fails_the_build(system):
    system.write("os.toml", PROFILE.replace('"PANIC"', '"memory map"'))
    said = system.bad()
    assert "the console shows a failure: memory map" in said
    folder = out(system)
    assert "FAILED" in (folder / "my.log").read_text().splitlines()[-1]
    assert json.loads((folder / "my.json").read_text())["verdict"] == "fail"
    assert "Failed" in (folder / "my.html").read_text() and "<failure" in (folder / "my.junit.xml").read_text()


def test_a_boot_that_failed_is_booted_again(system):
    """Also if everything is as it was when the boot passed the last time."""
    system.good()
    system.write("os.toml", PROFILE.replace('"PANIC"', '"memory map"'))
    system.bad()
    system.write("os.toml", PROFILE)
    said = system.good("--debug=explain")
    assert "BOOT" in said and re.search(r"rebuilding `\S*my.log' because the last boot failed\n", said)
    folder = out(system)
    assert "emulator: passed" in (folder / "my.log").read_text()
    assert json.loads((folder / "my.json").read_text())["passed"]
    (folder / "my.html").unlink()
    system.good()
    assert (folder / "my.html").is_file()


def test_reports_of_a_foreign_boot(system):
    """There is no kernel of ours to look into: what can be said is said, the rest is null or empty."""
    system.good()
    record = read_record(out(system) / "my.json")
    assert record["processes"] == [] and record["processes_created"] is None and record["memory"]["parts"] == []
    assert {check["result"] for check in record["checks"] if check["group"] == "memory"} == {"skipped"}
    assert sum(part["bytes"] for part in record["image"]["parts"]) == (out(system) / "my.elf").stat().st_size
    assert record["compared"] is None
    system.write("text", "longer contents\n" * 1000)
    system.good()
    compared = read_record(out(system) / "my.json")["compared"]
    assert compared["bytes"] == record["image"]["bytes"] and compared["started"] == record["started"]
    system.good()
    assert read_record(out(system) / "my.json")["compared"] == compared


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('program = "user"', 'program = "usr"', "my.toml:7: unknown service 'usr'"),
        ('file = "text"', 'file = "txet"', "my.toml:10: txet is not there (image declared at SConstruct:"),
        ("[[module]]\nprogram", '[[module]]\ncolour = "x"\nprogram', "my.toml:7: unknown key module 1.colour"),
        ("[image]", '[image]\nkernel = "../../kern"', "my.toml:2: image.kernel is '../../kern'; give"),
        ("[image]", '[image]\nkernel = "grub/grub.cfg"', "GRUB's own files lie in the folder grub"),
        ('file = "text"', 'file = "grub"', "module 2.file is 'grub', and GRUB's own files lie in the folder grub"),
        (
            '"multiboot2"',
            '"multiboot"',
            "my.toml:2: image.format is 'multiboot'; did you mean 'multiboot2'? choose one of: ambilink, multiboot2",
        ),
    ],
)
def test_a_wrong_manifest_is_an_error_at_its_line(system, old, new, message):
    system.write("my.toml", MANIFEST.replace(old, new))
    said = system.bad()
    assert message in said and "Traceback" not in said
    assert not list(system.folder.glob("build/*/my.elf"))

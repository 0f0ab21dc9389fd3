"""The linking strategies: the same services by each, with the same result."""

import re

import pytest

from ambilink.bootimage.container import read
from ambilink.bootimage.layout import FileKind
from ambilink.elf.abi import abi_changes, read_abi
from ambilink.elf.inspect import inspect
from ambilink.machine.model import Verdict

from .conftest import STRATEGIES, boot, repack, set_strategy, whole

pytestmark = pytest.mark.compiler


def spoken(result):
    """What services say, without times and sizes, in no order."""
    varies = r"\[ *[0-9.]+\]|in \d{4}\.|\d+ (bytes|files|objects)| *\d+ KiB"
    lines = [re.sub(varies, "*", line) for line in result.outcome.text]
    return sorted(line for line in lines if not line.startswith(("loader: ", "fortune: ")) or "ended" in line)


def test_the_same_console_by_each_way(system, machine):
    results = {STRATEGIES[0]: set_strategy(whole(system), STRATEGIES[0]).boot(machine)}
    for strategy in STRATEGIES[1:]:
        results[strategy] = set_strategy(system, strategy).boot(machine)
    for strategy, result in results.items():
        assert result.failures == [] and result.outcome.verdict is Verdict.PASS, strategy
        assert spoken(result) == spoken(results["loader"]), strategy
        assert result.slots.total.equal > 750, strategy
        uses = {use.name: use for use in result.report.files}
        # verify_system fails where a read-only page is not the image's own frame.
        assert len(uses["lib/libc.so"].processes) == (6 if strategy == "loader+dynamic" else 5), strategy


def test_a_mixed_image(system, machine):
    whole(system, names="pack", greet="pack", console="interp", audit="kernel", fortune="interp")
    result = system.boot(machine)
    assert result.failures == [] and result.outcome.verdict is Verdict.PASS
    uses = {use.name: use for use in result.report.files}
    assert sorted(uses["lib/libc.so"].processes) == ["audit", "console", "files", "greet", "names"]
    assert uses["lib/ld.so"].processes == ["console"]


def test_a_service_that_dies_gets_the_same_libraries_again(each_strategy, machine):
    each_strategy.program("test-restart", starts=["test-phoenix"]).service("test-phoenix", role="on-demand")
    result = each_strategy.boot(machine)
    assert any("restart: died as" in line for line in result.outcome.text)
    # What else is wrong would be in here: a private copy of a read-only page, a slot that is not what the model says.
    assert result.failures == [] and result.outcome.verdict is Verdict.PASS
    alive = [view for view in result.report.processes if view.process.name == "test-phoenix"]
    assert [view.process.state for view in alive] == [0]
    assert {module.file.name for module in alive[0].modules} >= {"lib/libc.so", "lib/libposix.so", "lib/libsys.so"}


def test_the_combined_library_keeps_the_interface(build):
    plain, combined = read_abi(build / "lib/libc.so"), read_abi(build / "lib/interp/libc.so")
    assert abi_changes(plain, combined) == []
    assert inspect(build / "lib/ld.so").needed == () and inspect(build / "lib/ld.so").soname == "ld.so"
    assert read_abi(build / "lib/ld.so").symbols == ()


def test_one_file_is_library_and_interpreter(system):
    archive = read(set_strategy(whole(system), "interp+libc.so").pack()).archive
    library, interpreter = archive.file("lib/libc.so"), archive.file("lib/ld.so")
    assert (library.offset, library.size) == (interpreter.offset, interpreter.size)


# Bad input: each is reported by file and cause, the rest comes up, and the verdict is a failure.


def text_of(result):
    assert result.outcome.verdict is Verdict.FAIL
    assert "loader: every program of the manifest ended: failed" in result.outcome.text
    assert any(line.startswith("audit: fortune ran") for line in result.outcome.text)
    return result.outcome.text


def without(build, image, name):
    """The same image, where a file has another name."""
    archive = image.archive
    contents = {file.name: (file.kind, archive.contents(file)) for file in archive.files}
    renamed = {(name[:-1] + "X" if key == name else key): value for key, value in contents.items()}
    repack(build, image, renamed)


INTERPRETERS = {
    "missing": "kernel: greet: lib/ld.so: the interpreter is not in the boot image",
    "not-elf": "kernel: greet: lib/ld.so: not a 64-bit little-endian ELF file",
    "nested": "kernel: greet: lib/ld.so: an interpreter has none itself",
    "other": "kernel: greet: lib/ld.so: this is not the image's interpreter",
    "outside": "kernel: greet: ../../ld: the interpreter is not in the boot image",
    "unnamed": "kernel: greet: services/greet: "
    "a program header is wrong: its range, its alignment, or what it leads to",
}


@pytest.mark.parametrize("what", INTERPRETERS)
def test_wrong_interpreters(system, build, what):
    path = whole(system, greet="interp").pack()
    image = read(path)
    contents = {file.name: (file.kind, image.archive.contents(file)) for file in image.archive.files}
    kind, program = contents["services/greet"]
    if what == "missing":
        without(build, image, "lib/ld.so")
    else:
        if what == "not-elf":
            contents["lib/ld.so"] = (FileKind.INTERPRETER, b"#!/bin/sh\n".ljust(len(contents["lib/ld.so"][1]), b"\n"))
        elif what == "nested":
            contents["lib/ld.so"] = (FileKind.INTERPRETER, program)
        elif what == "other":
            contents["lib/ld.so"] = (FileKind.LIBRARY, contents["lib/ld.so"][1])
        elif what == "outside":
            contents["services/greet"] = (kind, program.replace(b"/lib/ld.so\0", b"../../ld\0\0\0"))
            contents["services/greet"] = (kind, shorter(contents["services/greet"][1], 9))
        elif what == "unnamed":
            contents["services/greet"] = (kind, program.replace(b"/lib/ld.so\0", b"/lib/ld.so!"))
        repack(build, image, contents)
    assert INTERPRETERS[what] in text_of(boot(build, path))


def shorter(program, size):
    """PT_INTERP of another length."""
    data = bytearray(program)
    at = int.from_bytes(data[32:40], "little")
    while int.from_bytes(data[at : at + 4], "little") != 3:
        at += 56
    data[at + 32 : at + 40] = size.to_bytes(8, "little")
    return bytes(data)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_program_without_its_library(system, build, strategy):
    if strategy == "pack":
        pytest.skip("the packer links: tests/boot/test_pack.py")
    path = set_strategy(system, strategy).program("test-binding-dynamic").program("test-exit", arguments=["0"]).pack()
    without(build, read(path), "lib/libshape.so")
    result = boot(build, path)
    teller = {"kernel": "kernel", "interp": "ld.so"}.get(system.linker, "loader")
    lines = [line for line in result.outcome.text if "libshape.so" in line]
    assert lines and re.match(
        rf"{teller}: (services/)?test-binding-dynamic: .*needs a library that is not there: libshape\.so", lines[0]
    ), lines
    assert result.outcome.verdict is Verdict.FAIL
    assert "loader: every program of the manifest ended: failed" in result.outcome.text


@pytest.mark.parametrize("strategy", ["loader", "kernel", "interp", "pack"])
def test_arguments_too_long_for_the_stack(system, strategy):
    whole(system)
    system.linker = strategy
    greet = next(service for service in system.services if service["name"] == "greet")
    greet |= {"stack": 4096, "environment": {f"V{i}": "x" * 240 for i in range(8)}}
    text = text_of(system.boot())
    assert any("greet" in line and "auxiliary vector take up more than half" in line for line in text), text


def test_prelinked_addresses_that_the_manifest_cannot_give(system):
    system.services[0]["linker"] = "everything"
    with pytest.raises(
        Exception, match=r"service names\.linker is 'everything'; choose one of: loader, kernel, interp, pack"
    ):
        system.pack()


def test_a_static_loader_needs_nobody(system, build):
    """And a dynamic one is the kernel's to link: what cannot be linked is reported, and the machine ends."""
    path = set_strategy(whole(system), "loader+dynamic").pack()
    image = read(path)
    without(build, image, "lib/librtld.so")
    result = boot(build, path)
    assert result.outcome.verdict is Verdict.FAIL
    assert any(line.startswith("kernel: loader: ") and "librtld.so" in line for line in result.outcome.text)
    assert result.outcome.text[-1] == "kernel: panic: the loader service cannot be started"

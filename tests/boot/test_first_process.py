"""The kernel's own ELF parser: it places the loader, and refuses what it must not place."""

import struct

import pytest

from ambilink.bootimage import container, layout
from ambilink.bootimage.start_block import MAGIC
from ambilink.elf.inspect import inspect
from ambilink.machine.model import Verdict

from .conftest import boot

pytestmark = pytest.mark.compiler

PT_LOAD, PT_INTERP, PT_GNU_STACK = 1, 3, 0x6474E551
PROGRAM_HEADER = "a program header is wrong: its range, its alignment, or what it leads to"


def test_a_loader_at_a_fixed_address(system, build, machine):
    """ET_EXEC is placed where it was linked, a static PIE at random."""
    assert inspect(build / "services/test-loader-fixed").type == "ET_EXEC"
    system.loader = "test-loader-fixed"
    result = system.program("test-binding-dynamic", arguments=["dynamic"]).boot(machine)
    assert result.exit_status == 0, (result.outcome.text, result.failures)
    loader = next(view for view in result.report.processes if view.process.number == 1)
    assert [module.base for module in loader.modules] == [0]


def headers(data):
    at, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    return {index: at + 56 * index for index in range(count)}, [
        struct.unpack_from("<I", data, at + 56 * index)[0] for index in range(count)
    ]


def load(data, which):
    places, kinds = headers(data)
    return places[[index for index, kind in enumerate(kinds) if kind == PT_LOAD][which]]


def put(form, offset, *values):
    return lambda data: struct.pack_into(form, data, offset, *values)


def at_load(which, form, field, *values):
    return lambda data: struct.pack_into(form, data, load(data, which) + field, *values)


def interpreter(data):
    places, kinds = headers(data)
    struct.pack_into("<I", data, places[kinds.index(PT_GNU_STACK)], PT_INTERP)
    name = data.index(b"\0lib") if b"\0lib" in data else data.index(b"\0")
    data[name + 1 : name + 6] = b"ld.so"
    struct.pack_into("<Q", data, places[kinds.index(PT_GNU_STACK)] + 8, name + 1)
    struct.pack_into("<Q", data, places[kinds.index(PT_GNU_STACK)] + 32, 6)


def long_interpreter(data):
    places, kinds = headers(data)
    data[0x1000:0x10C8] = b"x" * 199 + b"\0"
    at = places[kinds.index(PT_GNU_STACK)]
    struct.pack_into("<I", data, at, PT_INTERP)
    struct.pack_into("<Q", data, at + 8, 0x1000)
    struct.pack_into("<Q", data, at + 32, 200)


def image_with_loader(system, build, change):
    """The path of an image whose loader was changed."""
    image = container.read(system.program("test-exit").pack())
    contents = {file.name: (file.kind, bytearray(image.archive.contents(file))) for file in image.archive.files}
    change(contents["services/loader"][1])
    frozen = {name: (kind, bytes(data)) for name, (kind, data) in contents.items()}
    data = layout.build(frozen, image.archive.services, "services/loader")
    image.path.write_bytes(container.build(build / "kernel", data, layout.parse(data, image.path)))
    return image.path


@pytest.mark.parametrize(
    "change, rule",
    [
        (put("<I", 0, 0), "not a 64-bit little-endian ELF file"),
        (put("<B", 4, 1), "not a 64-bit little-endian ELF file"),
        (put("<H", 16, 1), "e_type is neither ET_EXEC nor ET_DYN"),
        (put("<H", 18, 183), "e_machine is not this machine's"),
        (put("<I", 20, 2), "e_version or e_ehsize is wrong"),
        (put("<Q", 24, 0x10), "e_entry is not in an executable segment"),
        (put("<Q", 32, 1 << 63), "program headers lie outside the file"),
        (put("<H", 54, 40), "e_phentsize or e_phnum is out of range"),
        (put("<H", 56, 0), "e_phentsize or e_phnum is out of range"),
        (put("<H", 56, 0xFFFF), "program headers lie outside the file"),
        (at_load(0, "<Q", 8, (1 << 64) - 4096), PROGRAM_HEADER),
        (at_load(0, "<Q", 32, 1 << 40), PROGRAM_HEADER),
        (at_load(0, "<Q", 16, 8), PROGRAM_HEADER),
        (at_load(1, "<Q", 16, 0xFFFF800000000000), PROGRAM_HEADER),
        (at_load(-1, "<Q", 40, 1 << 60), PROGRAM_HEADER),
        (at_load(1, "<I", 4, 7), "a segment is writable and executable"),
        (at_load(0, "<I", 4, 0), "a segment is not readable"),
        (at_load(0, "<QQ", 32, 0x100, 0x200), PROGRAM_HEADER),
        (interpreter, "PT_INTERP in a program that must be static"),
        (put("<I", 64, PT_INTERP), "PT_INTERP in a program that must be static"),
        (long_interpreter, "PT_INTERP is too long"),
    ],
)
def test_a_wrong_loader_is_refused(system, build, change, rule):
    """The digests are right, so the kernel gets to see the file."""
    outcome = boot(build, image_with_loader(system, build, change)).outcome
    assert outcome.verdict is Verdict.FAIL
    assert outcome.text[-1] == "kernel: panic: the loader service cannot be started"
    assert outcome.text[-2].startswith("kernel: loader: services/loader: ")
    assert outcome.text[-2].endswith(rule), outcome.text


def test_a_kernel_that_was_not_packed_says_so(build, machine):
    outcome = boot(build, build / "kernel", machine).outcome
    assert "no boot image in memory" in outcome.text[0] and outcome.verdict is Verdict.FAIL


def test_a_start_block_of_another_version(system, build):
    """The loader's start code ends it with STATUS_CORRUPT, before it uses what it does not know."""

    def change(data):
        assert MAGIC.to_bytes(8, "little") in data
        data[:] = data.replace(MAGIC.to_bytes(8, "little"), b"AMBSTRT3")

    outcome = boot(build, image_with_loader(system, build, change)).outcome
    assert outcome.verdict is Verdict.FAIL
    assert "-12" in outcome.text[-1] or "-12" in outcome.text[-2], outcome.text

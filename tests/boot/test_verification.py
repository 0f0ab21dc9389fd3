"""The check of a booted system notices what it is there for: each rule is broken in the machine's memory."""

import pytest

from ambilink.bootimage.container import read
from ambilink.verify.page_tables import NO_EXECUTE, WRITE, kernel_pages, user_pages
from ambilink.verify.system import verify_system

from .conftest import boot

pytestmark = pytest.mark.compiler


@pytest.fixture
def booted(build):
    result = boot(build, build / "boot.img")
    assert result.failures == []
    return result


def entry_address(memory, table, address):
    for shift in (39, 30, 21):
        table = memory.word(table + (address >> shift & 511) * 8) & 0xFFFFFFFFFF000
    return table + (address >> 12 & 511) * 8


def change(result, process, address, function):
    """Apply a function to the page-table entry of an address in a process."""
    view = next(view for view in result.report.processes if view.process.name == process)
    memory = result.outcome.memory
    at = entry_address(memory, view.process.page_table, address)
    memory.write(at, function(memory.word(at)).to_bytes(8, "little"))


def module(result, process, name):
    view = next(view for view in result.report.processes if view.process.name == process)
    return next(module for module in view.modules if module.file.name == name)


def failures(build, result):
    return verify_system(read(build / "boot.img"), result.outcome.memory, result.state).failures


def test_a_private_copy_of_a_text_page(build, booted):
    libc = module(booted, "greet", "lib/libc.so")
    text = next(load for load in libc.elf.loads if load.executable)
    address = libc.base + (text.address & ~0xFFF) + 0x1000
    change(booted, "greet", address, lambda entry: entry & ~0xFFFFFFFFFF000 | 0x1FF000)
    found = failures(build, booted)
    assert found[1:] == ["the frame at 0x1ff000 is executable, and writable by another address"]
    assert found[0].startswith("greet (process 5): lib/libc.so: the read-only page at")
    assert found[0].endswith("is a private copy, not the image's frame")


def test_a_writable_relro_page(build, booted):
    libc = module(booted, "audit", "lib/libc.so")
    change(booted, "audit", libc.base + (libc.elf.relro[0] & ~0xFFF), lambda entry: entry | WRITE)
    assert [line.split(": ", 1)[1][:25] for line in failures(build, booted)] == ["lib/libc.so: the RELRO pa"]


def test_a_page_that_is_writable_and_executable(build, booted):
    view = next(view for view in booted.report.processes if view.process.name == "names")
    stack = max(page.address for page in user_pages(booted.outcome.memory, view.process.page_table) if page.writable)
    change(booted, "names", stack, lambda entry: entry & ~NO_EXECUTE)
    assert any("is writable and executable" in line for line in failures(build, booted))


@pytest.mark.parametrize("what", ["a file of the image", "the kernel's text"])
def test_code_that_the_kernel_could_write(build, booted, what):
    """Through its map of all memory."""
    memory, image = booted.outcome.memory, read(build / "boot.img")
    first = booted.report.processes[0]
    executed = min(first.executed) if what == "a file of the image" else image.physical(image.symbols["code_mapped"])
    pages = list(kernel_pages(memory, first.process.page_table))
    direct = next(page for page in pages if page.frame <= executed < page.frame + page.size and not page.executable)
    table = first.process.page_table
    for shift in (39, 30, 21, 12):
        at = table + (direct.address >> shift & 511) * 8
        table = memory.word(at) & 0xFFFFFFFFFF000
        if 1 << shift == direct.size:
            break
    memory.write(at, (memory.word(at) | WRITE).to_bytes(8, "little"))
    line = f"the frame at {executed & ~0xFFF:#x} is executable, and writable by another address"
    assert line in failures(build, booted)


def test_a_library_that_is_not_there(build, booted):
    library = module(booted, "files", "lib/libbootimage.so")
    for load in library.elf.loads:
        for address in range(load.address & ~0xFFF, load.address + load.memory_size, 0x1000):
            change(booted, "files", library.base + address, lambda entry: 0)
    assert "files (process 4): lib/libbootimage.so is needed and not mapped from the image's frames" in failures(
        build, booted
    )

"""The project's own boot image comes up on each machine, the same way."""

import re

import pytest

from ambilink.bootimage.container import read
from ambilink.bootimage.layout import FileKind
from ambilink.machine.model import Verdict

from .conftest import boot

pytestmark = pytest.mark.compiler

# Depends on the clock: years, moments since boot, and the fortune chosen by them.
CLOCKED = re.compile(r"greet: Hello|fortune: |\[ *\d+\.\d+\]")


def test_boots_and_is_linked_correctly(build, top, machine):
    result = boot(build, build / "boot.img", machine, expect=top / "boot/system/boot.expect")
    assert result.outcome.verdict is Verdict.PASS, result.outcome.text
    assert result.failures == []
    assert result.exit_status == 0


def test_every_library_is_one_set_of_frames(build, machine):
    report = boot(build, build / "boot.img", machine).report
    users = {use.name: use.processes for use in report.files if use.kind is FileKind.LIBRARY}
    assert sorted(users["lib/libc.so"]) == ["audit", "console", "files", "greet", "names"]
    assert sorted(users["lib/libdigest.so"]) == ["audit"]
    assert {view.process.name for view in report.processes} == {*users["lib/libc.so"], "loader"}


def test_machines_show_the_same_console(build, machine):
    reference = boot(build, build / "boot.img", "emulator").outcome.text
    text = boot(build, build / "boot.img", machine).outcome.text
    assert [line for line in text if not CLOCKED.search(line)] == [
        line for line in reference if not CLOCKED.search(line)
    ]


def test_emulator_repeats_exactly(build):
    first, second = (boot(build, build / "boot.img", seed=7) for _ in range(2))
    assert first.outcome.instructions == second.outcome.instructions
    assert [line.instructions for line in first.outcome.console] == [
        line.instructions for line in second.outcome.console
    ]
    assert places(first) == places(second)


def test_seed_chooses_addresses(build):
    one, other = (places(boot(build, build / "boot.img", seed=seed)) for seed in (1, 2))
    assert one.keys() == other.keys()
    assert not {place for place in one if one[place] == other[place]}
    # Within one boot, no two processes have a library at the same address either.
    libc = [base for (_, name), base in one.items() if name == "lib/libc.so"]
    assert len(set(libc)) == len(libc) > 1


def places(result):
    return {
        (view.process.name, module.file.name): module.base
        for view in result.report.processes
        for module in view.modules
    }


def test_memory_from_32_megabytes_to_4_gigabytes(build, machine):
    for megabytes in (32, 4096):
        result = boot(build, build / "boot.img", machine, memory_megabytes=megabytes)
        assert result.exit_status == 0, (megabytes, result.outcome.text)
    assert result.state.frames_total > 1_000_000


def test_loader_is_static_and_services_are_not(build):
    archive = read(build / "boot.img").archive
    assert archive.loader == "services/loader"
    from ambilink.elf.inspect import inspect

    assert inspect(build / "services/loader").needed == ()
    assert "libc.so" in inspect(build / "services/audit").needed

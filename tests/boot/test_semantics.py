"""What dynamic linking means, on the shipped path: the cases of tests/rtld/test_semantics_*.py as services of one
image, linked by each strategy over libc and loader; glibc's linker says what each must print."""

import shutil
from importlib import import_module
from pathlib import Path

import pytest

from ambilink.bootimage.identify import identify
from ambilink.core import load_linker
from ambilink.elf.inspect import inspect
from ambilink.errors import AmbilinkError
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, Verdict
from ambilink.verify.kernel_file import startable
from tests.rtld.recorded import Recorded, needed, record
from tests.rtld.semantics import machine_can_judge, toolchains

from .conftest import System

SUBJECTS = ("binding", "filters", "layout", "order", "runtime", "tls", "versions")
MODULES = [import_module(f"tests.rtld.test_semantics_{subject}") for subject in SUBJECTS]
RUN = ["kernel", "kernel.debug", "modules", "services/loader", "services/names", "services/console", "lib/interp"]
AT_EXIT = "destructors run in reverse of construction (libs/c/README.md); glibc goes by its own order"
# What differs from glibc's answer, and why. What stands here must differ.
DIFFERS = {
    "order: one_that_must_be_first": AT_EXIT,
    "runtime: what_never_goes": AT_EXIT,
    "runtime: one_file_with_two_names": "a path is one of the image, and no folder of it is the current one",
}

WAYS = [*((linker, "emulator", "now") for linker in ("loader", "kernel", "interp", "pack")), ("loader", "qemu", "lazy")]


@pytest.fixture(scope="module")
def cases(build, toolset, tmp_path_factory) -> list[Recorded]:
    if why := machine_can_judge():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("cases")
    return record(MODULES, toolchains(toolset)[0], build, folder, load_linker())


def make(build: Path, folder: Path, cases: list[Recorded], linker: str) -> System:
    """A build folder of its own, with the cases beside what the image needs."""
    root = folder / "root"
    libraries = [str(path.relative_to(build)) for path in (build / "lib").glob("*.so")]
    for path in [*RUN, *libraries]:
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(build / path)
    system = System(root, folder, linker=linker)
    for case in cases:
        program = root / "services" / case.service
        program.write_bytes(case.contents("program"))
        files = {}
        for name, own in case.names.items():
            path = files[own] = root / "lib" / own
            path.write_bytes(case.contents(name))
        preload = [case.name(case.preload)] if case.preload else []
        later = files.keys() - needed(files, program, preload)
        is_elf = {name: files[name].read_bytes().startswith(b"\x7fELF") for name in later}
        system.files |= {f"lib/{name}": str(files[name]) for name in sorted(later) if is_elf[name]}
        system.program(case.service, arguments=list(case.arguments), preload=preload)
    return system


def console(system: System, machine: str, verified: bool) -> list[str]:
    """That of a boot that passed. To verify it, each slot of each process, takes longer than the boot."""
    if verified:
        result = system.boot(machine, memory_megabytes=512)
        assert not result.failures
        outcome = result.outcome
    else:
        request = BootRequest(system.pack(), seed=1, timeout=300.0, memory_megabytes=512)
        outcome = boot(machine, startable(machine, request, identify(request.image), None, system.folder))
    assert outcome.verdict is Verdict.PASS, outcome.text
    return outcome.text


@pytest.mark.parametrize(("linker", "machine", "binding"), WAYS, ids=["-".join(words) for words in WAYS])
def test_services_are_linked_as_glibc_links_them(cases, build, tmp_path, linker, machine, binding):
    if machine == "qemu" and shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed (Debian: qemu-system-x86)")
    started = [case for case in cases if case.output]
    assert len(started) > 90
    if linker == "pack":  # it chooses the addresses
        started = [case for case in started if not is_fixed(case, tmp_path)]
    system = make(build, tmp_path, started, linker)
    system.binding = binding
    lines = console(system, machine, verified=(linker, machine) == ("loader", "emulator"))
    said = {case.label: (case.output, case.spoken(lines)) for case in started}
    found = {label: pair for label, pair in said.items() if pair[0].replace("\n", "") != pair[1]}
    assert found.keys() == DIFFERS.keys(), found


def is_fixed(case: Recorded, folder: Path) -> bool:
    (folder / "program").write_bytes(case.contents("program"))
    return inspect(folder / "program").type == "ET_EXEC"


def test_pack_says_why_it_does_not_link_a_program(cases, build, tmp_path):
    fixed = next(case for case in cases if is_fixed(case, tmp_path))
    with pytest.raises(AmbilinkError, match=f"{fixed.service}: has a fixed address, and pack chooses it"):
        make(build, tmp_path, [fixed], "pack").pack()


@pytest.mark.parametrize("linker", ["loader", "kernel", "interp"])
def test_what_is_refused(cases, build, tmp_path, linker):
    """By the packer, which names the file, or by what links it, with the reason; and the others come up."""
    booted = []
    for case in [case for case in cases if case.refusal]:
        place = tmp_path / case.service
        place.mkdir()
        try:
            make(build, place, [case], linker).pack()
            booted.append(case)
        except AmbilinkError as error:
            assert any(name in str(error) for name in case.names.values())
    result = make(build, tmp_path, [*booted, next(case for case in cases if case.output)], linker).boot()
    said = "\n".join(result.outcome.text)
    assert result.outcome.verdict is Verdict.FAIL and "case0: a 1" in said and len(booted) > 2
    for case in booted:
        assert case.named(case.refusal) in said

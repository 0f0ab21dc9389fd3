"""What glibc binds and musl does not (IFUNC, versions), by each compiler, on each target: as the model computes."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from ambilink.compile.toolset import load_toolset
from ambilink.elf.psabi import PSABIS
from ambilink.errors import AmbilinkError
from ambilink.link.module import Module
from ambilink.link.search import Search

from ..rtld.judge import MACHINES
from .conftest import HERE, build_tree
from .debugger import Stopped
from .machines import TARGETS, emulator, why_no_emulator
from .slots import compare

GOOD = 12  # checks of main.c
RESOLVED = {"resolve_chosen": "chosen_here", "resolve_local": "local_here"}
COMPILERS = ("hermetic", "llvm", "gnu")


def interpreter(target: str) -> Path:
    """As programs name it: the emulator finds it below the folder of the target's libraries."""
    machine = MACHINES[target]
    return machine.ld if target == "x86_64" else Path("/", machine.ld.relative_to(machine.root))


@pytest.fixture(
    scope="module", params=[(target, compiler) for target in TARGETS for compiler in COMPILERS], ids="-".join
)
def bound(request, tmp_path_factory, build_cache) -> tuple[str, Path]:
    target, compiler = request.param
    if why := MACHINES[target].why_not() or why_no_emulator(target):
        pytest.skip(why)
    try:
        load_toolset(compiler, target)
    except AmbilinkError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("bound")
    out = build_tree(HERE / "bound", folder, target, compiler, build_cache, f"interp={interpreter(target)}")
    for stand_in in ("libc.so.6", interpreter(target).name):
        (out / "lib" / stand_in).unlink()
    return target, out


def command(target: str, out: Path) -> list[str]:
    root = str(MACHINES[target].root)
    return [
        emulator(target),
        "-L",
        root,
        "-E",
        f"LD_LIBRARY_PATH={out / 'lib'},LD_BIND_NOW=1",
        str(out / "services/dynamic"),
    ]


def test_the_program_finds_what_it_should(bound):
    target, out = bound
    done = subprocess.run(command(target, out), capture_output=True, text=True, timeout=60, env={**os.environ})
    assert (done.returncode, done.stdout, done.stderr) == (GOOD, "", "")


def test_every_slot_is_what_the_model_computes(bound, tmp_path):
    target, out = bound
    with Stopped(target, command(target, out), tmp_path / "socket") as process:

        def descriptor(modules: dict[str, Module]) -> int:
            """glibc's own function for them has no name: what the first has, all must have."""
            for module in modules.values():
                kinds = PSABIS[module.machine].kinds
                for offset, number, _, _ in module.relocations():
                    if kinds[number].name == "TLS_DESCRIPTOR":
                        return process.word(module.bias + offset)
            return 0

        found = compare(
            process,
            out / "services/dynamic",
            MACHINES[target].ld,
            Search(MACHINES[target].number, MACHINES[target].root, f"{out / 'lib'}").find,
            descriptor,
            RESOLVED,
        )
    # glibc's objects hold pointers to their own data that others take the place of before the program begins.
    own = re.compile(rf"(libc\.so\.6|{re.escape(MACHINES[target].ld.name)}) 0x\w+ (RELR|RELATIVE): ")
    assert [each for each in found.differences if not own.match(each)] == []
    assert len(found.differences) < 25
    assert [each.path.name for each in found.modules][1:3] == ["libhigh.so", "liblow.so"] and len(found.modules) == 5
    assert found.slots > 1000 and found.chosen >= 4
    assert "IRELATIVE" in found.types
    assert found.types & ({"TLS_DESCRIPTOR"} if target == "aarch64" else {"TLS_MODULE"})

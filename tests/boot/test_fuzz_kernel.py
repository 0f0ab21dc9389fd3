"""A slice of `./scons fuzz-kernel`: its inputs for the kernel's portable parts, with the checks that the target makes
itself (a compiler without AddressSanitizer will do), and boots in which programs make random calls."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ..fuzzer import TOP
from ..rtld.semantics import machine_can_judge
from .fuzz.boots import fuzzed_boot
from .fuzz.run import FLAGS, FUZZER, SOURCES

pytestmark = pytest.mark.compiler


@pytest.fixture(scope="module")
def replay(toolset, tmp_path_factory) -> Path:
    if why := machine_can_judge():
        pytest.skip(why)
    zig = next((word for word in toolset.cc if word.endswith("zig")), None)
    if not zig and shutil.which("ld.lld") is None:
        pytest.skip("lld is not installed, which drops what the target leaves out")
    compiler = [zig, "cc", "-target", "x86_64-linux-musl"] if zig else [toolset.cc[0]]
    program = tmp_path_factory.mktemp("replay") / "replay"
    checks = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-w"]
    sources = [*SOURCES, TOP / "tests/rtld/fuzz/replay.c"]
    subprocess.run([*compiler, *FLAGS, *checks, *sources, "-o", program], check=True)
    return program


def test_inputs_of_the_fuzzer(replay, tmp_path):
    FUZZER.extract(tmp_path)
    inputs = sorted(tmp_path.iterdir())
    done = subprocess.run([replay, *inputs], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout.splitlines()[-1:]}: status {done.returncode}\n{done.stderr}"
    assert len(done.stdout.splitlines()) == len(inputs) > 100


def test_boots_with_random_calls(build, machine):
    """One with the loader service, one with the packer's links; `./scons fuzz-kernel` goes on."""
    for seed in (6, 11):
        done = fuzzed_boot(build, seed, machine)
        assert done.wrong is None, str(done)

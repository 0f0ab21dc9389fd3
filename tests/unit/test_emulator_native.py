"""The emulator's native helper: made once, loaded before Unicorn, replaces its functions; without it."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ambilink.compile.host_library import HostLibrary, host_library
from ambilink.errors import AmbilinkError

TOP = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="the helper is made for Linux on x86-64 only"
)

COUNTED = """
#include "native.h"
static int calls;
EXPORT int counted_calls(void);
EXPORT int counted_calls(void) { return calls; }
REPLACES(divb_AL, void, (void *cpu, uint64_t divisor));
EXPORT void helper_divb_AL_x86_64(void *cpu, uint64_t divisor) { calls++; ORIGINAL(divb_AL)(cpu, divisor); }
"""
QUOTIENT = """
from ambilink.machine.emulator import native
import unicorn
engine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
engine.mem_map(0, 4096)
engine.mem_write(0, bytes.fromhex("b807000000b102f6f1"))  # 7 by 2
engine.emu_start(0, 9)
print(native.library().counted_calls(), hex(engine.reg_read(unicorn.x86_const.UC_X86_REG_AX)))
"""


def run(code: str, package: Path = TOP / "toolchain", **environment: str) -> str:
    values = {**os.environ, "PYTHONPATH": str(package), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=values, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


MISSING = "from ambilink.machine.emulator import native; print(native.missing())"


def test_a_file_takes_the_place_of_a_function(tmp_path):
    """It is compiled once, called by translated code, and reaches the function that it replaced."""
    shutil.copytree(TOP / "toolchain/ambilink", tmp_path / "ambilink", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "ambilink/machine/emulator/native/counted.c").write_text(COUNTED)
    cache = tmp_path / "cache"
    assert run(QUOTIENT, tmp_path, XDG_CACHE_HOME=str(cache)) == "1 0x103\n"
    (made,) = (cache / "ambilink/emulator").iterdir()
    written = made.stat().st_ino
    assert run(MISSING, tmp_path, XDG_CACHE_HOME=str(cache)) == "None\n"
    assert [path.stat().st_ino for path in made.parent.iterdir()] == [written]


def test_a_failure_to_compile_is_remembered(tmp_path, monkeypatch):
    """By sources and compiler; how to try again is said."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "sources/wrong.c"
    source.parent.mkdir()
    source.write_text("#error no such machine\n")
    library = HostLibrary("helper", "helpers", ("x86_64",), (source,))
    with pytest.raises(AmbilinkError, match="no such machine"):
        host_library(library)
    (kept,) = (tmp_path / "cache/ambilink/helpers").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr("ambilink.compile.host_library.compile_library", None)  # is not called
        with pytest.raises(AmbilinkError, match=r"could not be compiled before .*no such machine") as caught:
            host_library(library)
    assert caught.value.remedy == f"to try again remove {kept}"
    kept.unlink()
    with pytest.raises(AmbilinkError, match="no such machine"):
        host_library(library)
    source.write_text("")
    assert host_library(library).is_file()


def test_without_it(tmp_path):
    (tmp_path / "file").write_text("")
    assert run(MISSING, AMBILINK_EMULATOR="python") == "AMBILINK_EMULATOR: is set to python\n"
    assert run(f"import unicorn; {MISSING}") == "unicorn: was imported before the emulator\n"
    nowhere = run(MISSING, XDG_CACHE_HOME=str(tmp_path / "file"))
    assert nowhere.startswith(f"{tmp_path}/file/ambilink/emulator: the compiled native helper cannot be kept")


def test_another_unicorn(tmp_path):
    (tmp_path / "unicorn").mkdir()
    (tmp_path / "unicorn/__init__.py").write_text("")
    (tmp_path / "unicorn-2.1.5.dist-info").mkdir()
    (tmp_path / "unicorn-2.1.5.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: unicorn\nVersion: 2.1.5\n")
    told = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {MISSING}")
    assert told == "unicorn: is 2.1.5, and the native helper is for 2.1.4\n"


def test_a_boot_says_so(build):
    """The same console and the same count, and a warning."""
    image = build / "boot.img"
    command = [sys.executable, "-m", "ambilink", "boot", image]
    values = {**os.environ, "PYTHONPATH": str(TOP / "toolchain")}
    done = [
        subprocess.run(command, env={**values, **more}, capture_output=True, text=True)
        for more in ({}, {"AMBILINK_EMULATOR": "python"})
    ]
    assert [each.returncode for each in done] == [0, 0]
    helped, plain = (each.stdout.splitlines() for each in done)
    warning = "  warning: the emulator runs without its native helper, slower and with inexact arithmetic"
    assert [line for line in plain if line not in helped and not line.startswith("emulator: ")] == [
        f"{warning} (AMBILINK_EMULATOR: is set to python)"
    ]
    assert helped[-1].split(", ")[1] == plain[-1].split(", ")[1]


def in_both(*command: str) -> tuple[str, str]:
    values = {**os.environ, "PYTHONPATH": str(TOP / "toolchain")}
    done = [
        subprocess.run([sys.executable, *command], env={**values, **more}, capture_output=True, text=True)
        for more in ({}, {"AMBILINK_EMULATOR": "python"})
    ]
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    return done[0].stdout, done[1].stdout


def test_every_instruction_is_the_same_without_it():
    """Small guests, run to each of their instructions; several machines, threads and forks."""
    helped, plain = in_both(str(TOP / "tests/unit/native_run.py"))
    assert helped == plain
    assert "halts 98 " in helped and "self ('0xa', (66," in helped


CONSOLE = """
import sys
from pathlib import Path
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest
from ambilink.verify.kernel_file import with_kernel
outcome = boot("emulator", with_kernel(BootRequest(Path(sys.argv[1]), timeout=60, seed=1)))
for line in outcome.console:
    print(line.instructions, line.text)
print(outcome.verdict, outcome.detail, outcome.instructions, outcome.counters)
"""


@pytest.mark.parametrize("image", ["boot.img", "shell.img", "test-kernel-checked"])
def test_a_boot_is_the_same_without_it(build, image):
    """Each line comes after the same number of instructions, and the end too; as many calls, faults and interrupts."""
    helped, plain = in_both("-c", CONSOLE, str(build / image))
    assert helped == plain and "Verdict." in helped


KEPT = """
import gc, sys, threading
from pathlib import Path
from ambilink.machine.boot import boot
from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.model import BootRequest
from ambilink.verify.kernel_file import with_kernel
for seed in 1, 2:
    boot("emulator", with_kernel(BootRequest(Path(sys.argv[1]), seed=seed, timeout=20.0)))
    for thread in threading.enumerate()[1:]:  # the watchdog, which is ending
        thread.join()
    thread = None
    gc.collect()
    print(sum(isinstance(each, Cpu) for each in gc.get_objects()))
"""


@pytest.mark.parametrize("mode", ["", "python"])
def test_a_machine_that_ended_is_gone(build, mode):
    """Each holds a machine's memory and a gigabyte of addresses."""
    words = [sys.executable, "-c", KEPT, build / "boot.img"]
    values = {**os.environ, "PYTHONPATH": str(TOP / "toolchain"), "AMBILINK_EMULATOR": mode}
    done = subprocess.run(words, env=values, capture_output=True, text=True)
    assert done.stdout == "0\n0\n", done.stdout + done.stderr

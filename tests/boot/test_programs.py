"""What programs may rely on: libc, binding, the kernel's calls; in both linkages, on each machine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ambilink.machine.emulator import native
from ambilink.machine.model import Verdict

TOP = Path(__file__).parents[2]

pytestmark = pytest.mark.compiler

NUMBERS = "".join(f"{number}\n" for number in range(2000))


def checks(result, program, what):
    lines = [line for line in result.outcome.text if line.startswith(f"{program}: ")]
    assert result.outcome.verdict is Verdict.PASS, result.outcome.text
    assert any(f"{what}: " in line and line.endswith(" 0 failed") for line in lines), lines
    assert not result.failures


@pytest.mark.parametrize("linkage", ["dynamic", "static"])
def test_libc(each_strategy, machine, linkage):
    name = f"test-libc-{linkage}"
    each_strategy.service("files", grants=["image"]).file("etc/numbers", NUMBERS)
    settings = {"environment": {"GIVEN": "value"}, "opens": ["etc/numbers"]}
    each_strategy.program(name, arguments=["first", "second word"], **settings)
    checks(each_strategy.boot(machine), name, "libc")


@pytest.mark.parametrize("linkage", ["dynamic", "static"])
def test_binding_constructors_and_thread_local_data(each_strategy, machine, linkage):
    name = f"test-binding-{linkage}"
    checks(each_strategy.program(name, arguments=[linkage]).boot(machine), name, "binding")


def test_what_few_objects_have(each_strategy, machine):
    """An indirect function, versions, a copy relocation, a unique symbol."""
    checks(each_strategy.program("test-choosing").boot(machine), "test-choosing", "choosing")


def test_objects_opened_at_run_time(each_strategy, machine):
    each_strategy.libraries = ["libplugin.so", "libfixed.so"]
    checks(each_strategy.program("test-dynamic").boot(machine), "test-dynamic", "dynamic")


@pytest.mark.parametrize("linker", ["loader", "kernel", "interp", "pack"])
def test_a_filtee_is_searched_before_its_filter(system, linker):
    """It is in the image, though nothing needs it; the auxiliary one that is not there is left out."""
    system.linker = linker
    result = system.program("test-filtering").boot()
    assert "test-filtering: filtee filter" in result.outcome.text
    assert result.outcome.verdict is Verdict.PASS and not result.failures


@pytest.mark.parametrize("linker", ["loader", "kernel", "interp", "pack"])
def test_libraries_that_take_symbols_from_their_program(system, linker):
    system.linker, system.libraries = linker, ["libopened_guest.so"]
    checks(system.program("test-hosting").boot(), "test-hosting", "hosting")


@pytest.mark.parametrize("linker", ["loader", "kernel", "interp", "pack"])
def test_a_preloaded_malloc_is_everybodys(system, linker):
    system.linker = linker
    result = system.program("test-preloaded", preload=["libown_malloc.so", "libpreloaded_second.so"]).boot()
    checks(result, "test-preloaded", "preloaded")
    # Another process, with the same libraries but that one, keeps libc's.
    assert not any("libown_malloc" in use.name and len(use.processes) > 1 for use in result.report.files)


def test_kernel_calls(each_strategy, machine):
    result = each_strategy.program("test-kernel").boot(machine)
    checks(result, "test-kernel", "kernel")
    # It filled 400 page tables, one after the other, and its address space is still there.
    assert result.state.frames_used < 400


def test_waiting_for_time_and_for_words(system, machine):
    """A sleep of a millisecond takes one, by the emulator's clock to the microseconds that the kernel needs."""
    # QEMU's own time to stop a busy guest depends on what else runs here.
    most = ["1020000", "1020000"] if machine == "emulator" else ["1200000", "100000000"]
    budget = {"memory": 8 << 20, "kernel-memory": 1 << 20, "priority": 5}
    checks(system.program("test-waits", arguments=most, **budget).boot(machine), "test-waits", "waits")


def test_posix_threads(system, machine):
    """In both linkages, and while objects with thread-local data come and go."""
    system.libraries = ["libplugin.so", "libfixed.so"]
    programs = {"test-threads-open": "open"}
    for linkage in ("static", "dynamic"):
        subjects = "threads", "interrupts", "signals", "timers", "system"
        programs |= {f"test-{what}-{linkage}": what for what in subjects}
    for name in programs:
        system.program(name, memory=8 << 20, **{"kernel-memory": 256 << 10})
    result = system.boot(machine, timeout=300.0)
    for name, what in programs.items():
        checks(result, name, what)


def test_processes_and_signals_between_them(system, machine):
    """Children of each linkage, linked by each party; who may be sent signals."""
    system.service("files", grants=["image"]).service("tmp").service("pipes")
    linkers = "loader", "kernel", "interp", "pack"
    children = {"static": "test-children-static", **dict.fromkeys(linkers, "test-children-dynamic")}
    for child, program in children.items():
        budget = {"memory": 16 << 20, "kernel-memory": 1 << 20}
        named = {"starts": [f"{child}-child"], "environment": {"CHILD": f"/bin/{child}-child"}}
        system.program(child, program=program, **named, **budget)
        linker = {} if child == "static" else {"linker": child}
        system.service(f"{child}-child", program=program, role="on-demand", **linker)
    system.program("liar", program="hostile-given", starts=["victim"])
    system.service("victim", program="hostile-given", role="on-demand", arguments=["victim"])
    result = system.boot(machine, timeout=60.0, memory_megabytes=256)
    for child in children:
        checks(result, child, "children")
    checks(result, "liar", "given")


def test_locks_between_processes(system, machine):
    """In memory that they share; owners end and are killed."""
    system.service("files", grants=["image"]).service("tmp")
    for linkage in ("dynamic", "static"):
        name = f"sharing-{linkage}"
        named = {"starts": [f"{name}-child"], "environment": {"CHILD": f"/bin/{name}-child"}}
        system.program(name, program=f"test-{name}", **named)
        system.service(f"{name}-child", program=f"test-{name}", role="on-demand")
    result = system.boot(machine, timeout=60.0)
    for linkage in ("dynamic", "static"):
        checks(result, f"sharing-{linkage}", "sharing")


def test_a_stack_overflow_is_reported_by_the_thread_s_name(system):
    system.program("worker", program="test-overflow").program("first", program="test-overflow", arguments=["main"])
    text = "\n".join(system.boot().outcome.text)
    for name in ("worker", "first"):
        assert re.search(rf"kernel: stack overflow of thread \d+ \({name}\) of {name} \(process \d+\)", text), text


def test_a_call_lends_its_priority(system):
    """A process between them does not keep a service from who calls it."""
    for name, more in {
        "service": {},
        "middle": {"role": "on-demand", "priority": 2},
        "high": {"role": "program", "priority": 3, "starts": ["middle"]},
    }.items():
        budget = {"memory": 1 << 20, "kernel-memory": 128 << 10}
        system.service(name, program="test-lends", arguments=[name], **budget, **more)
    checks(system.boot(), "high", "lends")


def test_a_stack_has_its_pages_when_they_are_touched(each_strategy, machine):
    """Its limit is more than the program may have; it pays for what it touches."""
    may_have = {"program": "test-grows", "stack": 8 << 20, "memory": 3 << 20, "kernel-memory": 256 << 10}
    each_strategy.program("grows", **may_have).program("all", arguments=["all"], **may_have)
    text = "\n".join(each_strategy.boot(machine).outcome.text)
    assert re.search(r"grows: grows: \d+ checks, 0 failed", text), text
    assert re.search(r"fault in all .*: page fault, write at \w+, no memory left for it in its budget", text), text
    assert "kernel: fault in grows" not in text


@pytest.mark.parametrize("compiler", ["cc", "musl-gcc"])
def test_posix_threads_of_the_development_machine(compiler, tmp_path):
    """What the program above says of threads is so there, too."""
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    for name in ("threads", "threads_interrupts", "signals", "timers", "children", "sharing", "system"):
        source = TOP / f"tests/boot/programs/{name}.c"
        subprocess.run([compiler, "-pthread", "-o", tmp_path / name, source], check=True)
        done = subprocess.run([tmp_path / name], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout


def test_each_thread_has_its_own_arithmetic(system, machine):
    """Two processes with four threads each, which set other rounding modes and take turns."""
    for name in ("modes", "others"):
        system.program(name, program="test-modes")
    result = system.boot(machine)
    for name in ("modes", "others"):
        checks(result, name, "modes")


@pytest.mark.parametrize(("unit", "exception"), [("x87", "x87 error"), ("sse", "SIMD error")])
def test_an_arithmetic_exception_ends_a_program(system, unit, exception):
    if native.missing():
        pytest.skip("the emulator has no native helper here, and Unicorn alone raises none")
    result = system.program("modes", program="test-modes", arguments=[unit]).boot()
    assert f": {exception}" in result.faults[0], result.outcome.text
    assert "divide_by_zero" in "".join(result.faults[1:3])


def test_a_boot_without_the_helper_says_that_its_arithmetic_is_inexact(system):
    image = system.program("modes", program="test-modes", arguments=["sse"]).pack()
    values = {**os.environ, "PYTHONPATH": str(TOP / "toolchain"), "AMBILINK_EMULATOR": "python"}
    command = [sys.executable, "-m", "ambilink", "boot", image]
    done = subprocess.run(command, env=values, capture_output=True, text=True)
    assert "warning: this boot executed such arithmetic: x87 or SSE instructions" in done.stdout, done.stdout


def test_exit_status_decides_the_verdict(system):
    result = system.program("test-exit", arguments=["3"]).boot()
    assert result.outcome.verdict is Verdict.FAIL and result.exit_status == 1
    assert "loader: test-exit exited, status 3" in result.outcome.text


def test_abort_ends_by_its_signal(system):
    result = system.program("test-exit", arguments=["abort"]).boot()
    assert "loader: test-exit was ended by signal 6" in result.outcome.text

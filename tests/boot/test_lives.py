"""When processes are created, begin, are ready and end: from the machine's memory, judged by the console."""

import pytest

from ambilink.boot import boot_and_verify
from ambilink.bootimage.container import read
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, Verdict
from ambilink.verify.kernel_file import with_kernel
from ambilink.verify.kernel_state import ProcessState
from ambilink.verify.lives import LifeEvent, LifeWatch
from tests.boot.conftest import set_strategy

pytestmark = pytest.mark.compiler

CREATED, BEGUN, READY, ENDED = LifeEvent


@pytest.fixture(scope="module")
def booted(build):
    return boot_and_verify("emulator", BootRequest(build / "boot.img"), build)


def by_name(lives):
    return {life.name: life for life in lives.lives}


def test_steps_of_each_process_follow_each_other(system, machine):
    """In both machines; of the demo's kind: a server is ready, a program ends, what is started later begins later."""
    result = system.service("test-crash", registers=["crash"]).program("test-caller").boot(machine)
    lives = by_name(result.lives)
    assert result.lives.created == len(result.lives.lives)
    for life in lives.values():
        instants = [life.instants[event].nanoseconds for event in LifeEvent if event in life.instants]
        assert instants == sorted(instants) and {CREATED, BEGUN} <= life.instants.keys(), life
    assert all(READY in lives[name].instants for name in ("loader", "names", "console", "test-crash"))
    assert READY not in lives["test-caller"].instants
    begun = [life.instants[BEGUN].nanoseconds for life in result.lives.lives[1:]]
    assert begun == sorted(begun)  # the manifest's order is the start's


def test_processes_that_are_gone_are_there(booted):
    lives = by_name(booted.lives)
    assert [life.number for life in booted.lives.lives] == list(range(1, 8))
    assert "fortune" not in [process.name for process in booted.state.processes]
    assert lives["fortune"].state is ProcessState.EXITED and lives["fortune"].exit_status == 0
    assert ENDED in lives["fortune"].instants and ENDED not in lives["files"].instants
    assert lives["files"].state is ProcessState.ALIVE


def test_the_emulator_counts_instructions_exactly(booted):
    """The console is another witness: the loader writes that a service started after it began, and before the next is
    created."""
    lives = by_name(booted.lives)
    started = {
        line.text.split()[1]: line.instructions
        for line in booted.outcome.console
        if line.text.startswith("loader: ") and " started: process " in line.text
    }
    assert len(started) == 6
    following = [*booted.lives.lives[2:], None]
    for life, after in zip(booted.lives.lives[1:], following, strict=True):
        assert life.instants[BEGUN].instructions < started[life.name]
        if after and after.name != "fortune":
            assert started[life.name] < after.instants[CREATED].instructions
    for life in lives.values():
        for instant in life.instants.values():
            # One instruction is a nanosecond, while nothing waits; the kernel's timer counts in steps of 838, from
            # its start on, which is when it has checked and moved itself.
            behind = instant.instructions - instant.nanoseconds
            assert 0 < behind < 100_000, (life, behind)
            assert 0 < instant.seconds <= booted.outcome.seconds


@pytest.mark.parametrize("strategy", ["kernel", "interp"])
def test_no_tick_is_lost_while_the_kernel_starts_a_large_program(system, strategy):
    """It does so at once, for longer than some ticks."""
    memory = {"memory": 288 << 20, "kernel-memory": 4 << 20}
    set_strategy(system, strategy).program("test-begin", arguments=["test-large"], starts=["test-large"])
    result = system.service("test-large", role="on-demand", **memory).boot(memory_megabytes=512)
    assert result.failures == [] and result.outcome.verdict is Verdict.PASS
    created, ended = (by_name(result.lives)["test-large"].instants[event] for event in (CREATED, ENDED))
    assert ended.instructions - created.instructions > 20_000_000  # two ticks
    assert 0 < ended.instructions - ended.nanoseconds < 100_000


def test_watching_changes_nothing(build):
    request = with_kernel(BootRequest(build / "boot.img", seed=1))
    watch = LifeWatch(read(build / "boot.img"))
    watched, alone = boot("emulator", request, None, watch.stops), boot("emulator", request)
    assert watched.verdict is Verdict.PASS
    lines = [[(line.text, line.instructions) for line in outcome.console] for outcome in (watched, alone)]
    assert lines[0] == lines[1]
    assert watch.read(watched.memory).created == 7


def test_a_crash_is_the_end_of_its_process(system, machine):
    result = system.service("test-crash", registers=["crash"]).program("test-caller").boot(machine)
    crashed = by_name(result.lives)["test-crash"]
    assert crashed.state is ProcessState.FAULTED and ENDED in crashed.instants


def test_damaged_memory_is_no_life(build):
    image = read(build / "boot.img")
    outcome = boot("emulator", with_kernel(BootRequest(image.path, seed=1)))
    place = image.physical(image.symbols["kernel_lives"])
    watch = LifeWatch(image)
    outcome.memory.write(place + 8, (1 << 40).to_bytes(8, "little"))
    assert watch.read(outcome.memory) is None
    outcome.memory.write(place, bytes(8))
    assert watch.read(outcome.memory) is None

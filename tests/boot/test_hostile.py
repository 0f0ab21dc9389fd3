"""What an unprivileged process must not be able to do; one boot for all that it tries."""

import pytest

from ambilink.machine.model import Verdict

from .hostile import checks, hostile

pytestmark = pytest.mark.compiler


def test_rights_stay_and_services_hold(each_strategy):
    checks(hostile(each_strategy, "hostile-rights", "hostile-services").boot(), "rights", "services")


QUOTA = {"memory": 3 << 20, "kernel-memory": 192 << 10}
# More than half of what a machine of 48 MiB has: nothing must be left of the one before.
MOST = {"memory": 20 << 20, "kernel-memory": 1 << 20}


def test_hostile_programs_together(system, machine):
    names = "hostile-rights", "hostile-services", "hostile-messages", "hostile-waits", "hostile-waits", "hostile-quota"
    system = hostile(system, *names, "test-glutton", "test-glutton", hostile_quota=QUOTA, test_glutton=MOST)
    result = system.boot(machine, memory_megabytes=48, timeout=90.0)
    checks(result, "rights", "services", "messages", "waits", "quota")
    # A line of a program is headed by the name that it has, not by one that it chose.
    assert "hostile-services: loader: every program of the manifest ended: passed" in result.outcome.text


def test_who_keeps_a_request_pays_for_it(system):
    system.service("mute", program="test-mute", **{"kernel-memory": 64 << 10})
    result = system.program("test-patient", **{"kernel-memory": 32 << 10}).boot()
    assert result.outcome.verdict is Verdict.PASS, result.outcome.text
    used_up = "kernel: mute: its budget of kernel memory is used up: "
    assert any(line.startswith(used_up) for line in result.outcome.text)


def test_no_order_of_ends_keeps_more_frames_than_are_charged(system):
    budget = {"grants": ["log"], "memory": 16 << 20, "kernel-memory": 256 << 10}
    result = system.program("hostile-slabs", **budget).boot()
    assert result.outcome.verdict is Verdict.PASS, result.outcome.text


@pytest.mark.parametrize("linker", ["kernel", "interp"])
def test_budgets_of_what_the_kernel_starts(system, linker):
    system.linker = linker
    checks(hostile(system, "hostile-quota", hostile_quota=QUOTA).boot(timeout=90.0), "quota")


def test_services_have_their_share_whatever_others_take(system):
    """Four take all of their shares, and stay."""
    for number in range(4):
        system.service(f"glutton-{number}", program="test-glutton", arguments=["stay"])
    result = hostile(system, "hostile-rights").boot(memory_megabytes=32)
    checks(result, "rights")
    for number in range(4):
        assert any(f"kernel: glutton-{number}: its budget of " in line for line in result.outcome.text)


def test_what_a_call_reads_may_change_between_its_steps(system, machine):
    if machine == "emulator":
        pytest.skip("its ticks come at the ends of slices, never between two entries into the kernel")
    budget = {"memory": 40 << 20, "kernel-memory": 1 << 20}
    result = hostile(system, "hostile-steps", hostile_steps=budget).boot(machine, timeout=90.0)
    checks(result, "steps")
    assert not any("is used up" in line for line in result.outcome.text), result.outcome.text


def test_a_crowd_of_threads_takes_the_time_of_one(system):
    """The sleepers, and the crowd with its children, have each a budget of their own, and so has the lone program."""
    sleepers = {"arguments": ["4000", "sleeps", "0"], "kernel-memory": 6 << 20}
    crowd = {"arguments": ["200", "spins", "2"], "starts": ["crowd-child"], "memory": 4 << 20, "kernel-memory": 1 << 20}
    child = {"arguments": ["20", "spins", "0"]}
    for name, settings in {"sleepers": sleepers, "crowd": crowd, "crowd-child": child}.items():
        system.service(name, program="hostile-crowd", role="on-demand", **settings)
    result = system.program("test-lone", starts=["sleepers", "crowd"]).boot(timeout=90.0)
    assert result.outcome.verdict is Verdict.PASS, "\n".join(result.outcome.text)
    for line in ("crowd: 4000 threads, 0 processes", "crowd: 200 threads, 2 processes"):
        assert any(text.endswith(line) for text in result.outcome.text), result.outcome.text


def test_no_process_floods_the_log(system):
    child = {"program": "hostile-flood", "arguments": ["faults"], "memory": 1 << 20, "kernel-memory": 64 << 10}
    system.service("flood-child", role="on-demand", **child)
    result = system.program("hostile-flood", starts=["flood-child"]).boot()
    assert result.outcome.verdict is Verdict.PASS, "\n".join(result.outcome.text)
    text = result.outcome.text
    for name in ("child", "flood-child"):
        assert sum(line.startswith(f"kernel: fault in {name} ") for line in text) == 16
    (number,) = [line.split()[-1] for line in text if "the first is process " in line]
    assert any(line.startswith(f"kernel: fault in flood-child (process {number}): ") for line in text), "one number"
    lines = [line for line in text if line.startswith("kernel: ") and "left out" in line]
    assert [line.split()[1] for line in lines] == ["hostile-flood:"] * 4 + ["flood-child:"], lines


def test_what_an_ended_program_did_not_use_is_there_for_others(system):
    """The loader service keeps programs of the boot, so that they can be looked at."""
    system.service("first", role="program", program="test-exit", memory=50 << 20)
    again = {"program": "test-exit", "memory": 50 << 20}
    checks(hostile(system, "again", again=again).boot(memory_megabytes=96))

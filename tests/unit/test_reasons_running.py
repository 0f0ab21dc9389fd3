"""What a boot that is out of time names as running: the thread that keeps the CPU busy, and none that only waits for
a turn."""

from types import SimpleNamespace

import pytest

from ambilink.machine.model import CpuPlace
from ambilink.verify import reasons
from ambilink.verify.kernel_state import Process, ProcessState, Registers, Thread, ThreadState


def process(number: int, *states: tuple[ThreadState, bool]) -> Process:
    threads = [Thread(each, state, None, 0, 0, Registers(1, 1, 1, tick)) for each, (state, tick) in enumerate(states)]
    return Process(number, "abc"[number], ProcessState.ALIVE, 0, number << 12, threads)


CALLED, INTERRUPTED, WAITS = (ThreadState.READY, False), (ThreadState.READY, True), (ThreadState.RECEIVING, False)


@pytest.mark.parametrize(
    ("states", "cpu", "named"),
    [
        ([INTERRUPTED, CALLED, WAITS], 0, "a"),
        ([CALLED, INTERRUPTED, CALLED], 0, "b"),  # the deadline fell into the little that the first does
        ([INTERRUPTED, INTERRUPTED, CALLED], 1, "ba"),
        ([CALLED, CALLED, WAITS], 1, "b"),  # before the first tick
        ([CALLED, WAITS, CALLED], 9, "ac"),
        ([WAITS, WAITS, (ThreadState.RECEIVING, True)], 0, ""),
    ],
)
def test_who_is_named(monkeypatch, states, cpu, named):
    scene = SimpleNamespace(
        state=SimpleNamespace(processes=[process(number, state) for number, state in enumerate(states)]),
        cpu=CpuPlace({"rip": 0x1000, "cr3": cpu << 12}, False),
        named=lambda process: process.name,
        registers=lambda process, thread: thread.registers,
    )
    monkeypatch.setattr(reasons, "call_chain", lambda *_: ("main", []))
    found = reasons._running(scene, {})
    assert [each.split()[0] for each in found] == list(named)

"""Each thread of a system: what it waits for, and where it is, with its callers."""

from dataclasses import dataclass

from ambilink.verify.kernel_state import Process, ProcessState, Thread, ThreadState
from ambilink.verify.reasons import Scene, call_chain, looked_up


@dataclass(frozen=True)
class ThreadView:
    process: int
    name: str
    thread: int
    waits: str  # what it does or waits for, in words
    calls: list[str]  # file, function and line, the innermost first

    def lines(self) -> list[str]:
        head = f"  {self.name} (process {self.process}), thread {self.thread}: {self.waits}"
        return [head, *(f"    {'in' if depth == 0 else 'by'} {call}" for depth, call in enumerate(self.calls))]


def threads_of(scene: Scene) -> list[ThreadView]:
    """Of all processes that are alive, oldest first; ended threads are left out."""
    return [
        _view(scene, process, thread)
        for process in scene.state.processes
        if process.state is ProcessState.ALIVE
        for thread in process.threads
        if thread.state is not ThreadState.DEAD
    ]


def _view(scene: Scene, process: Process, thread: Thread) -> ThreadView:
    name = looked_up(scene, process, thread)
    waits = f"waits for a service {name!r}, which is not registered" if name else thread.describe()
    registers = scene.registers(process, thread)
    if not registers.rip:
        return ThreadView(process.number, process.name, thread.number, waits, [])
    where, callers = call_chain(scene, process, registers)
    return ThreadView(process.number, process.name, thread.number, waits, [where, *callers])

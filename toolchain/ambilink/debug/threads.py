"""The threads of this project's kernel, read from a machine that a debugger stopped."""

from collections.abc import Callable

from ambilink.bootimage.container import ImageFile
from ambilink.errors import AmbilinkError
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import GuestThread
from ambilink.verify.kernel_state import FRAME, Process, ProcessState, Thread, ThreadState, read_kernel_state

# The words of a struct frame (boot/kernel/x86_64/cpu.h), by gdb's names; "": not a register.
FRAME_REGISTERS = (
    *("r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8", "rbp", "rdi", "rsi", "rdx", "rcx", "rbx", "rax"),
    *("", "", "rip", "cs", "eflags", "rsp", "ss"),
)
PROCESS_SHIFT = 20  # numbers of threads are their process' own


def threads_in(image: ImageFile) -> Callable[[PhysicalMemory], list[GuestThread]]:
    """What lists the threads of all processes that are alive, oldest first."""

    def read(memory: PhysicalMemory) -> list[GuestThread]:
        try:
            state = read_kernel_state(image, memory)
        except AmbilinkError:  # the machine stopped while the kernel changes its lists, or they are damaged
            return []
        processes = state.processes if state else []
        return [
            _guest_thread(process, thread)
            for process in processes
            if process.state is ProcessState.ALIVE
            for thread in process.threads
            if thread.state is not ThreadState.DEAD
        ]

    return read


def _guest_thread(process: Process, thread: Thread) -> GuestThread:
    return GuestThread(
        number=process.number << PROCESS_SHIFT | thread.number + 1,
        name=process.name,
        text=f"process {process.number}, thread {thread.number}",
        does="is ready to run" if thread.state is ThreadState.READY else thread.describe(),
        page_table=process.page_table,
        registers={name: value for name, value in zip(FRAME_REGISTERS, thread.saved, strict=False) if name},
        is_ready=thread.state is ThreadState.READY,
        frame_end=thread.frame + FRAME.size,
    )

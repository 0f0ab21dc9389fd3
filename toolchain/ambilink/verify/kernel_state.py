"""What the kernel left in memory: boot/include/ambilink/record.h, read from outside."""

import struct
from dataclasses import dataclass
from enum import IntEnum

from ambilink.bootimage.container import ImageFile
from ambilink.errors import AmbilinkError
from ambilink.machine.memory import PhysicalMemory

RECORD_SYMBOL = "kernel_record"
MAGIC = int.from_bytes(b"ARECORD3", "little")
RECORD = struct.Struct("<13Q")
PROCESS = struct.Struct("<QQ32sQqQQ")
EXIT_BY_SIGNAL = 1 << 32  # boot/include/ambilink/abi.h
THREAD = struct.Struct("<QQQQQQQ")
FRAME = struct.Struct("<22Q")  # boot/kernel/x86_64/cpu.h
RBP, VECTOR, RIP, RSP = 8, 15, 17, 20  # words of it
VECTOR_TIMER = 32  # boot/kernel/x86_64/layout.h
MOVED = 12  # field of the record
LIST_MAX = 100_000  # more records have damaged lists only


class ThreadState(IntEnum):
    READY = 0
    SLEEPING = 1
    CALLING = 2
    AWAITING_REPLY = 3
    RECEIVING = 4
    DEAD = 5
    READING = 6
    WAITING = 7


class ProcessState(IntEnum):
    ALIVE = 0
    EXITED = 1
    FAULTED = 2


def exit_status_of(status: int) -> int:
    """As people read it: of a process that a signal ended 128 and the signal's number."""
    return 128 + status % EXIT_BY_SIGNAL if status >> 32 == 1 else status


@dataclass(frozen=True)
class Registers:
    """Of user mode, when the thread entered the kernel last."""

    rip: int
    rsp: int
    rbp: int
    by_tick: bool = False  # it was interrupted there by the timer, and did not call


@dataclass(frozen=True)
class Thread:
    number: int
    state: ThreadState
    server: str | None  # name of the process that the thread waits for
    operation: int
    request: int = 0  # user address of its struct message
    registers: Registers = Registers(0, 0, 0)
    frame: int = 0  # kernel address of the struct frame that has its registers
    saved: tuple[int, ...] = ()  # the frame's words

    @property
    def calls(self) -> bool:
        """It waits for the answer to a call."""
        return self.state in (ThreadState.CALLING, ThreadState.AWAITING_REPLY)

    def describe(self) -> str:
        match self.state:
            case ThreadState.CALLING:
                server = self.server or "an endpoint without a server"
                return f"calls {server} (operation {self.operation}), not received yet"
            case ThreadState.AWAITING_REPLY:
                return f"waits for the answer of {self.server or 'a server that is gone'} (operation {self.operation})"
            case ThreadState.RECEIVING:
                return "waits for a request"
            case ThreadState.READING:
                return "waits for a key"
            case ThreadState.WAITING:
                return "waits for a word of memory"
            case ThreadState.SLEEPING:
                return "sleeps"
            case ThreadState.READY:
                return "is running or ready to run"
            case _:
                return "has ended"


@dataclass(frozen=True)
class Process:
    number: int
    name: str
    state: ProcessState
    exit_status: int
    page_table: int  # 0: it ended, and gave its memory to others
    threads: list[Thread]


@dataclass(frozen=True)
class KernelState:
    processes: list[Process]  # oldest first
    beginning: Process | None  # the process that began last
    image_address: int
    image_size: int
    frames_total: int
    frames_used: int
    context_switches: int
    system_calls: int
    ready_instant: int  # nanoseconds since boot, 0 without a verdict
    moved: int  # to be added to the addresses of the kernel's symbols


def read_kernel_state(image: ImageFile, memory: PhysicalMemory, at: int | None = None) -> KernelState | None:
    """None where the kernel is not ours, or had not begun when the machine ended. `at`: physical address of the record,
    where the image has no symbols."""
    address = image.physical(image.symbols.get(RECORD_SYMBOL, -1)) if at is None else at
    if address is None:
        return None
    try:
        fields: tuple[int, ...] = RECORD.unpack(memory.read(address, RECORD.size))
    except IndexError:  # its segment lies where the machine has no memory
        return None
    magic, kernel_base, direct_base, first = fields[:4]
    if magic != MAGIC or not direct_base:
        return None

    def physical(pointer: int) -> int:
        return pointer - (kernel_base if pointer >= kernel_base else direct_base)

    records_read = 0

    def read_list(head: int, record: struct.Struct) -> list[tuple[int, tuple[int, ...]]]:
        nonlocal records_read
        found: list[tuple[int, tuple[int, ...]]] = []
        while head:
            values = record.unpack(memory.read(physical(head), record.size))
            found.append((head, values))
            records_read += 1
            if records_read > LIST_MAX:
                raise AmbilinkError(image.path, "the kernel's lists have no end", "the guest's memory is damaged")
            head = values[0]
        return found[::-1]

    def name_of(values: tuple[int, ...]) -> str:
        raw = values[2]
        assert isinstance(raw, bytes)
        return raw.split(b"\0")[0].decode("utf-8", "replace")

    def thread_of(values: tuple[int, ...]) -> Thread:
        _, number, state, endpoint, operation, request, frame = values
        words: tuple[int, ...] = FRAME.unpack(memory.read(physical(frame), FRAME.size))
        registers = Registers(words[RIP], words[RSP], words[RBP], words[VECTOR] == VECTOR_TIMER)
        server = server_of(endpoint)
        return Thread(number, ThreadState(state), server, operation, request, registers, frame, words)

    try:
        records = read_list(first, PROCESS)
        names = {head: name_of(values) for head, values in records}

        def server_of(endpoint: int) -> str | None:
            return names.get(memory.word(physical(endpoint))) if endpoint else None

        processes, beginning = [], None
        for head, values in records:
            threads = [thread_of(thread) for _, thread in read_list(values[6], THREAD)]
            state, status = ProcessState(values[3]), exit_status_of(values[4])
            processes.append(Process(values[1], name_of(values), state, status, values[5], threads))
            beginning = processes[-1] if head == fields[11] else beginning
    except (IndexError, ValueError) as error:
        raise AmbilinkError(
            image.path, f"the kernel's record cannot be read ({error})", "the guest's memory is damaged"
        ) from error
    return KernelState(processes, beginning, *(*fields[4:11], fields[MOVED]))

"""Threads as gdb sees them: the CPU, which is thread 1, and those of the guest that it does not execute now.

Of these there are the registers that the guest's kernel saved, and the memory of their address space.
"""

from dataclasses import replace
from xml.sax.saxutils import escape, quoteattr

from ambilink.machine.emulator import gdb_registers
from ambilink.machine.emulator.board import Board
from ambilink.machine.emulator.gdb_registers import Register
from ambilink.machine.model import GuestThread
from ambilink.machine.paging import Paging, read_virtual

CPU = 1
STACK_IN_TASK_STATE = 4  # where the CPU's next frame from user mode ends
OF_CPU = ("cr0", "cr4", "efer")  # what all threads share


class Threads:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._others: dict[int, GuestThread] | None = None  # None: the machine ran since they were read
        self._on_cpu: GuestThread | None = None
        self._selected = CPU

    def forget(self) -> None:
        """The machine goes on."""
        self._others, self._selected = None, CPU

    def answer(self, text: str) -> bytes | None:
        """To a packet about threads; None: it is about something else."""
        head, _, words = text.partition(":")
        if text == "qC":
            return b"QC%x" % CPU
        if text == "qfThreadInfo":
            return b"m" + ",".join(f"{each:x}" for each in (CPU, *self._read())).encode()
        if text == "qsThreadInfo":
            return b"l"
        if text.startswith("qThreadExtraInfo,"):
            return self._described(int(text.partition(",")[2], 16)).encode().hex().encode()
        if head == "qXfer" and words.startswith("threads:read:"):
            start, size = (int(each, 16) for each in words.rpartition(":")[2].split(","))
            part = self._as_xml().encode()[start : start + size]
            return (b"m" if len(part) == size else b"l") + part
        if text[:1] == "T":
            return b"OK" if self._is_there(int(text[1:], 16)) else b"E01"
        return self._select(text[1:]) if text[:1] == "H" else None

    # The selected thread.

    @property
    def selected(self) -> GuestThread | None:
        """None: the CPU."""
        return self._read().get(self._selected)

    @property
    def paging(self) -> Paging:
        paging = self._board.cpu.place(False).paging
        return replace(paging, cr3=self.selected.page_table) if self.selected else paging

    def register(self, register: Register) -> bytes:
        """In gdb's form: hexadecimal, or x where it is not known."""
        thread = self.selected
        if thread is None or register.name in OF_CPU:
            return gdb_registers.read(self._board.cpu.engine, register).hex().encode()
        size = register.bits // 8
        value = thread.page_table if register.name == "cr3" else thread.registers.get(register.name)
        return b"xx" * size if value is None else value.to_bytes(8, "little")[:size].hex().encode()

    def _select(self, text: str) -> bytes:
        number = int(text[1:], 16)
        if text[:1] != "g":  # of threads that go on: all do
            return b"OK"
        wanted = CPU if number in (0, -1) else number
        if not self._is_there(wanted):
            return b"E01"
        self._selected = wanted
        return b"OK"

    # All threads.

    def _is_there(self, number: int) -> bool:
        return number == CPU or number in self._read()

    def _read(self) -> dict[int, GuestThread]:
        if self._others is None:
            board = self._board
            found = board.request.threads(board.memory) if board.request.threads else []
            stack = self._stack()
            self._on_cpu = next((each for each in found if each.is_ready and each.frame_end == stack), None)
            self._others = {each.number: each for each in found if each is not self._on_cpu}
        return self._others

    def _stack(self) -> int:
        cpu = self._board.cpu
        cpu.context.save()
        data = read_virtual(self._board.memory, cpu.place(False).paging, cpu.context.tr.base + STACK_IN_TASK_STATE, 8)
        return int.from_bytes(data, "little")

    def _described(self, number: int) -> str:
        if thread := self._read().get(number):
            return f"{thread.text}: {thread.does}"
        return f"the CPU, {self._on_cpu.text}" if self._on_cpu else "the CPU"

    def _as_xml(self) -> str:
        named = [(CPU, self._on_cpu), *self._read().items()]
        lines = (
            f"<thread id={quoteattr(f'{number:x}')} name={quoteattr(thread.name if thread else 'kernel')}>"
            f"{escape(self._described(number))}</thread>"
            for number, thread in named
        )
        return f'<?xml version="1.0"?><threads>{"".join(lines)}</threads>'


"""The calls of some functions that a boot makes, seen by hooks where they begin and where they return to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ambilink.machine.emulator.stepped import SteppedBoard
from ambilink.machine.model import BootRequest, CpuPlace
from ambilink.machine.paging import read_virtual
from ambilink.verify import system_calls

ARGUMENTS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")  # of the System V ABI
WORD = 8
KERNEL_HALF = 1 << 63
CALLS_MAX = 200_000  # that are kept
ANY = 0  # in the place of a page table: the kernel's code is in each
Place = tuple[int, int]  # page table, or ANY, and address


@dataclass(frozen=True)
class Entry:
    """Where a function begins."""

    function: str
    page_table: int  # or ANY
    address: int


@dataclass
class CallSeen:
    function: str
    instructions: int  # executed before
    page_table: int
    stack: int  # where its return address is; of a system call the caller's stack pointer
    returns_to: int
    arguments: tuple[int, ...]
    is_system_call: bool = False
    number: int = 0  # of a system call
    process: str = ""
    caller: str = "?"
    result: int | None = None  # None: it did not return, or not to whom called
    returned: int = 0  # instructions executed before it had returned
    blocked: bool = False  # another thread went on
    waits: bool = False  # it did when the boot ended
    registers: dict[str, int] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, object]:
        return {
            "instructions": self.instructions,
            "process": self.process or None,
            "caller": self.caller,
            "function": self.function,
            "arguments": list(self.arguments),
            "result": self.result,
            "returned": None if self.result is None else self.returned,
            "blocked": self.blocked,
            "waits": self.waits,
        }

    def line(self) -> str:
        given = ", ".join(f"{value:#x}" for value in self.arguments)
        who = f"[{self.process}] " if self.process else ""
        return f"{self.instructions:>13,} {who}{self.caller} -> {self.function}({given}) {self._end()}"

    def _end(self) -> str:
        if self.result is None:
            return "waits" if self.waits else "does not return"
        return f"= {self.result:#x}" + (f", at {self.returned:,}" if self.blocked else "")


def run(board: SteppedBoard) -> SteppedBoard:
    board.load()
    try:
        board.go()
    except Exception as error:
        board.failure_of(error)
    return board


class Watched:
    """One run."""

    def __init__(
        self,
        request: BootRequest,
        entries: Sequence[Entry],
        arguments: int,
        decodes: bool,
        returns: frozenset[Place] | None = None,
    ) -> None:
        """`decodes`: calls of the handler of system calls are these; `returns`: what a run before this one found."""
        self.board, self.calls = SteppedBoard(request), list[CallSeen]()
        self._entries = {(each.page_table, each.address): each.function for each in entries}
        self._arguments, self._decodes, self._expected = arguments, decodes, returns or frozenset()
        self._seen: set[Place] = set()
        # By the page table, or ANY, and the address of the stack that the return address has, or would have.
        self._open: dict[Place, CallSeen] = {}
        self._handled: tuple[CallSeen, int, int] | None = None  # the system call, its frame, where the handler returns
        for address in {place[1] for place in (*self._entries, *self._expected)}:
            self.board.cpu.stop_at(address, self._look)
        run(self.board)

    @property
    def returns(self) -> frozenset[Place]:
        return frozenset(self._seen)

    def _look(self) -> None:
        self.board.cpu.context.save()
        place = self.board.cpu.place(False)
        for table in (ANY, place.page_table):
            at = table, place.rip
            if at in self._expected:
                self._return(place, table)
            if at in self._entries:
                self._call(place, table, self._entries[at])

    def _call(self, place: CpuPlace, table: int, name: str) -> None:
        stack = place.registers["rsp"]
        back = self._word(place, stack)
        self._seen.add((table, back))
        if self._decodes and name == system_calls.HANDLER:
            self._system_call(place, back)
            return
        given = tuple(place.registers[each] for each in ARGUMENTS[: self._arguments])
        registers = dict(place.registers)
        before = self._open.get((table, stack))
        if before and before.registers == registers:  # its first instruction was interrupted, and begins again
            return
        if len(self.calls) == CALLS_MAX:
            return
        call = CallSeen(name, self._executed, place.page_table, stack, back, given, registers=registers)
        self.calls.append(call)
        self._open[table, stack] = call

    def _return(self, place: CpuPlace, table: int) -> None:
        if table == ANY and self._handled and self._handled[2] == place.rip:
            call, frame, _ = self._handled
            call.blocked = call.blocked or place.registers["rax"] != frame
        stack = table, place.registers["rsp"] - WORD
        if (call_open := self._open.get(stack)) and call_open.returns_to == place.rip:
            del self._open[stack]
            call_open.result, call_open.returned = place.registers["rax"], self._executed

    def _system_call(self, place: CpuPlace, back: int) -> None:
        """It returns where its caller goes on, now or when it has waited. Where the kernel makes it once more, as it
        took long, it is the same call."""
        frame, table = place.registers["rdi"], place.page_table
        words = (system_calls.RAX, system_calls.RIP, system_calls.RSP)
        rax, rip, rsp = (self._word(place, frame + WORD * each) for each in words)
        self._seen.add((table, rip))
        given = tuple(self._word(place, frame + WORD * each) for each in system_calls.ARGUMENTS[: self._arguments])
        call = CallSeen(system_calls.HANDLER, self._executed, table, rsp, rip, given, True, rax)
        before = self._open.get((table, rsp - WORD))
        if before and before.is_system_call and (before.returns_to, before.number) == (rip, rax):
            call = before
        else:
            self.calls.append(call)
            self._open[table, rsp - WORD] = call
        self._handled = call, frame, back

    @property
    def _executed(self) -> int:
        return self.board.executed - 1

    def _word(self, place: CpuPlace, address: int) -> int:
        return int.from_bytes(read_virtual(self.board.memory, place.paging, address, WORD), "little")

"""Who called a kernel's function with what, and what it returned: by running a boot three times.

The first run finds where the kernel lies, the second one who calls, the third one has hooks where calls begin and where
they return to. A boot of the bundled emulator repeats to the instruction, so all three are the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ambilink.bootimage.container import ImageFile, read
from ambilink.bootimage.identify import identify
from ambilink.elf.file import ElfFile
from ambilink.errors import AmbilinkError, near
from ambilink.machine.emulator.stepped import NEVER, SteppedBoard
from ambilink.machine.model import BootRequest, CpuPlace
from ambilink.machine.paging import read_virtual
from ambilink.sources import system_folder
from ambilink.verify.backtrace import find_kernel_address
from ambilink.verify.kernel_file import startable
from ambilink.verify.kernel_place import distance_of
from ambilink.verify.kernel_state import read_kernel_state

SYSTEM_CALLS = "syscalls"  # of this project's kernel, in the place of a function
SYSTEM_CALL = "system_call_handle"  # gets a pointer to struct frame, and returns the frame to go on with
NUMBER = re.compile(r"^#define SYS_(\w+) (\d+)$", re.MULTILINE)
FRAME_ARGUMENTS = (9, 10, 11, 5, 7, 6)  # words of struct frame, boot/kernel/x86_64/cpu.h: rdi rsi rdx r10 r8 r9
FRAME_RAX = 14
ARGUMENTS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")  # of the System V ABI
WORD = 8


@dataclass
class CallSeen:
    function: str
    instructions: int  # executed before
    page_table: int
    stack: int  # where its return address is
    returns_to: int
    arguments: tuple[int, ...]
    process: str = ""
    caller: str = "?"
    result: int | None = None  # None: it did not return, or not to whom called
    frame: int = 0  # of a system call

    def line(self) -> str:
        given = ", ".join(f"{value:#x}" for value in self.arguments)
        result = ("waits" if self.frame else "does not return") if self.result is None else f"= {self.result:#x}"
        who = f"[{self.process}] " if self.process else ""
        caller = "" if self.frame else f"{self.caller} -> "
        return f"{self.instructions:>13,} {who}{caller}{self.function}({given}) {result}"


def calls_of(
    request: BootRequest, functions: Sequence[str], arguments: int = 3, services: Sequence[str] = ()
) -> list[CallSeen]:
    """`functions`: of the kernel's symbols, or SYSTEM_CALLS; `arguments`: how many are shown; `services`: whose calls
    alone."""
    wanted = [SYSTEM_CALL if name == SYSTEM_CALLS else name for name in functions]
    file = identify(request.image)
    if request.seed is None and file.is_ambilink:
        request = replace(request, seed=1)
    symbols = ElfFile.open(request.image).addresses()
    for name in wanted:
        if name not in symbols:
            remedy = near(symbols, name).strip() or "see its symbols"
            raise AmbilinkError(request.image, f"has no symbol {name}", remedy)
    with TemporaryDirectory(prefix="ambilink-calls-") as scratch:
        given = replace(startable("emulator", request, file, None, Path(scratch)), stop_at=NEVER)
        image = _packed(request.image)
        board = _run(SteppedBoard(given))
        moved = distance_of(image, board.memory) if image else 0
        places = {symbols[name] + moved: name for name in wanted}
        decodes = SYSTEM_CALLS in functions
        second = _Watched(given, places, arguments, set(), decodes)
        third = _Watched(given, places, arguments, {call.returns_to for call in second.calls}, decodes)
    names = _processes(image, third.board)
    for call in third.calls:
        call.process = names.get(call.page_table, "")
        call.caller = find_kernel_address(call.returns_to - 1, [request.image], moved) or f"{call.returns_to:#x}"
    return [call for call in third.calls if not services or call.process in services]


def _names() -> dict[int, str]:
    """Of system calls, by the sources of the target system."""
    text = (system_folder() / "boot/include/ambilink/abi.h").read_text(encoding="utf-8")
    return {int(number): name.lower() for name, number in NUMBER.findall(text)}


def _packed(path: Path) -> ImageFile | None:
    try:
        return read(path)
    except AmbilinkError:
        return None


def _processes(image: ImageFile | None, board: SteppedBoard) -> dict[int, str]:
    state = read_kernel_state(image, board.memory) if image else None
    return {process.page_table: process.name for process in (state.processes if state else [])}


def _run(board: SteppedBoard) -> SteppedBoard:
    board.load()
    try:
        board.go()
    except Exception as error:
        board.failure_of(error)
    return board


class _Watched:
    def __init__(
        self, request: BootRequest, places: dict[int, str], arguments: int, returns: set[int], decodes: bool
    ) -> None:
        """`decodes`: system calls are shown by their names."""
        self._names = _names() if decodes else {}
        self.board, self.calls = SteppedBoard(request), list[CallSeen]()
        self._places, self._arguments, self._returns = places, arguments, returns
        self._open: dict[int, CallSeen] = {}  # by the address of the stack where the return address is
        for address in places.keys() | returns:
            self.board.cpu.stop_at(address, self._look)
        _run(self.board)

    def _look(self) -> None:
        self.board.cpu.context.save()
        place = self.board.cpu.place(False)
        if place.rip in self._returns:
            self._return(place)
        if place.rip in self._places:
            self._call(place)

    def _call(self, place: CpuPlace) -> None:
        stack = place.registers["rsp"]
        back = int.from_bytes(read_virtual(self.board.memory, place.paging, stack, WORD), "little")
        given = tuple(place.registers[name] for name in ARGUMENTS[: self._arguments])
        name, count = self._places[place.rip], self.board.executed - 1
        call = CallSeen(name, count, place.page_table, stack, back, given)
        if self._names and name == SYSTEM_CALL:
            call = self._system_call(place, call)
        self.calls.append(call)
        self._open[stack] = call

    def _return(self, place: CpuPlace) -> None:
        call = self._open.pop(place.registers["rsp"] - WORD, None)
        if call is None or call.returns_to != place.rip:
            return
        result = place.registers["rax"]
        if not call.frame:
            call.result = result
        elif call.frame == result:  # else another thread goes on
            call.result = self._word(place, call.frame + WORD * FRAME_RAX)

    def _word(self, place: CpuPlace, address: int) -> int:
        return int.from_bytes(read_virtual(self.board.memory, place.paging, address, WORD), "little")

    def _system_call(self, place: CpuPlace, call: CallSeen) -> CallSeen:
        frame = place.registers["rdi"]
        number = self._word(place, frame + WORD * FRAME_RAX)
        given = tuple(self._word(place, frame + WORD * each) for each in FRAME_ARGUMENTS[: self._arguments])
        return replace(call, function=self._names.get(number, str(number)), arguments=given, frame=frame)

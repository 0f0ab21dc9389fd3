"""How long entries into the kernel are in a boot: instructions, from the call or trap until another thread may run."""

from functools import partial

from ambilink.bootimage.container import read
from ambilink.machine.emulator.board import Board
from ambilink.machine.model import BootRequest, Moment, Outcome
from ambilink.verify.kernel_file import with_kernel
from ambilink.verify.kernel_place import distance_of, following

CALL, TRAP, LEAVES = "system_call_handle", "trap_from_user", "schedule"
TRAPS = -1  # instead of a number of a call
# Instructions: of WORK_OF_ENTRY units (boot/kernel/base/work.h), of about 300 each, and what is around them.
ENTRY_MAX = 50_000
RAX = 14 * 8  # of a struct frame (boot/kernel/x86_64/cpu.h)


def longest_entries(request: BootRequest) -> tuple[Outcome, dict[int, int]]:
    """By the number of the call, whatever interface it is of."""
    from unicorn.x86_const import UC_X86_REG_RDI

    kernel, found = read(request.image), dict[int, int]()
    begun: dict[int, int] = {}  # the entry that goes on: its number, and the instructions before

    def number_of_call() -> int:
        frame = board.cpu.engine.reg_read(UC_X86_REG_RDI)
        offset = kernel.physical(kernel.symbols["physical_offset"])
        physical = kernel.physical(frame - distance_of(kernel, board.memory))
        assert offset is not None
        return board.memory.word((physical or frame - board.memory.word(offset)) + RAX)

    def begin(moment: Moment, *, is_call: bool) -> None:
        begun.clear()
        begun[number_of_call() if is_call else TRAPS] = moment.instructions

    def end(moment: Moment) -> None:
        for number, before in begun.items():
            found[number] = max(found.get(number, 0), moment.instructions - before)
        begun.clear()

    functions = {CALL: partial(begin, is_call=True), TRAP: partial(begin, is_call=False), LEAVES: end}
    stops = {kernel.symbols[name]: function for name, function in functions.items()}
    board = Board(with_kernel(request), stops=following(kernel, stops))
    return board.run(), found

"""Where two boots part: in which instruction, which system call, and which line of the console.

Both run in the bundled emulator, which repeats to the instruction. The first run of each notes where each block of code
lies within its page, which random addresses do not change; the second one stops at the first block that differs.
"""

from array import array
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from ambilink.bootimage.container import ImageFile, read
from ambilink.bootimage.identify import identify
from ambilink.errors import AmbilinkError
from ambilink.machine.emulator.stepped import NEVER, BlockHook, SteppedBoard
from ambilink.machine.judge import Decision
from ambilink.machine.model import BootRequest
from ambilink.verify.backtrace import KERNEL
from ambilink.verify.call_difference import CallDifference, first_call
from ambilink.verify.calls import SYSTEM_CALLS, Wanted, calls_of
from ambilink.verify.kernel_file import startable
from ambilink.verify.kernel_place import distance_of
from ambilink.verify.kernel_state import read_kernel_state
from ambilink.verify.reasons import Scene
from ambilink.verify.stopped import Call, Places, stopped_cpu
from ambilink.verify.system_calls import ARGUMENTS, HANDLER

PAGE_MASK = 0xFFF
BLOCKS_MAX = 200_000_000  # two bytes each
STEP = 1 << 16  # blocks that are compared at once


@dataclass(frozen=True)
class Course:
    """One boot as a whole."""

    blocks: "array[int]"  # where each that was executed begins in its page
    console: list[str]
    ending: str


@dataclass(frozen=True)
class Parting:
    instructions: int  # executed before the first block that differs
    calls: list[Call]  # from there on outwards
    before: str  # where the last block lies that both boots have


@dataclass(frozen=True)
class Difference:
    instructions: tuple[Parting, Parting] | None
    call: CallDifference | None  # of this project's kernels
    line: int | None  # of the console, from 1
    lines: tuple[str, str]
    endings: tuple[str, str]

    @property
    def is_none(self) -> bool:
        return self.instructions is None and self.line is None


class _Boot:
    """A request that is run more than once."""

    def __init__(self, request: BootRequest, root: Path, scratch: Path) -> None:
        file = identify(request.image)
        if request.seed is None and file.is_ambilink:
            request = replace(request, seed=1)
        self.booted, self.root = request.image, root
        scratch.mkdir()
        self.request = replace(startable("emulator", request, file, None, scratch), stop_at=NEVER)

    def follow(self) -> Course:
        board, blocks = SteppedBoard(self.request), array("H")

        def note(engine: object, address: int, size: int, data: object) -> None:
            blocks.append(address & PAGE_MASK)
            if len(blocks) >= BLOCKS_MAX:
                board.cpu.stop()

        ending = self._run(board, note)
        return Course(blocks, [line.shown for line in board.console.lines], ending[1] or ending[0].value)

    def stop_at_block(self, number: int) -> Parting:
        board, seen, before = SteppedBoard(self.request), 0, 0

        def note(engine: object, address: int, size: int, data: object) -> None:
            nonlocal seen, before
            if seen == number:
                board.cuts.end_here()
            elif seen < number:
                before = address
            seen += 1

        self._run(board, note)
        place = board.cpu.place(False)
        image = _packed(self.booted)
        state = read_kernel_state(image, board.memory) if image else None
        scene = Scene(image, state, board.memory, [], self.root, place) if image and state else None
        moved = state.moved if state else distance_of(image, board.memory) if image else 0
        places = Places(scene, [self.booted, self.root / KERNEL] if image else [self.booted], moved)
        stopped = stopped_cpu(place, board.memory, partial(places.find, place.page_table))
        return Parting(board.instructions, stopped.calls, places.find(place.page_table, before) or f"{before:#x}")

    def _run(self, board: SteppedBoard, note: BlockHook) -> Decision:
        board.load()
        board.cuts.at_each_block(note)
        try:
            return board.go() or board.judge.timeout(self.request.timeout)
        except Exception as error:
            return board.failure_of(error)


def _packed(path: Path) -> ImageFile | None:
    try:
        return read(path)
    except AmbilinkError:
        return None


def difference(one: BootRequest, other: BootRequest, root: Path) -> Difference:
    with TemporaryDirectory(prefix="ambilink-diff-") as scratch:
        boots = _Boot(one, root, Path(scratch, "0")), _Boot(other, root, Path(scratch, "1"))
        courses = boots[0].follow(), boots[1].follow()
        first = first_difference(courses[0].blocks, courses[1].blocks)
        partings = None if first is None else (boots[0].stop_at_block(first), boots[1].stop_at_block(first))
    consoles = list(zip_longest(courses[0].console, courses[1].console, fillvalue="(no more lines)"))
    line = next((number for number, (a, b) in enumerate(consoles) if a != b), None)
    lines = ("", "") if line is None else consoles[line]
    call = _first_call(one, other, root) if partings else None
    return Difference(partings, call, None if line is None else line + 1, lines, (courses[0].ending, courses[1].ending))


def _first_call(one: BootRequest, other: BootRequest, root: Path) -> CallDifference | None:
    for request in (one, other):
        image = _packed(request.image)
        if image is None or HANDLER not in image.symbols:
            return None
    wanted = Wanted([SYSTEM_CALLS], len(ARGUMENTS))
    return first_call(calls_of(one, wanted, root), calls_of(other, wanted, root))


def first_difference(one: "array[int]", other: "array[int]") -> int | None:
    for start in range(0, max(len(one), len(other)), STEP):
        a, b = one[start : start + STEP], other[start : start + STEP]
        if a != b:
            both = min(len(a), len(b))
            return start + next((at for at in range(both) if a[at] != b[at]), both)
    return None

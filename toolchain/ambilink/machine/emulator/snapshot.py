"""A board's state, to go back to: memory, the CPU, and whatever its devices and its console hold.

Nothing of a device is known here: of each object of this package that the board leads to, all attributes are kept,
with copies of their containers. So a device may hold plain values, containers, ctypes structures and other objects of
this package; a closure's variables would not be seen.
"""

import ctypes
from collections import deque
from dataclasses import dataclass
from typing import Any

from unicorn import x86_const as x86

from ambilink.machine.emulator.board import Board
from ambilink.machine.memory import PhysicalMemory

PACKAGE = "ambilink.machine"
CHUNK = 1 << 16  # of memory; those that are zero are not kept
ZERO = bytes(CHUNK)


class Outside:
    """What looks at a board, and does not go back with it."""



@dataclass
class Snapshot:
    instructions: int
    chunks: dict[int, bytes]
    cpu: Any  # Unicorn's saved context
    attributes: list[tuple[object, dict[str, Any]]]
    structures: list[tuple[ctypes.Structure, bytes]]


def take(board: Board) -> Snapshot:
    attributes, structures = [], []
    for part in _parts(board):
        if isinstance(part, ctypes.Structure):
            structures.append((part, bytes(part)))
        else:
            attributes.append((part, {name: _copy(value) for name, value in vars(part).items()}))
    buffer = board.memory.buffer
    chunks = {}
    for at in range(0, len(buffer), CHUNK):
        data = buffer[at : at + CHUNK]
        if data != ZERO[: len(data)]:
            chunks[at] = data
    return Snapshot(board.instructions, chunks, board.cpu.engine.context_save(), attributes, structures)


def restore(board: Board, snapshot: Snapshot) -> None:
    for part, values in snapshot.attributes:
        vars(part).update({name: _copy(value) for name, value in values.items()})
    for structure, data in snapshot.structures:
        ctypes.memmove(ctypes.addressof(structure), data, len(data))
    buffer = board.memory.buffer
    for at in range(0, len(buffer), CHUNK):
        now = buffer[at : at + CHUNK]
        wanted = snapshot.chunks.get(at, ZERO[: len(now)])
        if now != wanted:
            buffer[at : at + CHUNK] = wanted
    engine = board.cpu.engine
    engine.context_restore(snapshot.cpu)
    forget_translations(board)
    board.cpu.context.save()


def forget_translations(board: Board) -> None:
    """Of addresses and of code: memory was changed from outside."""
    engine = board.cpu.engine
    engine.reg_write(x86.UC_X86_REG_CR3, engine.reg_read(x86.UC_X86_REG_CR3))  # which empties the TLB
    engine.ctl_flush_tb()


def _parts(board: Board) -> list[object]:
    found: dict[int, object] = {}
    waiting: list[object] = [board]
    while waiting:
        each = waiting.pop()
        if isinstance(each, (list, tuple, set, frozenset, deque)):
            waiting.extend(each)
        elif isinstance(each, dict):
            waiting.extend(each.values())
        elif id(each) not in found and _is_ours(each):
            found[id(each)] = each
            if not isinstance(each, ctypes.Structure):
                waiting.extend(vars(each).values())
    return list(found.values())


def _is_ours(value: object) -> bool:
    if isinstance(value, (type, PhysicalMemory, Outside)) or not type(value).__module__.startswith(PACKAGE):
        return False
    return isinstance(value, ctypes.Structure) or hasattr(value, "__dict__")


def _copy(value: Any) -> Any:
    """Of containers, whatever is in them; everything else is as good as its copy, or kept by itself."""
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    if isinstance(value, (list, deque, set)):
        return type(value)(_copy(each) for each in value)
    if isinstance(value, bytearray):
        return bytearray(value)
    return value

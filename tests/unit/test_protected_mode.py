"""Entering handlers in 32-bit protected mode: what ends in a fault, and what is refused by name. What works is shown by
tests/boot/test_protected.py on two machines."""

import mmap
import struct

import pytest

from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.emulator.protected_mode import NotEmulated
from ambilink.machine.memory import MEGABYTE, PhysicalMemory

CODE, TABLES, GDT = 0x1000, 0x3000, 0x4000


def run(gate, code="cd10", limit=50):
    """`int 0x10` by that gate; all handlers halt. Where that was, what lies on the stack, and how much."""
    memory = PhysicalMemory(mmap.mmap(-1, MEGABYTE), MEGABYTE)
    memory.write(GDT, struct.pack("<3Q", 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF))
    idt = bytearray(17 * 8)
    for vector in (10, 11, 13):
        idt[vector * 8 : vector * 8 + 8] = struct.pack("<HHHH", 0x2000 + vector, 8, 0x8E00, 0)
    idt[16 * 8 :] = gate
    memory.write(TABLES, bytes(idt))
    memory.write(0x2000, b"\xf4" * 32)
    memory.write(0x5000, struct.pack("<HIHI", len(idt) - 1, TABLES, 0x17, GDT))
    start = bytes.fromhex("bc00800000 0f011d00500000 0f011506500000")  # mov esp; lidt; lgdt
    memory.write(CODE, start + bytes.fromhex(code) + b"\xf4")
    cpu = Cpu(memory, lambda port, size: 0, lambda port, size, value: None)
    cpu.enter_protected_mode(CODE, 0)
    cpu.run(limit)
    assert cpu.halted
    stack = cpu.context.registers[4]
    return cpu.rip, struct.unpack("<4I", memory.read(stack, 16)), 0x8000 - stack


def gate(kind, selector=8, offset=0x2000):
    return struct.pack("<HHHH", offset & 0xFFFF, selector, kind << 8, offset >> 16)


def test_a_handler_returns_to_behind_the_int():
    rip, stack, size = run(gate(0x8E))
    assert rip == 0x2001 and size == 12 and stack[:2] == (CODE + 5 + 7 + 7 + 2, 8) and not stack[2] & 0x200


def test_a_16_bit_gate_pushes_words():
    rip, _, size = run(gate(0x86, offset=0x12342000))
    assert rip == 0x2001 and size == 6


@pytest.mark.parametrize(
    ("entry", "handler", "error"),
    [
        (gate(0x0E), 11, 16 * 8 + 2),  # not present
        (gate(0x8C), 13, 16 * 8 + 2),  # a call gate
        (gate(0x8E, selector=0), 13, 0),
        (gate(0x8E, selector=0x10), 13, 0x10),  # data
        (gate(0x8E, selector=0x20), 13, 0x20),  # beyond the table
    ],
)
def test_faults_on_the_way(entry, handler, error):
    rip, stack, size = run(entry)
    assert rip == 0x2001 + handler and stack[:2] == (error, CODE + 5 + 7 + 7) and size == 16


def test_beyond_the_table():
    rip, stack, _ = run(gate(0x8E), code="cd11")
    assert rip == 0x2001 + 13 and stack[0] == 17 * 8 + 2


def test_task_gates_are_refused_by_name():
    with pytest.raises(NotEmulated, match="vector 16 has a task gate, which is not emulated"):
        run(gate(0x85))


def test_real_mode_is_refused_by_name():
    real = "0f20c0 83e0fe 0f22c0"  # CR0.PE off
    with pytest.raises(NotEmulated, match=r"calls the BIOS \(int 0x10 in real mode\), and this machine has none"):
        run(gate(0x8E), code=f"{real} cd10")
    with pytest.raises(NotEmulated, match=r"in real mode \(vector 0\) is not emulated"):
        run(gate(0x8E), code=f"{real} 31c9 f7f1")  # a division by 0

"""Breakpoints of instructions raise #DB; what is not emulated is warned of."""

import mmap

import pytest
from unicorn.x86_const import UC_X86_REG_DR6

from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.emulator.fault import debug_notes
from ambilink.machine.memory import MEGABYTE, PhysicalMemory


@pytest.mark.parametrize(
    ("control", "dr6", "note"),
    [(0x401, 0xFFFF0FF1, None), (0xD0401, 0xFFFF0FF0, "breakpoint of data"), (0x2400, 0xFFFF0FF0, "general detect")],
)
def test_debug_registers_work_or_are_warned_of(control, dr6, note):
    """DR0 is the address of the hlt behind the loads; without a breakpoint there it halts."""
    load = "48c7c0{:08x} 0f23{:02x}"  # mov rax, value; mov drN, rax
    target = 0x1000 + 20
    code = load.format(int.from_bytes(target.to_bytes(4, "little"), "big"), 0xC0)
    code += load.format(int.from_bytes(control.to_bytes(4, "little"), "big"), 0xF8)
    memory = PhysicalMemory(mmap.mmap(-1, 4 * MEGABYTE), 4 * MEGABYTE)
    memory.write(0x1000, bytes.fromhex(code + "f4"))
    for at, entry in ((0x10000, 0x11003), (0x11000, 0x12003), (0x12000, 0x83)):
        memory.write(at, entry.to_bytes(8, "little"))
    memory.write(0x3010, (0x2000 | 8 << 16 | 0x8E << 40).to_bytes(8, "little"))  # #DB to a hlt
    memory.write(0x2000, b"\xf4")
    cpu = Cpu(memory, lambda port, size: 0, lambda port, size, value: None)
    cpu.enter_long_mode(0x1000, 0, 0x10000)
    context = cpu.context
    context.save()
    context.idt.base, context.idt.limit, context.registers[4] = 0x3000, 0xFFF, 0x80000
    context.restore()
    cpu.run(100)
    assert cpu.halted and (cpu.rip == 0x2001) == (dr6 & 1 == 1)
    assert cpu.engine.reg_read(UC_X86_REG_DR6) == dr6
    notes = debug_notes(cpu.engine)
    assert notes == [] if note is None else note in notes[0]

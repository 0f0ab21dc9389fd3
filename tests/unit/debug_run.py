"""Guests that use debug registers: whether each got its #DB, DR6, and how many instructions that took, whole and step
by step. Run with the native helper and without it."""

import mmap

from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.memory import MEGABYTE, PhysicalMemory

CODE, HANDLER, GATES, PLACE, PAGE_TABLES = 0x1000, 0x2000, 0x3000, 0x8004, 0x10000
BEFORE = 20  # bytes of the loads
NOP, HLT, INT1 = "90", "f4", "f1"
STORE = "890425" + PLACE.to_bytes(4, "little").hex()
LOAD = "8b0425" + PLACE.to_bytes(4, "little").hex()
WIDE = "48890425" + (PLACE - 7).to_bytes(4, "little").hex()
READ_DR0 = "0f21c0"
ON_WRITE, ON_ACCESS, DETECT, OFF = 0xD0401, 0xF0401, 0x2400, 0x400
GUESTS = {
    "instruction": (0x401, CODE + BEFORE + 1, NOP + NOP),
    "write": (ON_WRITE, PLACE, STORE + NOP),
    "write, second of a block": (ON_WRITE, PLACE, LOAD + STORE + NOP),
    "unaligned write": (ON_WRITE, PLACE, WIDE + NOP),
    "read of what must be written": (ON_WRITE, PLACE, LOAD + NOP),
    "read": (ON_ACCESS, PLACE, LOAD + NOP),
    "unaligned read that ends before": (ON_ACCESS, PLACE, "488b0425fc7f0000" + NOP),
    "read of the word before": (ON_ACCESS, PLACE + 4, LOAD + NOP),
    "write into the next page": (ON_WRITE, 0x9000, "48890425fd8f0000" + NOP),
    "fxsave": (ON_WRITE, PLACE, "0fae042500800000" + NOP),
    "x87": (ON_WRITE, PLACE, "dd1c2500800000" + NOP),
    "push": (ON_WRITE, PLACE, "bc08800000" + "50" + NOP),
    "xchg": (ON_WRITE, PLACE, "870425" + PLACE.to_bytes(4, "little").hex() + NOP),
    "off": (OFF, PLACE, STORE + NOP),
    "general detect": (DETECT, PLACE, READ_DR0 + NOP),
    "int1": (OFF, PLACE, NOP + INT1 + NOP),
}


def load(number: int, value: int) -> str:
    """mov rax, value; mov drN, rax"""
    return f"48c7c0{value.to_bytes(4, 'little').hex()}0f23{0xC0 | number << 3:02x}"


def guest(control: int, address: int, code: str) -> Cpu:
    memory = PhysicalMemory(mmap.mmap(-1, 4 * MEGABYTE), 4 * MEGABYTE)
    memory.write(CODE, bytes.fromhex(load(0, address) + load(7, control) + code + HLT))
    for at, entry in ((0, 0x11003), (0x1000, 0x12003), (0x2000, 0x83)):
        memory.write(PAGE_TABLES + at, entry.to_bytes(8, "little"))
    memory.write(GATES + 16, (HANDLER | 8 << 16 | 0x8E << 40).to_bytes(8, "little"))
    memory.write(HANDLER, bytes.fromhex(HLT))
    cpu = Cpu(memory, lambda port, size: 0, lambda port, size, value: None)
    cpu.enter_long_mode(CODE, 0, PAGE_TABLES)
    context = cpu.context
    context.save()
    context.idt.base, context.idt.limit, context.registers[4] = GATES, 0xFFF, 0x80000
    context.restore()
    return cpu


def result(cpu: Cpu, executed: int) -> str:
    from unicorn.x86_const import UC_X86_REG_DR6  # behind the emulator, whose native helper comes before Unicorn

    assert cpu.halted
    stack = cpu.context.registers[4]
    behind = cpu.memory.word(stack) - CODE - BEFORE if cpu.rip == HANDLER + 1 else "none"
    return f"#DB at {behind}, DR6 {cpu.engine.reg_read(UC_X86_REG_DR6):#x}, {executed} instructions"


def main() -> None:
    """In the order of GUESTS."""
    for name, (control, address, code) in GUESTS.items():
        whole, steps = guest(control, address, code), guest(control, address, code)
        found = result(whole, whole.run(100))
        executed = 0
        while not steps.halted:
            executed += steps.run(1)
        assert result(steps, executed) == found, (name, found, result(steps, executed))
        print(f"{name}: {found}", *(f"{each.what} at {each.rip - CODE}" for each in whole.deviations), sep="; ")


main()

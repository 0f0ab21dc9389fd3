"""An x87 exception that is pending while CR0.NE is 0: the bundled emulator has no FERR#, and says so."""

import pytest

from ambilink.machine.emulator import native
from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.memory import allocate

CODE, TABLES, CONTROL = 0x10000, 0x1000, 0x30000
NE = 0x20
# fninit; fldcw [CONTROL]; fld1; fldz; fdivp; fwait; hlt
BEGIN, END = "dbe3 d92c2500000300 d9e8 d9ee def9", "9b f4"
FWAIT = CODE + len(bytes.fromhex(BEGIN))


@pytest.mark.parametrize(("control", "is_said"), [(0x37B, True), (0x37F, False)])  # division by 0: not masked, masked
def test_a_pending_exception_is_said(control, is_said):
    if reason := native.missing():
        pytest.skip(f"there is no native helper ({reason})")
    from unicorn.x86_const import UC_X86_REG_CR0  # behind the native helper

    memory = allocate(2 << 20)
    for level in range(2):
        memory.write(TABLES + level * 0x1000, (TABLES + 0x1003 + level * 0x1000).to_bytes(8, "little"))
    memory.write(TABLES + 0x2000, (0x83).to_bytes(8, "little"))
    memory.write(CODE, bytes.fromhex(BEGIN + END))
    memory.write(CONTROL, control.to_bytes(2, "little"))
    cpu = Cpu(memory, lambda port, size: 0, lambda port, size, value: None)
    cpu.enter_long_mode(CODE, 0, TABLES)
    cpu.engine.reg_write(UC_X86_REG_CR0, cpu.engine.reg_read(UC_X86_REG_CR0) & ~NE)
    assert cpu.run(100) == 7 and cpu.halted
    said = [each for each in cpu.deviations if "no FERR#" in each.what]
    assert [each.rip for each in said] == [FWAIT] * is_said

"""MMX instructions in the bundled emulator: TOP, tags, and the exponents of registers that are written."""

import pytest

from ambilink.machine.emulator import native
from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.memory import allocate

CODE, TABLES, DATA, STATE = 0x10000, 0x1000, 0x30000, 0x30200
ONE, ONES = 0x3FFF, 0xFFFF
EMPTY = [0] * 6 + [ONE, ONE]  # by register, after two fld1
ST = [ONE, ONE, 0, 0, 0, 0, 0, 0]  # by distance from TOP
# As a processor has it (AMD EPYC): the registers that fxsave stores, and its tags.
WANTED = {
    "movq mm3, [rdi]": ("0f6f1f", [0, 0, 0, ONES, 0, 0, ONE, ONE], 0xFF),
    "movq mm3, mm7": ("0f6fdf", [0, 0, 0, ONES, 0, 0, ONE, ONE], 0xFF),
    "movq mm6, mm3 by its other code": ("0f7fde", [0, 0, 0, 0, 0, 0, ONES, ONE], 0xFF),
    "movq [rdi], mm3": ("0f7f1f", EMPTY, 0xFF),
    "movd eax, mm3": ("0f7ed8", EMPTY, 0xFF),
    "psllw mm2, 1": ("0f71f201", [0, 0, ONES, 0, 0, 0, ONE, ONE], 0xFF),
    "paddb mm5, mm1": ("0ffce9", [0, 0, 0, 0, 0, ONES, ONE, ONE], 0xFF),
    "pmovmskb eax, mm1": ("0fd7c1", EMPTY, 0xFF),
    "movdq2q mm4, xmm0": ("f20fd6e0", [0, 0, 0, 0, ONES, 0, ONE, ONE], 0xFF),
    "movq2dq xmm0, mm4": ("f30fd6c4", EMPTY, 0xFF),
    "palignr mm3, mm1, 3": ("0f3a0fd903", [0, 0, 0, ONES, 0, 0, ONE, ONE], 0xFF),
    "pshufb mm3, [rdi]": ("0f38001f", [0, 0, 0, ONES, 0, 0, ONE, ONE], 0xFF),
    "movbe rax, [rdi]": ("480f38f007", ST, 0xC0),
}
WANTED |= {
    f"0f 38 {opcode:02x} mm3, mm7": (f"0f38{opcode:02x}df", [0, 0, 0, ONES, 0, 0, ONE, ONE], 0xFF)
    for opcode in (*range(12), 0x1C, 0x1D, 0x1E)
}


@pytest.mark.parametrize("name", WANTED)
def test_exponents(name):
    if reason := native.missing():
        pytest.skip(f"there is no native helper ({reason})")
    from unicorn.x86_const import UC_X86_REG_CR4  # behind the native helper

    code, exponents, tags = WANTED[name]
    memory = allocate(2 << 20)
    for level in range(2):
        memory.write(TABLES + level * 0x1000, (TABLES + 0x1003 + level * 0x1000).to_bytes(8, "little"))
    memory.write(TABLES + 0x2000, (0x83).to_bytes(8, "little"))
    # fninit; fld1; fld1; ...; fxsave [STATE]; hlt
    save = b"\x0f\xae\x04\x25" + STATE.to_bytes(4, "little")
    memory.write(CODE, bytes.fromhex("dbe3 d9e8 d9e8" + code) + save + b"\xf4")
    cpu = Cpu(memory, lambda port, size: 0, lambda port, size, value: None)
    cpu.enter_long_mode(CODE, 0, TABLES)
    cpu.engine.reg_write(UC_X86_REG_CR4, 0x620)
    cpu.context.registers[7] = DATA
    assert cpu.run(100) == 6 and cpu.halted
    state = memory.read(STATE, 512)
    assert [int.from_bytes(state[40 + 16 * index : 42 + 16 * index], "little") for index in range(8)] == exponents
    assert state[4] == tags

"""What the instruction CPUID reports: Unicorn's Skylake client, less what is not carried out, and with the time base
and the local APIC that the emulator has."""

from functools import cache

import unicorn
from unicorn import x86_const as x86

REGISTERS = (x86.UC_X86_REG_RAX, x86.UC_X86_REG_RBX, x86.UC_X86_REG_RCX, x86.UC_X86_REG_RDX)
Leaf = tuple[int, int, int, int]  # eax, ebx, ecx, edx

VERSION, FEATURES, TOPOLOGY, STATES, TIME_STAMP, FREQUENCY = 1, 7, 0xB, 0xD, 0x15, 0x16
EXTENDED_FEATURES, POWER = 0x80000001, 0x80000007
HUGE_PAGES = 1 << 26  # of 1 GiB: leaf 0x80000001, edx
HIGHEST = FREQUENCY
# Leaf 1: in ecx; in edx the local APIC.
X2_APIC, DEADLINE, STATE_SAVING = 1 << 21, 1 << 24, 1 << 26 | 1 << 27
APIC = 1 << 9
ADX = 1 << 19  # leaf 7, ebx: raises #UD
INVARIANT = 1 << 8  # the time-stamp counter's rate
MEGAHERTZ = 1000
SUBLEAF_TYPES = {0: 0x100, 1: 0x201}  # of the topology: threads, cores


@cache
def _unicorns() -> dict[int, Leaf]:
    engine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
    engine.ctl_set_cpu_model(x86.UC_CPU_X86_SKYLAKE_CLIENT)
    engine.mem_map(0, 0x1000)
    engine.mem_write(0, b"\x0f\xa2")
    leaves = {}
    for leaf in (0, VERSION, FEATURES, EXTENDED_FEATURES):
        engine.reg_write(x86.UC_X86_REG_RAX, leaf)
        engine.reg_write(x86.UC_X86_REG_RCX, 0)
        engine.emu_start(0, 2)
        eax, ebx, ecx, edx = (engine.reg_read(register) for register in REGISTERS)
        leaves[leaf] = (eax, ebx, ecx, edx)
    return leaves


def leaf(number: int, subleaf: int) -> Leaf | None:
    """None: as Unicorn has it."""
    if number == 0:
        return (HIGHEST, *_unicorns()[0][1:])
    if number == VERSION:
        eax, ebx, ecx, edx = _unicorns()[VERSION]
        return eax, ebx & 0x00FFFFFF, ecx & ~STATE_SAVING | X2_APIC | DEADLINE, edx | APIC
    if number == FEATURES and subleaf == 0:
        eax, ebx, ecx, edx = _unicorns()[FEATURES]
        return eax, ebx & ~ADX, ecx, edx
    if number == EXTENDED_FEATURES:
        eax, ebx, ecx, edx = _unicorns()[EXTENDED_FEATURES]
        return eax, ebx, ecx, edx | HUGE_PAGES
    if number == TOPOLOGY:
        kind = SUBLEAF_TYPES.get(subleaf, subleaf & 0xFF)
        return 0, 1 if subleaf in SUBLEAF_TYPES else 0, kind, 0
    if number == TIME_STAMP:
        return 1, 1, MEGAHERTZ * 1_000_000, 0  # the counter is the crystal's clock
    if number == FREQUENCY:
        return MEGAHERTZ, MEGAHERTZ, MEGAHERTZ, 0
    if number == POWER:
        return 0, 0, 0, INVARIANT
    return (0, 0, 0, 0) if STATES <= number < TIME_STAMP else None


def on_cpuid(engine: unicorn.Uc, data: object) -> int:
    """Unicorn's hook. Not 0: the instruction is done."""
    number, subleaf = (engine.reg_read(each) & 0xFFFFFFFF for each in (REGISTERS[0], REGISTERS[2]))
    found = leaf(number, subleaf)
    if found is None:
        return 0
    for register, value in zip(REGISTERS, found, strict=True):
        engine.reg_write(register, value)
    return 1

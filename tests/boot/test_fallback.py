"""The emulator without its native helper: the conformance kernel comes to its verdict, and what it finds is listed;
random guests go the same way as with the helper. `./scons judge-fallback` runs many more."""

import os
import subprocess
import sys

import pytest

from ambilink.machine.emulator import native

from .judge_fallback import differences

pytestmark = pytest.mark.compiler

# Unicorn's own arithmetic: docs/emulator.md.
X87_RESULTS = {
    *("fscale far up", "fprem of 2 + 2^-62 by 1", "fldpi rounded down", "fpatan of 1, 1", "f2xm1 of 1/2"),
    *("fyl2x of 10", "fyl2xp1 of 1/8", "fsin of 1", "fcos of 1", "fptan of 1"),
}
# It sets no flag of the x87 but division by zero, none of MXCSR's, and raises no exception.
X87_FLAGS = {
    *("x87: 53 bits of 1 + 2^-63", "x87: 1/3", "x87: 1/3 is rounded up", "x87: 1/3 rounded down", "x87: 0/0"),
    *("x87: the root of -1", "x87: the root of 2", "x87: overflow", "x87: overflow, rounded down"),
    *("frndint of 1/2, to even", "frndint of 1/2, up", "fistp m32 of what does not fit: flags"),
    *("fld m64 of a signalling NaN", "x87: a denormal operand", "x87: stack underflow", "x87: its result"),
    *("x87: stack overflow", "so does an instruction", "x87: what was divided by 0 stays"),
    *("x87: what overflows and is not masked is not stored", "x87: nor popped", "x87: it is raised"),
}
SSE_FLAGS = {
    *("divsd by 0", "divsd of 0 by 0", "divsd of 1 by 3", "divsd rounded up", "mulsd overflows"),
    *("mulsd overflows downwards", "mulsd underflows", "FTZ", "sqrtsd of -1", "sqrtsd of 2"),
    *("a signalling NaN becomes quiet", "maxsd with a NaN: the second", "cmpltsd with a NaN", "cvtsd2ss"),
    *("cvtsd2si of 2^63", "cvtsd2si of 1/2", "cvtsd2si of 1/2, up", "comisd with a NaN", "DAZ of minsd"),
    *("two NaNs: the first", "a denormal operand", "roundsd up", "fxsave has MXCSR's flags"),
    *("fxrstor brings flags back", "an exception that is not masked", "its operand stays", "its flag"),
    *("ldmxcsr of a reserved bit", "fxrstor of a reserved bit"),
}
INTEGER = {"blsi", "blsi of 0", "bzhi beyond the end", "bextr of 32 bits"}
AVX = {"AVX that is not turned on", "AVX of another map"}  # is executed as SSE
# A boot that sets them says so: tests/unit/test_debug_registers.py.
DATA_BREAKPOINTS = {
    *("a write raises #DB", "a write tells its breakpoint", "a write's #DB is behind it", "a read is an access"),
    *("a read's #DB is behind it", "a write is an access", "an unaligned write from before", "the last byte"),
    *("an unaligned read from its last byte", "a locked instruction writes", "enabled by G"),
    *("a repeated instruction stops behind the hit", "and goes on from there"),
    *("two breakpoints of one instruction", "a write that is a single step, too", "a load of SS"),
    "a load of SS takes the next instruction along",
}
GENERAL_DETECT = {
    *("general detect: a write raises #DB", "general detect: a read raises #DB", "general detect: DR6 has BD"),
    *("general detect: #DB is before the write", "general detect: #DB is before the instruction"),
    "general detect ends at #DB",
}
RESERVED_BITS = {
    *("DR6: its upper half", "DR6: bit 12 is zero", "DR7: its upper half", "DR7: bits 12, 14 and 15 are zero"),
}
OTHERWISE = {
    *(X87_RESULTS | X87_FLAGS | SSE_FLAGS | INTEGER | AVX | GENERAL_DETECT | RESERVED_BITS),
    *(f"debug: {name}" for name in DATA_BREAKPOINTS),
}


def test_conformance(build):
    done = subprocess.run(
        [sys.executable, "-m", "ambilink", "boot", build / "conformance"],
        env={**os.environ, native.SWITCH: native.WITHOUT},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    failed = {line[5:].rpartition(": got ")[0] for line in lines if line.startswith("FAIL ")}
    assert done.returncode == 1 and "conformance: 447 passed, 105 failed" in lines
    assert failed == OTHERWISE
    for what in ("a breakpoint of data", "general detect"):
        assert any(f"the guest set {what} in DR7" in line and "; first at 0x" in line for line in lines), what


def test_random_guests():
    if reason := native.missing():
        pytest.skip(f"there is no native helper ({reason})")
    # The last one is cut at the sti whose next instruction lets interrupts in.
    assert differences([*range(1_000_000, 1_000_039), 9_000_099]) == {}

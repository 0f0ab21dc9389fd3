"""What musl's functions give in the bundled emulator and on Linux on this machine: one program, the same musl."""

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

SOURCE = Path(__file__).parent / "linux/functions.c"
INEXACT = 0x20
# The x87's transcendental functions may be one unit off, and what is computed of them a few.
NEAR = Fraction(8, 2**64)
ON_X87 = "acosl asinl atanl atan2l expl exp2l exp10l expm1l logl log10l log1pl log2l powl sinhl coshl tanhl"
ON_X87 += " asinhl acoshl atanhl tgammal lgammal erfl erfcl"
HEX = re.compile(r"(-?)0x([0-9a-f]+)(?:\.([0-9a-f]+))?p([+-]\d+)")


def can_build() -> bool:
    return bool(shutil.which("musl-gcc"))


def build(folder: Path) -> Path:
    program = folder / "functions"
    words = ["musl-gcc", "-static", "-O1", "-frounding-math", "-fno-builtin", "-o", str(program), str(SOURCE), "-lm"]
    subprocess.run(words, check=True)
    return program


def lines_of(text: list[str]) -> dict[str, list[str]]:
    """Results and flags of each function."""
    return {name: rest for name, *rest in (line.split(" ") for line in text)}


def _number(text: str) -> Fraction | None:
    match = HEX.fullmatch(text)
    if not match:
        return None
    sign, whole, part, exponent = match.groups()
    part = part or ""
    value = Fraction(int(whole + part, 16), 16 ** len(part)) * Fraction(2) ** int(exponent)
    return -value if sign else value


def _is_near(one: str, other: str) -> bool:
    (a, flags_a), (b, flags_b) = one.rsplit(",", 1), other.rsplit(",", 1)
    x, y = _number(a), _number(b)
    if x is None or y is None:
        return one == other
    return abs(x - y) <= NEAR * abs(x) and (int(flags_a, 16) | INEXACT) == (int(flags_b, 16) | INEXACT)


def differing(linux: dict[str, list[str]], emulator: dict[str, list[str]]) -> list[str]:
    """Functions whose results or flags are not what Linux gives."""
    wrong = []
    for name, wanted in linux.items():
        got = emulator.get(name, [])
        same = got == wanted
        if not same and name in ON_X87.split() and len(got) == len(wanted):
            same = all(a == b or _is_near(a, b) for a, b in zip(wanted, got, strict=True))
        if not same:
            wrong.append(name)
    return wrong

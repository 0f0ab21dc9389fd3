"""What of this machine's processor decides where glibc looks for libraries."""

import itertools
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# psABI of x86-64, "Micro-architecture levels", in the words of /proc/cpuinfo.
LEVELS = {
    "x86-64-v2": "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3",
    "x86-64-v3": "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave",
    "x86-64-v4": "avx512f avx512bw avx512cd avx512dq avx512vl",
}
HASWELL = "avx2 bmi1 bmi2 abm movbe popcnt fma"
XEON_PHI = "avx512cd avx512er avx512pf"
AVX512_1 = "avx512cd avx512bw avx512dq avx512vl"
OLD_SUBFOLDERS_END = (2, 37)  # the version of glibc that looks in subfolders of glibc-hwcaps alone


@dataclass(frozen=True)
class Processor:
    platform: str | None  # what $PLATFORM stands for; None: not known
    levels: tuple[str, ...] = ()  # subfolders of glibc-hwcaps, the best one first
    old_subfolders: tuple[str, ...] = ()  # that glibc before 2.37 tried in each folder, in order


def _combinations(names: list[str]) -> Iterator[str]:
    """Every subset, those with later names first; later names come first in a path, too."""
    for chosen in itertools.product((True, False), repeat=len(names)):
        path = "/".join(name for name, taken in zip(reversed(names), chosen, strict=True) if taken)
        if path:
            yield path


def x86_64(flags: set[str], vendor: str, version: tuple[int, ...]) -> Processor:
    levels: list[str] = []
    for name, needed in LEVELS.items():
        if not flags.issuperset(needed.split()):
            break
        levels.insert(0, name)
    own, hardware = "x86_64", ["x86_64"]
    if vendor == "GenuineIntel" and version < OLD_SUBFOLDERS_END:
        if flags.issuperset(XEON_PHI.split()):
            own = "xeon_phi"
        elif flags.issuperset(HASWELL.split()):
            own = "haswell"
        if flags.issuperset(AVX512_1.split()) and "avx512er" not in flags:
            hardware.append("avx512_1")
    old = _combinations([*hardware, own, "tls"]) if version < OLD_SUBFOLDERS_END else ()
    return Processor(own, tuple(levels), tuple(dict.fromkeys(old)))


@cache
def of_this_machine(machine: str) -> Processor:
    """As programs for `machine` would see it; of another machine than this one only the name is known."""
    if machine != "x86_64" or platform.machine() != machine:
        return Processor(None if machine.startswith("riscv") else machine)
    try:
        lines = [line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line]
    except OSError:
        lines = []
    words = {name.strip(): value.strip() for name, value in reversed(lines)}  # of the first processor
    return x86_64(set(words.get("flags", "").split()), words.get("vendor_id", ""), _glibc())


def _glibc() -> tuple[int, ...]:
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") or ""
        return tuple(int(part) for part in text.split(" ")[-1].split(".")[:2])
    except (ValueError, OSError):
        return OLD_SUBFOLDERS_END

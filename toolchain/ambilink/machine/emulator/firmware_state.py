"""What a PC's firmware leaves in the processor's model-specific registers: memory types, and what it turned on.

The memory types have no effect here, as there are no caches; kernels read them, and distrust a machine without any.
"""

from collections.abc import Iterator

from ambilink.machine.memory import HIGH_START, LOW_LIMIT

FAST_STRINGS_AT, FAST_STRINGS = 0x1A0, 1  # IA32_MISC_ENABLE
FIRST_BASE, FIRST_MASK, DEFAULT_TYPE = 0x200, 0x201, 0x2FF
FIXED_64K, FIXED_16K_LOW, FIXED_16K_HIGH = 0x250, 0x258, 0x259
FIXED_4K = range(0x268, 0x270)
UNCACHED, WRITE_PROTECTED, WRITE_BACK = 0, 5, 6
VALID, RANGES_ON, FIXED_ON = 1 << 11, 1 << 11, 1 << 10
ADDRESS_BITS = 40  # of the processor: CPUID 0x80000008


def _eight(kind: int) -> int:
    return int.from_bytes(bytes((kind,)) * 8, "little")


def registers() -> Iterator[tuple[int, int]]:
    """Numbers and values. Memory is write-back, but for video memory, ROMs, and devices' addresses below 4 GiB."""
    yield FAST_STRINGS_AT, FAST_STRINGS
    yield FIXED_64K, _eight(WRITE_BACK)
    yield FIXED_16K_LOW, _eight(WRITE_BACK)
    yield FIXED_16K_HIGH, _eight(UNCACHED)
    for number in FIXED_4K:
        yield number, _eight(WRITE_PROTECTED)
    size = HIGH_START - LOW_LIMIT
    yield FIRST_BASE, LOW_LIMIT | UNCACHED
    yield FIRST_MASK, (1 << ADDRESS_BITS) - size | VALID
    yield DEFAULT_TYPE, RANGES_ON | FIXED_ON | WRITE_BACK

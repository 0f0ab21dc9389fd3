"""Fuzz the kernel: python -m tests.boot.fuzz.run --build BUILD [SECONDS] [--seed N] [--keep]

Half of the time its portable parts (fuzz.c) by libFuzzer, half of it boots (boots.py). Once the defect behind a finding
of the first is known, the input goes to found/. --keep writes corpus.tar.xz anew."""

import sys
from pathlib import Path

from tests.boot.fuzz.boots import fuzzed_boots
from tests.fuzzer import TOP, Fuzzer, command

HERE = Path(__file__).resolve().parent
KERNEL = TOP / "boot/kernel"
FOLDERS = ("base", "memory", "object", "call")
REPLACED = {KERNEL / "memory/frames.c", KERNEL / "memory/pool.c"}  # by files of this folder, for AddressSanitizer
SOURCES = [
    *sorted(HERE.glob("*.c")),
    HERE.parent / "kernel/rules.c",
    *sorted({path for folder in FOLDERS for path in (KERNEL / folder).glob("*.c")} - REPLACED),
    *(KERNEL / f"process/{name}.c" for name in ("process", "leave", "collect")),
    *(KERNEL / f"x86_64/{name}.c" for name in ("paging", "trap")),
    *sorted((TOP / "libs/bootimage/src").glob("*.c")),
]
LIBRARIES = ("rtld", "bootimage", "imagetree", "digest", "hostlink")
INCLUDES = [
    HERE,
    HERE.parent / "kernel",
    KERNEL,
    KERNEL / "x86_64",
    TOP / "boot/include",
    *(TOP / f"libs/{name}/include" for name in LIBRARIES),
]
# What the kernel does before its first process is left out: the linker drops it.
FLAGS = [
    *("-std=gnu17", "-O2", "-ffunction-sections", "-Wl,--gc-sections", "-fuse-ld=lld"),
    *("-DWORK_OF_ENTRY=4", "-DMAPPINGS_FEW=3"),  # more steps, and trees of mappings
    *(f"-I{folder}" for folder in INCLUDES),
]
FUZZER = Fuzzer("fuzz-kernel", HERE, SOURCES, FLAGS, 4000, ["-len_control=0"])


def main() -> int:
    parser = command(__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    program = FUZZER.prepare(options)
    if program is None:
        return 0
    status = FUZZER.run(program, options.seconds // 2)
    boots = list(fuzzed_boots(options.build, options.seconds - options.seconds // 2, options.seed))
    wrong = [each for each in boots if each.wrong]
    print(f"boots with seeds {options.seed} to {options.seed + len(boots) - 1}: {len(wrong)} went wrong")
    for each in wrong:
        print(each)
    return 1 if wrong else status


if __name__ == "__main__":
    sys.exit(main())

"""Fuzz the linker core (fuzz.c): python -m tests.rtld.fuzz.run [SECONDS] [--keep]

Starts from the seeds (seeds.py), the corpus that is kept here and that of earlier runs. Once the defect behind a finding is
known, the input goes to found/. --keep writes corpus.tar.xz anew."""

import sys
from pathlib import Path

from tests.fuzzer import TOP, Fuzzer, command
from tests.rtld.fuzz.seeds import make_seeds

HERE = Path(__file__).resolve().parent
# The sanitizers' own string functions check what they are given.
CORE = sorted(path for path in (TOP / "libs/rtld/src").glob("*.c") if path.name != "bytes.c")
FUZZER = Fuzzer(
    "fuzz", HERE, [HERE / "fuzz.c", *CORE], ["-O2", f"-I{TOP / 'libs/rtld/include'}"], 40000, ["-use_value_profile=1"]
)


def main() -> int:
    options = command(__doc__).parse_args()
    program = FUZZER.prepare(options)
    if program is None:
        return 0
    make_seeds(FUZZER.corpus)
    return FUZZER.run(program, options.seconds)


if __name__ == "__main__":
    sys.exit(main())

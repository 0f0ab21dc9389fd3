"""run.py SECONDS: fuzz the linker core (fuzz.c) with libFuzzer, AddressSanitizer and UBSan, on all processors.

Starts from the seeds (seeds.py), the corpus that is kept here (corpus.tar.xz) and that of earlier runs in
build/fuzz/corpus. An input that makes it fail is left in build/fuzz as crash-..., timeout-... or leak-...; once the defect is
found, it goes to tests/rtld/fuzz/found/, where the tests replay it. `run.py --keep` writes corpus.tar.xz anew: as few inputs
as cover what all of them do."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
sys.path[:0] = [str(TOP / "toolchain"), str(TOP)]

from tests.rtld.fuzz.seeds import make_seeds

KEPT = HERE / "corpus.tar.xz"
LENGTH_MAX = 40000
SECONDS_PER_INPUT = 5


def build(folder: Path) -> Path:
    program = folder / "fuzz"
    # The sanitizers' own string functions check what they are given.
    core = sorted(path for path in (TOP / "libs/rtld/src").glob("*.c") if path.name != "bytes.c")
    sources = [HERE / "fuzz.c", *core]
    flags = ["-g", "-O2", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined"]
    command = ["clang", *flags, f"-I{TOP / 'libs/rtld/include'}", *sources, "-o", program]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stderr}\nthe fuzzer needs clang with its run-time libraries (Debian: clang, libclang-rt-dev)")
    return program


def extract(folder: Path) -> None:
    """Inputs that were kept, the found ones too, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if KEPT.exists():
        with tarfile.open(KEPT) as archive:
            archive.extractall(folder, filter="data")
    for found in sorted((HERE / "found").glob("*")):
        shutil.copy(found, folder)


def keep(program: Path, folder: Path) -> None:
    smallest = folder / "smallest"
    shutil.rmtree(smallest, ignore_errors=True)
    smallest.mkdir()
    subprocess.run(
        [program, "-merge=1", f"-max_len={LENGTH_MAX}", smallest, folder / "corpus"], check=True, capture_output=True
    )
    files = sorted(smallest.iterdir())
    with tarfile.open(KEPT, "w:xz") as archive:
        for number, path in enumerate(files):
            info = tarfile.TarInfo(f"{number:04}")
            info.size = path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(info, file)
    print(f"{KEPT.relative_to(TOP)}: {len(files)} inputs, {KEPT.stat().st_size:,} bytes")


def fuzz(program: Path, folder: Path, seconds: int) -> int:
    """Runs one process for each processor; the sum of their executions. Exits when one of them found something."""
    corpus = folder / "corpus"
    count = len(os.sched_getaffinity(0))
    command = [program, f"-max_total_time={seconds}", f"-max_len={LENGTH_MAX}", f"-timeout={SECONDS_PER_INPUT}"]
    command += ["-use_value_profile=1", "-print_final_stats=1", f"-artifact_prefix={folder}/", corpus]
    logs = [folder / f"log-{number}.txt" for number in range(count)]
    running = []
    for log in logs:
        with log.open("w") as output:
            running.append(subprocess.Popen([*map(str, command)], stdout=output, stderr=subprocess.STDOUT))
    failed = [log for process, log in zip(running, logs, strict=True) if process.wait() != 0]
    total = sum(
        int(number)
        for log in logs
        for number in re.findall(r"number_of_executed_units: (\d+)", log.read_text(errors="replace"))
    )
    print(f"{count} processes, {seconds} s, {total:,} executions, findings: {len(failed)}")
    for log in failed:
        print(log.read_text(errors="replace")[-6000:])
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=int, nargs="?", default=120)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    folder = TOP / "build/fuzz"
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    program = build(folder)
    if options.keep:
        keep(program, folder)
        return 0
    make_seeds(folder / "corpus")
    extract(folder / "corpus")
    return fuzz(program, folder, options.seconds)


if __name__ == "__main__":
    sys.exit(main())

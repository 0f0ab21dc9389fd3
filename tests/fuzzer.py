"""Coverage-guided fuzzing by libFuzzer with AddressSanitizer and UBSan, on all processors: what the fuzzers share.

A fuzzer's folder in tests/ holds its target, `corpus.tar.xz` (inputs that are kept: as few as cover what all of them
do) and `found/` (inputs that once failed, which the tests replay). Below build/ it has a folder for the corpus that
grows, and for what it finds: crash-..., timeout-... or leak-..."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
SANITIZERS = ("-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined")
SECONDS_PER_INPUT = 5


@dataclass(frozen=True)
class Fuzzer:
    name: str  # of its folder below build/
    here: Path
    sources: Sequence[Path]
    flags: Sequence[str]  # of the compiler
    length_max: int  # of an input, in bytes
    options: Sequence[str] = ()  # of libFuzzer

    @property
    def folder(self) -> Path:
        return TOP / "build" / self.name

    @property
    def corpus(self) -> Path:
        return self.folder / "corpus"

    def build(self) -> Path:
        self.corpus.mkdir(parents=True, exist_ok=True)
        program = self.folder / "fuzz"
        command = ["clang", *SANITIZERS, *self.flags, *self.sources, "-o", program]
        if shutil.which("clang") is None:
            sys.exit("the fuzzer needs clang with its run-time libraries (Debian: clang, libclang-rt-dev)")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(
                f"{done.stderr}\nthe fuzzer needs clang with its run-time libraries (Debian: clang, libclang-rt-dev)"
            )
        return program

    def extract(self, folder: Path) -> None:
        """Inputs that were kept, the found ones too, into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        kept = self.here / "corpus.tar.xz"
        if kept.exists():
            with tarfile.open(kept) as archive:
                archive.extractall(folder, filter="data")
        for found in sorted((self.here / "found").glob("*")):
            shutil.copy(found, folder)

    def keep(self, program: Path) -> None:
        """Write corpus.tar.xz anew, from the corpus that grew."""
        smallest = self.folder / "smallest"
        shutil.rmtree(smallest, ignore_errors=True)
        smallest.mkdir()
        words = [program, "-merge=1", f"-max_len={self.length_max}", smallest, self.corpus]
        subprocess.run(words, check=True, capture_output=True)
        files = sorted(smallest.iterdir())
        kept = self.here / "corpus.tar.xz"
        with tarfile.open(kept, "w:xz") as archive:
            for number, path in enumerate(files):
                info = tarfile.TarInfo(f"{number:04}")
                info.size = path.stat().st_size
                with path.open("rb") as file:
                    archive.addfile(info, file)
        print(f"{kept.relative_to(TOP)}: {len(files)} inputs, {kept.stat().st_size:,} bytes")

    def prepare(self, options: argparse.Namespace) -> Path | None:
        """The program, with inputs to begin with. None: the command asked for --keep alone, which is done."""
        program = self.build()
        if options.keep:
            self.keep(program)
            return None
        self.extract(self.corpus)
        return program

    def run(self, program: Path, seconds: int) -> int:
        """One process for each processor, until the time is over or each has found something. 1: one has."""
        count = len(os.sched_getaffinity(0))
        command = [
            program,
            f"-max_total_time={seconds}",
            f"-max_len={self.length_max}",
            f"-timeout={SECONDS_PER_INPUT}",
        ]
        command += [*self.options, "-print_final_stats=1", f"-artifact_prefix={self.folder}/", self.corpus]
        logs = [self.folder / f"log-{number}.txt" for number in range(count)]
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


def command(description: str | None) -> argparse.ArgumentParser:
    """What the commands of all fuzzers take."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=int, nargs="?", default=120)
    parser.add_argument("--keep", action="store_true")
    return parser

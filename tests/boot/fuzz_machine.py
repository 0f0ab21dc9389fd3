"""Kernels that are mutated, on the bundled machine: each boot must end with a verdict and its cause, in time.

`./scons fuzz-machine count=2000 seed=1` boots so many; tests/boot/test_fuzz_machine.py does a few. Each boots in a
child, so that a crash of the emulator is found, too; `--only N` does one case alone, in this process."""

import argparse
import json
import os
import random
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ambilink.boot import boot_and_verify
from ambilink.elf.file import ElfFile
from ambilink.elf.layout import PF_X
from ambilink.errors import AmbilinkError
from ambilink.machine.model import BootRequest, Verdict
from ambilink.report.boot import as_text

KERNELS = ("conformance", "test-stops", "test-multiboot", "boot.img")
WORDS = ("", "read", "spin", "ports", "tables", "call")  # of test-stops' command line
SECONDS = 1.0  # deadline of a boot
CPU_SECONDS = 20  # of the processor: more are a hang
GRACE = 120.0  # seconds on top for one that sleeps: the machine is shared
Mutation = Callable[[random.Random, bytearray, list[tuple[int, int]]], None]


def _place(chance: random.Random, code: list[tuple[int, int]], size: int) -> int:
    start, end = chance.choices(code, [end - start for start, end in code])[0]
    return chance.randrange(start, max(start + 1, end - size))


def flip_code(chance: random.Random, data: bytearray, code: list[tuple[int, int]]) -> None:
    for _ in range(chance.choice((1, 2, 8, 64))):
        data[_place(chance, code, 1)] ^= 1 << chance.randrange(8)


def flip_anything(chance: random.Random, data: bytearray, code: list[tuple[int, int]]) -> None:
    for _ in range(chance.choice((1, 16))):
        data[chance.randrange(64, len(data))] ^= 1 << chance.randrange(8)


def random_instructions(chance: random.Random, data: bytearray, code: list[tuple[int, int]]) -> None:
    for _ in range(chance.choice((1, 4, 32))):
        at = _place(chance, code, 16)
        data[at : at + 16] = chance.randbytes(16)


# What a kernel does wrong on purpose, put over its code. It runs in 32-bit and in 64-bit mode.
def _ports(chance: random.Random) -> bytes:
    out = bytearray()
    for _ in range(chance.randrange(1, 40)):
        port = chance.choice((chance.randrange(0x10000), chance.randrange(0x400), *range(0x20, 0x22), 0x40, 0x43, 0x70))
        out += b"\x66\xba" + port.to_bytes(2, "little")  # mov dx, port
        out += b"\xb8" + chance.randbytes(4) + chance.choice((b"\xee", b"\xef", b"\xec", b"\xed"))  # mov eax; out, in
    return bytes(out)


WRONGS: Sequence[Callable[[random.Random], bytes]] = (
    _ports,
    lambda _: b"\xfa\xeb\xfe",  # cli; jmp to itself
    lambda _: b"\xfa\xf4",  # cli; hlt
    lambda chance: b"\xb8" + chance.randbytes(4) + b"\xff\xe0",  # jump to anywhere
    lambda chance: b"\xb8" + chance.randbytes(4) + b"\x0f\x22" + chance.choice((b"\xc0", b"\xd8", b"\xe0")),  # CR0 ...
    lambda _: b"\x0f\x20\xdf\xb9\x00\x04\x00\x00\x31\xc0\xfc\xf3\xab\x0f\x20\xd8\x0f\x22\xd8",  # zero the page tables
    lambda chance: b"\xbf" + chance.randbytes(4) + b"\xb9" + chance.randbytes(4) + b"\xf3\xaa",  # fill memory
    lambda chance: b"\xb9" + chance.choice((b"\x80\0\0\xc0", b"\x1b\0\0\0", chance.randbytes(4))) + b"\x0f\x30",
    lambda chance: b"\xbc" + chance.randbytes(4) + b"\xcc",  # a stack anywhere; int3
    lambda chance: b"\xb8" + chance.randbytes(4) + b"\x0f\x01" + chance.choice((b"\x18", b"\x10")),  # lidt, lgdt
    lambda chance: b"\xcd" + chance.randbytes(1),  # int
)


def wrong_code(chance: random.Random, data: bytearray, code: list[tuple[int, int]]) -> None:
    for _ in range(chance.choice((1, 8, 64))):
        wrong = chance.choice(WRONGS)(chance)
        at = _place(chance, code, len(wrong))
        data[at : at + len(wrong)] = wrong


MUTATIONS: Sequence[Mutation] = (flip_code, flip_anything, random_instructions, wrong_code)


@dataclass(frozen=True)
class Result:
    number: int
    kernel: str
    mutation: str
    verdict: str  # or what went wrong: "traceback", "crash", "hang", "no cause"
    text: str
    seconds: float

    @property
    def is_wrong(self) -> bool:
        return self.verdict in ("traceback", "crash", "hang", "no cause")


def make(build: Path, folder: Path, seed: int, number: int) -> tuple[Path, str, str, str]:
    """The file of a case, its kernel, its mutation, and words for the command line."""
    chance = random.Random(f"{seed} {number}")
    kernel, mutation = chance.choice(KERNELS), chance.choice(MUTATIONS)
    data = bytearray((build / kernel).read_bytes())
    code = [
        (each.offset, each.offset + each.file_size)
        for each in ElfFile.open(build / kernel).loads
        if each.flags & PF_X and each.file_size
    ]
    mutation(chance, data, code)
    path = folder / f"case-{number}"
    path.write_bytes(data)
    return path, kernel, mutation.__name__, chance.choice(WORDS)


def boot_case(build: Path, path: Path, words: str) -> tuple[str, str]:
    """The verdict and why. What Python raises but AmbilinkError is raised."""
    try:
        result = boot_and_verify(
            "emulator", BootRequest(path, memory_megabytes=32, timeout=SECONDS, arguments=words), build
        )
    except AmbilinkError as error:
        return "refused", str(error)
    text = as_text(result)
    cause = result.outcome.detail or result.reasons or result.failures
    if result.outcome.verdict is not Verdict.PASS and not cause:
        return "no cause", text[-1]
    return result.outcome.verdict.value, text[-1]


def run_case(build: Path, seed: int, number: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="ambilink-fuzz-") as folder:
        path, kernel, mutation, words = make(build, Path(folder), seed, number)
        started = time.monotonic()
        verdict, text = _in_child(lambda: boot_case(build, path, words))
        return Result(number, kernel, mutation, verdict, text, time.monotonic() - started)


def _in_child(run: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        try:
            answer = run()
        except BaseException:
            answer = "traceback", traceback.format_exc()
        os.write(writer, json.dumps(answer).encode()[:60000])
        os._exit(0)
    os.close(writer)
    data, end = b"", time.monotonic() + SECONDS + GRACE
    while select.select([reader], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(reader, 65536)
        if not part:
            break
        data += part
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        return "hang", f"no end {GRACE:g} s after the deadline"
    os.close(reader)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return "hang", f"no end after {CPU_SECONDS} s of the processor"
    if os.WIFSIGNALED(status):
        return "crash", f"the emulator died of signal {os.WTERMSIG(status)}"
    verdict, text = json.loads(data)
    return verdict, text


def table(results: Sequence[Result]) -> list[str]:
    counts = Counter((each.mutation, each.verdict) for each in results)
    verdicts = sorted({each.verdict for each in results})
    lines = ["  ".join([f"{'':<20}", *(f"{verdict:>9}" for verdict in verdicts)])]
    for mutation in sorted({each.mutation for each in results}):
        lines.append("  ".join([f"{mutation:<20}", *(f"{counts[mutation, verdict]:>9,}" for verdict in verdicts)]))
    slowest = max(results, key=lambda each: each.seconds)
    lines.append(f"{len(results):,} boots; the slowest took {slowest.seconds:.1f} s (case {slowest.number})")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="number of a case, to look at")
    options = parser.parse_args()
    if options.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            path, kernel, mutation, words = make(options.build, Path(folder), options.seed, options.only)
            print(kernel, mutation, words, *boot_case(options.build, path, words), sep="\n")
        return 0
    results = []
    for number in range(options.first, options.first + options.count):
        results.append(run_case(options.build, options.seed, number))
        if results[-1].is_wrong:
            found = results[-1]
            print(f"case {number} ({found.kernel}, {found.mutation}): {found.verdict}: {found.text}", flush=True)
    print("\n".join(table(results)))
    return 1 if any(each.is_wrong for each in results) else 0


if __name__ == "__main__":
    sys.exit(main())

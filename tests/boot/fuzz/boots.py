"""Boots in which programs without a grant make random calls and send random messages to every service, while the kernel
(test-kernel-checked) balances its books at its switches of threads: programs/hostile_fuzz.c."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, Verdict
from ambilink.verify.kernel_file import with_kernel

from ..conftest import STRATEGIES, System, set_strategy
from ..hostile import hostile

KERNEL = "test-kernel-checked"
FUZZ = "hostile-fuzz"
CALLS = 3000  # of each program
ROUNDS = 3  # programs in a boot, one after the other
SECONDS = 120.0  # of a boot, which takes 1 or 2


@dataclass(frozen=True)
class FuzzedBoot:
    seed: int
    strategy: str
    wrong: str | None
    text: list[str]

    def __str__(self) -> str:
        return "\n    ".join([f"seed {self.seed}, {self.strategy}: {self.wrong}", *self.text])


def fuzzed_boot(build: Path, seed: int, machine: str = "emulator") -> FuzzedBoot:
    """Services are linked by one of the strategies, in turn."""
    strategy = STRATEGIES[seed % len(STRATEGIES)]
    with TemporaryDirectory() as folder:
        system = hostile(
            System(build, Path(folder), kernel=KERNEL),
            *[f"?{FUZZ}"] * ROUNDS,
            hostile_fuzz={"arguments": [str(seed), str(CALLS)]},
        )
        set_strategy(system, strategy)
        outcome = boot(machine, with_kernel(BootRequest(system.pack(), seed=seed, timeout=SECONDS)))
    return FuzzedBoot(seed, strategy, _wrong(outcome.verdict, outcome.text), outcome.text)


def _wrong(verdict: Verdict, text: list[str]) -> str | None:
    """What such a boot must not show; None: all is well."""
    for line in text:
        if line.startswith(("kernel: panic: ", "books: ")) and not line.startswith("books: balanced: "):
            return line
    if verdict is not Verdict.PASS:
        return verdict.value
    return None if text and text[-1].startswith("books: balanced: ") else "the books were not balanced"


def fuzzed_boots(build: Path, seconds: float, first_seed: int) -> Iterator[FuzzedBoot]:
    """One after the other on each processor, until the time is over."""
    until = time.monotonic() + seconds
    with ProcessPoolExecutor() as pool:
        running: set[Future[FuzzedBoot]] = set()
        seed = first_seed
        while running or time.monotonic() < until:
            while len(running) < len(os.sched_getaffinity(0)) and time.monotonic() < until:
                running.add(pool.submit(fuzzed_boot, build, seed))
                seed += 1
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)

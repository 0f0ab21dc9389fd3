"""Boots in which one allocation of the kernel fails: which allocations there are, and what such a boot must show.

The kernel is test-kernel-books, which checks its books when the machine ends. tests/boot/test_out_of_memory.py lets one
allocation of each call site fail; this file as a program (`./scons fail-boot`) lets all fail, for each strategy."""

import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ambilink.bootimage.container import read, seal
from ambilink.elf.file import ElfFile
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, Outcome, Verdict
from ambilink.verify.kernel_file import with_kernel
from ambilink.verify.kernel_place import distance_of, following
from ambilink.verify.kernel_state import ThreadState, read_kernel_state

from .conftest import STRATEGIES, System, set_strategy, whole
from .test_linux import build_hello, can_build, linux_system

KERNEL = "test-kernel-books"
FAILING = "failing_allocation"  # a variable of boot/kernel/base/failure.c
ALLOCATORS = ("frame_alloc", "frames_alloc", "pool_alloc")  # each asks once, at its start, whether it is to fail
SECONDS = {"emulator": 30.0, "qemu": 10.0}  # a boot takes less than 1; the emulator skips what the guest waits
CALLERS = 3  # that make two allocations the same site
STRATEGIES = [*STRATEGIES, *(["linux"] if can_build() else [])]

FAILED = "kernel: an allocation fails, as the boot image asks"
NO_MEMORY = re.compile(r"no memory|no room|status -4$")
# Services and programs have their own words, or end.
NOTICED = re.compile(rf"{NO_MEMORY.pattern}|cannot be|exited, status [1-9]|kernel: fault in ")
# The C library ends a program that gets no thread-local data by a privileged instruction; musl's interpreter in a Linux
# program does not check what its malloc gives.
ABORTED = re.compile(r"kernel: fault in (\S+ \(process \d+\): general protection$|hello )")
BALANCED = re.compile(r"books: balanced: \d+ objects, \d+ frames, (\d+) areas")

Site = tuple[int, ...]  # return addresses, innermost first


def pack(build: Path, folder: Path, strategy: str) -> Path:
    system = System(build, folder, kernel=KERNEL)
    if strategy == "linux":
        return linux_system(system, build_hello(folder)).pack()
    return set_strategy(whole(system), strategy).pack()


@dataclass(frozen=True)
class FailingImage:
    """A boot image whose kernel lets an allocation fail."""

    path: Path
    offset: int  # of the variable, in the file
    areas: int  # ranges of kernel addresses that are in use at the end of a boot without a failure

    @classmethod
    def of(cls, path: Path) -> "FailingImage":
        elf = ElfFile.open(path)
        offset = elf.place_of(elf.addresses()[FAILING], 8, FAILING)
        balance = BALANCED.fullmatch(cls(path, offset, 0).boot(0).text[-1])
        assert balance, "the books of a boot without a failure are wrong"
        return cls(path, offset, int(balance[1]))

    def boot(self, number: int, machine: str = "emulator") -> Outcome:
        """0: no allocation fails."""
        image = read(self.path)
        data = bytearray(image.data)
        data[self.offset : self.offset + 8] = number.to_bytes(8, "little")
        sealed = seal(self.path, bytes(data), image.archive_offset, len(image.archive.data))
        with TemporaryDirectory() as folder:
            path = Path(folder) / "boot.img"
            path.write_bytes(sealed)
            return boot(machine, with_kernel(BootRequest(path, seed=1, timeout=SECONDS[machine])))

    def wrong(self, outcome: Outcome) -> str | None:
        """What a boot in which an allocation failed must not show; None: all is well."""
        text = outcome.text
        if not any(FAILED in line for line in text):
            return f"no allocation failed ({outcome.verdict.value}, {outcome.detail})"
        if any(line.startswith("kernel: panic: ") and " in the kernel, error" in line for line in text):
            return "the kernel crashed"
        for line in text:
            if line.startswith("kernel: fault in ") and not ABORTED.match(line):
                return line
        failed = next(i for i, line in enumerate(text) if FAILED in line)
        if outcome.verdict is not Verdict.PASS and not any(NOTICED.search(line) for line in text[failed + 1 :]):
            return "no message names the cause"
        if outcome.verdict is Verdict.TIMEOUT:
            return None if self._services_wait(outcome) else "the machine hangs"
        if outcome.verdict not in (Verdict.PASS, Verdict.FAIL):
            return f"{outcome.verdict.value}: {outcome.detail}"
        if any(line.startswith("kernel: panic: ") for line in text):
            if any(line.startswith("loader: ") for line in text):
                return "the kernel gave up although services ran"
            return None if any(NO_MEMORY.search(line) for line in text) else "the panic does not name its cause"
        balance = BALANCED.fullmatch(text[-1])
        if not balance:
            return next((line for line in text if line.startswith("books: ")), "the books were not checked")
        return "kernel addresses are lost" if int(balance[1]) > self.areas else None

    def _services_wait(self, outcome: Outcome) -> bool:
        """The kernel is well, and each thread waits for another: e.g. for a name that a service did not register."""
        state = outcome.memory and read_kernel_state(read(self.path), outcome.memory)
        waiting = (ThreadState.CALLING, ThreadState.AWAITING_REPLY, ThreadState.RECEIVING, ThreadState.DEAD)
        return bool(state) and all(thread.state in waiting for each in state.processes for thread in each.threads)


def sites(image: Path) -> list[Site]:
    """Where each allocation of a boot is asked for; the first is number 1."""
    from unicorn.x86_const import UC_X86_REG_RBP, UC_X86_REG_RSP

    from ambilink.machine.emulator.board import Board

    found: list[Site] = []
    kernel = read(image)

    def stop(moment: object) -> None:
        engine = board.cpu.engine

        def word(address: int) -> int:
            """On the kernel's stack, before it moved and after."""
            physical = kernel.physical(address) or kernel.physical(address - distance_of(kernel, board.memory))
            return board.memory.word(physical) if physical else 0

        callers, frame = [word(engine.reg_read(UC_X86_REG_RSP))], engine.reg_read(UC_X86_REG_RBP)
        while len(callers) < CALLERS and frame:
            callers.append(word(frame + 8))
            frame = word(frame)
        found.append(tuple(callers))

    stops = {kernel.symbols[name]: stop for name in ALLOCATORS}
    request = with_kernel(BootRequest(image, seed=1, timeout=SECONDS["emulator"]))
    board = Board(request, stops={**stops, **following(kernel, stops)})  # the kernel's tables are made before it moves
    outcome = board.run()
    assert outcome.verdict is Verdict.PASS, outcome.text
    return found


@dataclass(frozen=True)
class Judged:
    number: int
    wrong: str | None
    waits: bool  # the boot did not end, because services wait for each other
    text: list[str]


def _judge(image: FailingImage, machine: str, number: int) -> Judged:
    outcome = image.boot(number, machine)
    return Judged(number, image.wrong(outcome), outcome.verdict is Verdict.TIMEOUT, outcome.text)


def judge(image: FailingImage, numbers: Iterable[int], machine: str = "emulator") -> Iterator[Judged]:
    with ProcessPoolExecutor() as pool:
        yield from pool.map(partial(_judge, image, machine), list(numbers), chunksize=2)


def main(build: Path) -> int:
    """Each allocation of each strategy."""
    failures = 0
    for strategy in STRATEGIES:
        with TemporaryDirectory() as folder:
            path = pack(build, Path(folder), strategy)
            count, waits = len(sites(path)), 0
            for judged in judge(FailingImage.of(path), range(1, count + 1)):
                waits += judged.waits
                if judged.wrong:
                    failures += 1
                    print(f"{strategy}: allocation {judged.number}: {judged.wrong}", *judged.text, sep="\n    ")
            print(f"{strategy}: each of {count} allocations failed once; in {waits} boots services waited", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""run.py BUILD [--seconds N] [--count N] [--first SEED]: give damaged ELF files to everything that reads them.

Each case is one seed: a command, a sound file, and a recipe that damages it. Cases run in this program's own children,
so that a crash, a hang (two seconds of processor time, machines more) and memory beyond 1 GiB are seen; one in 400
runs as the command itself. Findings are printed as command, file and recipe, as found.toml keeps them. Exit status: 1
if there are any."""

import argparse
import contextlib
import json
import mmap
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import FrameType

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "toolchain"), str(TOP)]

from ambilink.core import CoreUnavailable, load_linker
from tests.elf.commands import COMMANDS, Case, attempt, make_case

CLOCK = 10  # seconds by the clock for one of processor time: others run here too
MEMORY = 1 << 30
SAMPLED = 400
NAMES = list(COMMANDS)
OUTCOMES = ("passed", "refused", "findings")
WORKER = struct.Struct(f"<q{len(NAMES) * len(OUTCOMES)}q")


class Hang(BaseException):
    """Not an Exception: nothing may catch it on its way."""


def _ring(number: int, frame: FrameType | None) -> None:
    raise Hang("hangs: " + ("processor time" if number == signal.SIGPROF else "by the clock"))


def _limits(name: str) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = resource.RLIM_INFINITY if COMMANDS[name].reserves else used + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def examine(name: str, case: Case) -> tuple[int, str]:
    """(which of OUTCOMES, what is wrong)."""
    if COMMANDS[name].reserves:
        return _examine_in_child(name, case)
    return _examine_here(name, case)


def _examine_in_child(name: str, case: Case) -> tuple[int, str]:
    """So that what a machine or the core leaves in memory is not the next case's."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with open(writing, "w") as stream:
                json.dump(_examine_here(name, case), stream)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading) as stream:
        # A signal does not end C code.
        in_time, _, _ = select.select([stream], [], [], 2 * CLOCK * COMMANDS[name].seconds)
        if not in_time:
            os.kill(child, signal.SIGKILL)
        answer = stream.read()
    _, status, usage = os.wait4(child, 0)
    if not in_time:
        return 2, "hangs: by the clock, and not in Python"
    if status:
        return 2, f"the process died: {os.waitstatus_to_exitcode(status)}"
    if usage.ru_maxrss > MEMORY // 1024:
        return 2, f"takes {usage.ru_maxrss:,} KiB of memory"
    outcome, problem = json.loads(answer)
    return outcome, problem


def _examine_here(name: str, case: Case) -> tuple[int, str]:
    problem = ""
    status = 1
    _limits(name)
    signal.setitimer(signal.ITIMER_PROF, COMMANDS[name].seconds)
    signal.setitimer(signal.ITIMER_REAL, CLOCK * COMMANDS[name].seconds)
    try:
        status = attempt(name, case)
    except (Exception, Hang):
        problem = traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return (2, problem) if problem else (1 if status else 0, "")


def examine_alone(name: str, case: Case) -> tuple[int, str]:
    """The command as users start it."""
    words: list[str] = []
    case.run = lambda *given: words.extend(map(str, given)) or 0  # type: ignore[method-assign]
    try:
        COMMANDS[name].function(case)
        command = [sys.executable, "-m", "ambilink", *words]
        environment = {**os.environ, "PYTHONPATH": str(TOP / "toolchain")}
        done = subprocess.run(command, capture_output=True, timeout=30, env=environment)
    except subprocess.TimeoutExpired:
        return 2, f"{words} hangs"
    except Exception:
        return examine(name, case)
    text = done.stderr.decode("utf-8", "replace")
    if b"Traceback" in done.stderr or done.returncode not in (0, 1, 2, 77, 99):
        return 2, f"{words}: exit status {done.returncode}\n{text}"
    return (1 if done.returncode else 0), ""


def sampled(name: str, seed: int) -> bool:
    return seed % SAMPLED == 0 and name in (
        "link",
        "link, a library",
        "abi show",
        "abi diff",
        "abi stub",
        "image verify",
    )


def work(build: Path, folder: Path, seeds: range, until: float, shared: memoryview, findings: Path) -> None:
    """`shared`: the seed in hand, then counts by command and outcome."""
    signal.signal(signal.SIGPROF, _ring)
    signal.signal(signal.SIGALRM, _ring)
    for seed in seeds:
        if time.monotonic() > until:
            break
        shared[0] = seed
        made = make_case(build, folder, seed)
        if made is None:
            continue
        name, case = made
        outcome, problem = (examine_alone if sampled(name, seed) else examine)(name, case)
        shared[1 + NAMES.index(name) * len(OUTCOMES) + outcome] += 1
        if problem:
            write_finding(build, findings, seed, problem)
    shared[0] = -1


def write_finding(build: Path, findings: Path, seed: int, problem: str) -> None:
    made = make_case(build, findings.parent, seed)
    assert made is not None
    name, case = made
    base = str(case.base.relative_to(build)) if case.base.is_relative_to(build) else str(case.base)
    with findings.open("a") as stream:
        stream.write(
            json.dumps({"command": name, "base": base, "recipe": str(case.recipe), "seed": seed, "problem": problem})
            + "\n"
        )


def campaign(build: Path, first: int, count: int, seconds: float, findings: Path) -> dict[str, list[int]]:
    """Cases from `first` on, until so many were run or time is up; outcomes by command."""
    workers = len(os.sched_getaffinity(0))
    with contextlib.suppress(CoreUnavailable):
        load_linker()  # once, not in each child
    until = time.monotonic() + seconds
    findings.parent.mkdir(parents=True, exist_ok=True)
    findings.write_text("")
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="ambilink-fuzz-", dir=memory if memory.is_dir() else None) as name:
        area = mmap.mmap(-1, WORKER.size * workers)
        views = [memoryview(area)[WORKER.size * n : WORKER.size * (n + 1)].cast("q") for n in range(workers)]
        children: dict[int, int] = {}

        def start(worker: int, seed: int) -> None:
            child = os.fork()
            if child == 0:
                folder = Path(name, str(worker))
                folder.mkdir(exist_ok=True)
                os.chdir(folder)
                status = 1
                try:
                    work(build, folder, range(seed, first + count, workers), until, views[worker], findings)
                    status = 0
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(status)
            children[child] = worker

        for worker in range(workers):
            start(worker, first + worker)
        while children:
            child, status = os.wait()
            worker = children.pop(child)
            seed = views[worker][0]
            if status and seed >= 0:
                made = make_case(build, Path(name), seed)
                assert made is not None
                views[worker][1 + NAMES.index(made[0]) * len(OUTCOMES) + 2] += 1
                write_finding(build, findings, seed, f"the process died: {os.waitstatus_to_exitcode(status)}")
                start(worker, seed + workers)
        totals = [sum(view[1 + n] for view in views) for n in range(len(NAMES) * len(OUTCOMES))]
        for view in views:
            view.release()
    return {name: totals[len(OUTCOMES) * n : len(OUTCOMES) * (n + 1)] for n, name in enumerate(NAMES)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--findings", type=Path)
    options = parser.parse_args()
    build = options.build.resolve()
    findings = options.findings or build.parent / "fuzz/elf/findings.jsonl"
    started = time.monotonic()
    seconds = options.seconds or (1e9 if options.count else 120)
    counts = campaign(build, options.first, options.count or 1 << 40, seconds, findings)
    width = max(map(len, NAMES))
    print(f"{'':{width}}  " + "  ".join(f"{word:>9}" for word in ("cases", *OUTCOMES)))
    for name, row in [*counts.items(), ("all", [sum(column) for column in zip(*counts.values(), strict=True)])]:
        print(f"{name:{width}}  " + "  ".join(f"{number:>9,}" for number in (sum(row), *row)))
    print(f"{time.monotonic() - started:.0f} s")
    kinds: dict[str, dict[str, str]] = {}
    for line in findings.read_text().splitlines():
        found = json.loads(line)
        kinds.setdefault(" ".join(found["problem"].splitlines()[-3:])[-300:], found)
    for found in kinds.values():
        print(f"\n{found['command']}: {found['base']}: {found['recipe']} (seed {found['seed']})")
        print(found["problem"][-1500:])
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())

"""How fast the machines are: the same guest on each of them in turn, and the whole command `ambilink boot`.

machines.py BUILD prints a table and writes BUILD/../bench/machines.json. All is processor time, the best of a few runs,
so that what else the computer does hardly matters.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import toml

from ambilink.bootimage.pack import pack
from ambilink.files import write_atomically
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, ConsoleLine, NoMachine, Verdict
from ambilink.verify.kernel_file import with_kernel

SERVICES = [
    {"name": "names", "grants": ["log"]},
    {"name": "console", "grants": ["log"], "stack": 131072},
    {"name": "bench", "program": "test-bench", "role": "program"},
]
MACHINES = {"ours": "emulator", "qemu-tcg": "qemu"}
BOOTS = 3
COMMANDS = 7
COMMAND = "ambilink boot, whole process"
RATES = {"system-calls": 300_000, "thread-switches": 113_000}  # at least so many a second
TIMES = {"interpreter": 2, "tree": 2, "sort": 2, "compression": 2, "numbers": 2, COMMAND: 1}  # of QEMU's time at most
TICKS = os.sysconf("SC_CLK_TCK")

Seconds = dict[str, float]


def children_time() -> float:
    """What running children of this process have used."""
    ticks = 0
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def boot_once(machine: str, image: Path, counts: dict[str, int]) -> Seconds:
    """Of each loop of the guest, which says how often it does what it does."""
    clock: Callable[[], float] = time.process_time if machine == "emulator" else children_time
    seconds: Seconds = {}
    name, started = "", 0.0

    def see(line: ConsoleLine) -> None:
        nonlocal name, started
        words = line.text.split()
        if words[:2] == ["bench:", "begin"]:
            name, counts[words[2]], started = words[2], int(words[3]), clock()
        elif words == ["bench:", "end"]:
            seconds[name] = clock() - started

    outcome = boot(machine, with_kernel(BootRequest(image, timeout=120, seed=1)), see)
    assert outcome.verdict is Verdict.PASS, outcome.detail
    return seconds


def command_once(machine: str, image: Path) -> Seconds:
    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = used()
    command = [sys.executable, "-m", "ambilink", "boot", "--machine", machine, image]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {COMMAND: used() - before}


def repeat(times: int, once: Callable[[str], Seconds]) -> dict[str, Seconds]:
    """The best of each machine; they take turns."""
    found: dict[str, list[Seconds]] = {}
    for _ in range(times):
        for who, machine in MACHINES.items():
            try:
                found.setdefault(who, []).append(once(machine))
            except NoMachine as error:
                print(f"without QEMU: {error}")
    return {who: {name: min(run[name] for run in runs) for name in runs[0]} for who, runs in found.items() if runs}


def row(what: str, seconds: dict[str, float], counts: dict[str, int]) -> dict[str, Any]:
    """`seconds` by machine."""
    if what in TIMES:
        ours, *peers = (round(each, 3) for each in seconds.values())
        goal = round(TIMES[what] * peers[0], 3) if peers else None
        met, unit = ours <= goal if goal else None, "s"
    else:
        ours, *peers = (round(counts[what] / max(each, 1 / TICKS)) for each in seconds.values())
        goal, unit = RATES.get(what), "1/s"
        met = ours >= goal if goal else None
    named = dict(zip(list(seconds)[1:], peers, strict=True))
    return {"what": what, "unit": unit, "ours": ours, "peers": named, "goal": goal, "met": met}


def show(rows: list[dict[str, Any]], peers: list[str]) -> None:
    lines = [["in processor time", "unit", "emulator", "goal", *peers]]
    for each in rows:
        values = [each["ours"], each["goal"], *each["peers"].values()]
        lines.append([each["what"], each["unit"], *("" if value is None else f"{value:,}" for value in values)])
    for first, *others in lines:
        print(f"{first:30}" + "".join(f"{word:>15}" for word in others))


def main() -> None:
    build, counts = Path(sys.argv[1]), dict[str, int]()
    with tempfile.TemporaryDirectory() as folder:
        manifest, image = Path(folder) / "bench.toml", Path(folder) / "bench.img"
        manifest.write_text(toml.dumps({"image": {"modules": ["serial", "rtc"]}, "service": SERVICES}))
        pack(manifest, build, image)
        measured = repeat(BOOTS, lambda machine: boot_once(machine, image, counts))
    for who, seconds in repeat(COMMANDS, lambda machine: command_once(machine, build / "boot.img")).items():
        measured[who] |= seconds
    rows = [row(name, {who: each[name] for who, each in measured.items()}, counts) for name in measured["ours"]]
    show(rows, [who for who in measured if who != "ours"])
    write_atomically(build.parent / "bench/machines.json", (json.dumps(rows, indent=1) + "\n").encode())


main()

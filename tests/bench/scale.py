"""A build of 200 libraries and 100 services, and what is done again in it, beside Meson with ninja."""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from scale_tree import ScaleTree

from ambilink.compile.toolset import Toolset, load_toolset

TOP = Path(__file__).resolve().parents[2]

JOBS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
GOAL_FULL, GOAL_NULL_NINJA, GOAL_NULL, GOAL_BODY, GOAL_MEMORY = 1.0, 2.0, 0.15, 1.2, 2.0
ROUNDS = 5
Row = tuple[str, str, float, dict[str, float], float | None]


@dataclass
class Cost:
    seconds: float  # by the clock
    processor: float  # seconds of all processes
    memory: int  # bytes of the largest process


def measure(words: list[str], folder: Path, **variables: str) -> Cost:
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            words, cwd=folder, env={**os.environ, **variables}, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if process.returncode:
            output.seek(0)
            sys.exit(f"{shlex.join(words)}: failed\n{output.read()[-3000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


class Ours:
    name = "ambilink"

    def __init__(self, tree: ScaleTree, folder: Path, toolset: Toolset) -> None:
        self.folder = folder
        tree.write_sources(folder)
        tree.write_scons(folder, toolset, TOP / "site_scons/site_tools")

    def full(self) -> Cost:
        return self.build()

    def build(self) -> Cost:
        return measure([sys.executable, "-m", "ambilink", "build", "-Q", f"-j{JOBS}"], self.folder)

    def by_scons(self) -> Cost:
        return measure([sys.executable, "-m", "SCons", "-Q", f"-j{JOBS}"], self.folder)


class Meson:
    name = "Meson + ninja"

    def __init__(self, tree: ScaleTree, folder: Path, toolset: Toolset, environment: Path) -> None:
        self.folder, self.environment = folder, environment
        tree.write_sources(folder)
        flags = [word for word in toolset.compile_flags if "-prefix-map=" not in word]
        tree.write_meson(folder, [*flags, *toolset.target.user_flags])
        self.path = meson_tools(folder, toolset, environment)

    def full(self) -> Cost:
        words = [str(self.environment / "bin/meson"), "setup", "--cross-file", "cross.ini", "build"]
        setup, build = measure(words, self.folder, PATH=self.path), self.build()
        memory = max(setup.memory, build.memory)
        return Cost(setup.seconds + build.seconds, setup.processor + build.processor, memory)

    def build(self) -> Cost:
        return measure([str(self.environment / "bin/ninja"), "-C", "build", f"-j{JOBS}"], self.folder, PATH=self.path)


def meson_tools(folder: Path, toolset: Toolset, environment: Path) -> str:
    """The files by which Meson uses our compiler; the PATH for it."""
    tools = folder / "tools"
    tools.mkdir()
    linker = tools / "ld.lld"  # where the compiler's driver looks for it
    linker.write_text(f'#!/bin/sh\nexec {shlex.join(toolset.ld)} "$@"\n')
    linker.chmod(0o755)
    headers = f"{toolset.package}/lib/include"
    (folder / "cross.ini").write_text(
        f"[binaries]\nc = {[*toolset.cc]!r}\nc_ld = 'lld'\nar = {[*toolset.ar]!r}\n"
        f"[built-in options]\nc_args = {[f'--target={toolset.target.triple}', '-isystem', headers]!r}\n"
        # For a target without a system the driver would start the machine's gcc to link.
        "c_link_args = ['--target=x86_64-linux-gnu', '-nostdlib']\n"
        "[host_machine]\nsystem = 'none'\ncpu_family = 'x86_64'\ncpu = 'x86_64'\nendian = 'little'\n"
    )
    return f"{tools}:{environment / 'bin'}:{os.environ['PATH']}"


def change_body(folder: Path, tree: ScaleTree, number: int) -> None:
    path = folder / tree.changed
    text = path.read_text().split("\n/* bench */")[0]
    path.write_text(f"{text}\n/* bench */ int ambilink_bench(void) {{ return {number}; }}\n")


def best(costs: list[Cost]) -> Cost:
    return Cost(*(min(getattr(cost, name) for cost in costs) for name in ("seconds", "processor", "memory")))


def measure_scale(toolset: Toolset, peers: Path, folder: Path, tree: ScaleTree) -> dict[str, dict[str, Cost]]:
    """By what is done and by system."""
    ours = Ours(tree, folder / "ours", toolset)
    systems: list[Ours | Meson] = [ours, Meson(tree, folder / "meson", toolset, peers)]
    found: dict[str, dict[str, Cost]] = {"full": {}, "null": {}, "body": {}}
    for system in systems:
        found["full"][system.name] = system.full()
    for number in range(2):  # what was built for the first time leaves no record of times that are all past
        for system in systems:
            change_body(system.folder, tree, number)
            system.build()
            system.build()
    found["scons"] = {Ours.name: best([ours.by_scons() for _ in range(ROUNDS)])}
    for what in ("null", "body"):
        costs: dict[str, list[Cost]] = {system.name: [] for system in systems}
        for number in range(ROUNDS):
            for system in systems:
                if what == "body":
                    change_body(system.folder, tree, 10 + number)
                costs[system.name].append(system.build())
        found[what] = {name: best(taken) for name, taken in costs.items()}
    return found


def scale_rows(found: dict[str, dict[str, Cost]], of: str) -> list[Row]:
    """For the table: what, unit, ours, others, goal."""
    rows = []

    def add(what: str, unit: str, ours: float, peers: dict[str, float], goal: float | None) -> None:
        rows.append((f"{of}: {what}", unit, ours, peers, goal))

    names = {"full": "first build", "null": "nothing to do", "body": "a changed body"}
    goals = {"full": None, "null": GOAL_NULL, "body": GOAL_BODY}
    for what, name in names.items():
        ours, peer = found[what][Ours.name], found[what][Meson.name]
        add(name, "s", ours.seconds, {Meson.name: peer.seconds}, goals[what])
        add(f"{name}, processor", "s", ours.processor, {Meson.name: peer.processor}, None)
    add("nothing to do, by scons itself", "s", found["scons"][Ours.name].seconds, {}, None)
    full, null = found["full"], found["null"]
    add("first build, of Meson's time", "ratio", full[Ours.name].seconds / full[Meson.name].seconds, {}, GOAL_FULL)
    ratio = full[Ours.name].processor / full[Meson.name].processor
    add("first build, of its processor time", "ratio", ratio, {}, None)
    ratio = null[Ours.name].seconds / null[Meson.name].seconds
    add("nothing to do, of ninja's time", "ratio", ratio, {}, GOAL_NULL_NINJA)
    memory = {name: max(found[what][name].memory for what in names) / 1e6 for name in (Ours.name, Meson.name)}
    add("largest process", "MB", memory[Ours.name], {Meson.name: memory[Meson.name]}, None)
    add("largest process, of Meson's", "ratio", memory[Ours.name] / memory[Meson.name], {}, GOAL_MEMORY)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("peers", type=Path)
    parser.add_argument("--libraries", type=int, default=200)
    parser.add_argument("--services", type=int, default=100)
    parser.add_argument("--files", type=int, default=20)
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    tree = ScaleTree.random(options.libraries, options.services, options.files)
    found = measure_scale(load_toolset("hermetic", "x86_64"), options.peers.resolve(), options.folder.resolve(), tree)
    for row in scale_rows(found, f"{options.libraries} libraries"):
        print(row)


if __name__ == "__main__":
    main()

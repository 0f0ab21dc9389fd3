"""What binding a symbol costs: this project's linker core, glibc's dynamic linker, musl's.

rtld.py BUILD [--libraries 1,10,100,500] [--symbols 1000] prints a table and writes BUILD/../bench/rtld.json.

Programs are generated: N libraries, each exporting M symbols and importing M others (R_X86_64_64) of a library
chosen at random, so that the search order is met at every depth. The same files run under each linker. The
instructions are callgrind's for the whole process; the same program with M = 1 is subtracted, so that mapping and
start-up are not counted. Relative relocations are measured in one process over memory that is in use already
(tests/bench/relative.c), beside a copy of as many bytes."""

import argparse
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ambilink.compile.toolset import Toolset, load_toolset
from ambilink.files import write_atomically

GLIBC = Path("/lib64/ld-linux-x86-64.so.2")
MUSL = Path("/lib/ld-musl-x86_64.so.1")
START = ".globl _start\n_start: mov $231, %eax\nxor %edi, %edi\nsyscall\n"
ROUNDS = 7
GOAL_ONE, GOAL_MANY, GOAL_GROWTH, GOAL_RELATIVE = 0.5, 0.125, 1.2, 1.5


@dataclass(frozen=True)
class Shape:
    """What the libraries' symbols look like."""

    name: str
    versioned: bool

    def symbol(self, library: int, number: int) -> str:
        if self.name.startswith("C++"):
            module, method = f"module{library}", f"transform{number}"
            scope = f"_ZN5scene5graph8pipeline{len(module)}{module}7Surface{len(method)}{method}E"
            return scope + "RKNS_6MatrixIfLm4ELm4EEESt6vectorIiSaIiEE"
        return f"module{library:03}_attribute_of_{number:05}"


SHAPES = [Shape("C", False), Shape("C, versions", True), Shape("C++", False), Shape("C++, versions", True)]


class Generator:
    def __init__(self, toolset: Toolset, folder: Path) -> None:
        self.toolset, self.folder = toolset, folder

    def _run(self, *words: object) -> None:
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, words))}\n{done.stderr[:2000]}")

    def _assemble(self, name: str, text: str) -> Path:
        source, output = self.folder / f"{name}.S", self.folder / f"{name}.o"
        source.write_text(text)
        self._run(*self.toolset.cc, "-target", "x86_64-linux-gnu", "-c", source, "-o", output)
        return output

    def _link(self, output: Path, *words: object) -> None:
        self._run(*self.toolset.ld, "--hash-style=both", "-z", "now", "--allow-shlib-undefined", "-o", output, *words)

    def make(self, libraries: int, symbols: int, shape: Shape) -> Path:
        """A folder with `program` and its libraries."""
        self.folder.mkdir(parents=True)
        order = list(range(libraries))
        chance = random.Random(7)
        chance.shuffle(order)
        script = self.folder / "versions.map"
        script.write_text("VERSION_1.0 { global: *; };\n")
        versions = [f"--version-script={script}"] if shape.versioned else []

        def build_object(library: int) -> Path:
            lines = [".data", ".balign 8"]
            for number in range(symbols):
                name = shape.symbol(library, number)
                lines.append(f".globl {name}\n.type {name}, @object\n.size {name}, 8\n{name}: .quad {number}")
            numbers = list(range(symbols))
            random.Random(library).shuffle(numbers)
            lines += [f".quad {shape.symbol(order[library], number)}" for number in numbers]
            return self._assemble(f"lib{library}", "\n".join(lines) + '\n.section .note.GNU-stack,"",@progbits\n')

        def link(library: int, *needs: object) -> Path:
            name = f"libbench{library}.so"
            inputs = [*versions, self.folder / f"lib{library}.o", *needs]
            self._link(self.folder / name, "-shared", "-soname", name, *inputs)
            return self.folder / name

        with ThreadPoolExecutor() as pool:
            list(pool.map(build_object, range(libraries)))
            files = list(pool.map(link, range(libraries)))
            # Again, against each other, so that references have versions and DT_NEEDED.
            if shape.versioned:
                stubs = self.folder / "stubs"
                stubs.mkdir()
                for file in files:
                    shutil.copy(file, stubs)
                needed = [stubs / f"libbench{other}.so" for other in order]
                list(pool.map(link, range(libraries), needed))
        main = self._assemble("main", START + '.section .note.GNU-stack,"",@progbits\n')
        program = self.folder / "program"
        self._link(program, "-pie", "--no-as-needed", "--dynamic-linker", GLIBC, main, *files)
        return program


def instructions(linker: Path, program: Path) -> int:
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", str(linker), str(program)],
            env={"LD_LIBRARY_PATH": str(program.parent), "LD_BIND_NOW": "1", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(f"{linker} {program}: {done.stderr.strip()[-500:]}")
    match = re.search(r"Collected : (\d+)", done.stderr)
    assert match, done.stderr
    return int(match[1])


def seconds(linker: Path, program: Path) -> float:
    environment = {"LD_LIBRARY_PATH": str(program.parent), "LD_BIND_NOW": "1"}
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([linker, program], env=environment, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(toolset: Toolset, linkers: dict[str, Path], counts: list[int], symbols: int) -> Iterator[dict[str, object]]:
    first: dict[str, float] = {}
    for shape in SHAPES:
        for count in counts:
            if count > 100 and shape is not SHAPES[0]:
                continue
            with tempfile.TemporaryDirectory() as folder:
                big = Generator(toolset, Path(folder) / "big").make(count, symbols, shape)
                small = Generator(toolset, Path(folder) / "small").make(count, 1, shape)
                total = count * symbols
                cost, took = {}, {}
                for name, linker in linkers.items():
                    cost[name] = (instructions(linker, big) - instructions(linker, small)) / total
                    took[name] = (seconds(linker, big) - seconds(linker, small)) / total * 1e9
            ours, glibc, musl = cost.pop("ours"), cost["glibc"], cost.get("musl")
            goal = glibc * (GOAL_MANY if count >= 100 else GOAL_ONE)
            if musl is not None:
                goal = min(goal, musl)
            if count == counts[0]:
                first[shape.name] = ours
            else:
                goal = min(goal, first[shape.name] * GOAL_GROWTH)
            what = f"bind, {shape.name}, {count} libraries"
            yield row(what, "instructions", ours, cost, goal)
            own_time = took.pop("ours")
            yield row(what, "ns", own_time, took, None)


def row(what: str, unit: str, ours: float, peers: dict[str, float], goal: float | None) -> dict[str, object]:
    return {
        "what": what,
        "unit": unit,
        "ours": round(ours, 2),
        "peers": {name: round(value, 2) for name, value in peers.items()},
        "goal": None if goal is None else round(goal, 2),
        "met": None if goal is None else ours <= goal,
    }


def relative(toolset: Toolset, top: Path) -> Iterator[dict[str, object]]:
    """10^6 relative relocations as RELA and as RELR; nanoseconds each, beside copying as many bytes."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "relative"
        sources = [top / "tests/bench/relative.c", *sorted((top / "libs/rtld/src").glob("*.c"))]
        include = top / "libs/rtld/include"
        target = ["-target", "x86_64-linux-musl"] if toolset.name == "hermetic" else []
        done = subprocess.run(
            [*driver(toolset), *target, "-O2", "-static", f"-I{include}", *sources, "-o", program],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(done.stderr)
        lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    for line in lines:
        form, own, copy = line.split()
        yield row(f"relative, {form}, 1,000,000", "ns", float(own), {"copy": float(copy)}, float(copy) * GOAL_RELATIVE)


def driver(toolset: Toolset) -> list[str]:
    """The compiler as one that links hosted programs too."""
    return [toolset.cc[0], "cc"] if toolset.name == "hermetic" else [toolset.cc[0]]


def code_size(build: Path, toolset: Toolset, top: Path) -> Iterator[dict[str, object]]:
    """Bytes of text of the core for x86-64, read-only data included.

    The cache and the texts of messages are apart:
    the core works without the one, and calls the other never, so a host links them only where it names them."""
    sizes = member_sizes(toolset, top, "-Os")
    cache, messages = sizes.pop("cache"), sizes.pop("report_text")
    yield row("code at -Os, the core", "bytes", sum(sizes.values()), {}, 24 * 1024)
    yield row("code at -Os, with messages", "bytes", sum(sizes.values()) + messages, {}, None)
    yield row("code at -Os, with the cache too", "bytes", sum(sizes.values()) + messages + cache, {}, None)
    smallest = member_sizes(toolset, top, "-Oz")
    core = sum(size for name, size in smallest.items() if name not in ("cache", "report_text"))
    yield row("code at -Oz, the core", "bytes", core, {}, None)


def member_sizes(toolset: Toolset, top: Path, level: str) -> dict[str, int]:
    """Bytes of text of each of the core's sources, compiled at an optimisation level."""
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted((top / "libs/rtld/src").glob("*.c")):
            output = Path(folder) / f"{source.stem}.o"
            flags = [level, "-ffreestanding", "-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-fPIC"]
            target = ["-target", "x86_64-linux-musl", f"-I{top / 'libs/rtld/include'}"]
            subprocess.run([*driver(toolset), *target, *flags, "-c", source, "-o", output], check=True)
            sizes[source.stem] = text_size(output)
    return sizes


def text_size(path: Path) -> int:
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        return sum(
            section.data_size
            for section in ELFFile(file).iter_sections()
            if section["sh_flags"] & 2 and not section["sh_flags"] & 1 and section["sh_type"] == "SHT_PROGBITS"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--libraries", default="1,10,100,500")
    parser.add_argument("--symbols", type=int, default=1000)
    options = parser.parse_args()
    top = Path(__file__).resolve().parents[2]
    toolset = load_toolset("hermetic", "x86_64")
    linkers = {"ours": options.build / "lib/libld_test.so", "glibc": GLIBC, "musl": MUSL}
    for name, path in list(linkers.items()):
        if not path.exists():
            print(f"without {name}: {path} is not there")
            del linkers[name]
    rows = []
    print(f"{'':36}{'unit':>14}{'ours':>12}{'goal':>12}   peers", flush=True)
    producers = [code_size(options.build, toolset, top), relative(toolset, top)]
    if shutil.which("valgrind") and "glibc" in linkers:
        producers.append(
            measure(toolset, linkers, [int(word) for word in options.libraries.split(",")], options.symbols)
        )
    else:
        print("without binding: it needs valgrind and glibc's dynamic linker (Debian: valgrind)")
    for producer in producers:
        for each in producer:
            rows.append(each)
            goal = "" if each["goal"] is None else f"{each['goal']:,.1f}"
            peers = "  ".join(f"{name} {value:,.1f}" for name, value in each["peers"].items())
            missed = "" if each["met"] in (True, None) else "   missed"
            print(f"{each['what']:36}{each['unit']:>14}{each['ours']:>12,.1f}{goal:>12}   {peers}{missed}", flush=True)
    write_atomically(options.build.parent / "bench/rtld.json", (json.dumps(rows, indent=1) + "\n").encode())


main()

"""What C++ costs: sizes, the start of a program of iostreams beside one of stdio, a throw and its catch.

cxx.py BUILD prints tables, and writes BUILD/../bench/cxx.json. Instructions are exact, from the bundled emulator. Each
is the difference of two boots: of a program in C++ and one in C, of one exception and none, of 101 and one. The peer of
a throw is the machine's own g++ with its libraries, counted by callgrind, where both are installed.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import toml

from ambilink.boot import boot_and_verify
from ambilink.bootimage.pack import pack
from ambilink.files import write_atomically
from ambilink.machine.model import BootRequest, Verdict

LIBRARIES = ("c++", "c++abi", "unwind")
STRATEGIES = ("loader", "kernel", "interp", "pack")
WAYS = [("static", "loader"), *(("dynamic", strategy) for strategy in STRATEGIES)]
DEPTHS = (1, 10)
MANY = 100
FRAME = 4  # KiB


@dataclass(frozen=True)
class Booted:
    instructions: int
    frames: int


def booted(build: Path, folder: Path, strategy: str, program: str, *arguments: str) -> Booted:
    manifest, image = folder / "bench.toml", folder / "bench.img"
    services: list[dict[str, object]] = [
        {"name": "names", "grants": ["log"]},
        {"name": "console", "grants": ["log"], "stack": 131072},
        {"name": "one", "program": program, "role": "program", "arguments": list(arguments)},
    ]
    manifest.write_text(toml.dumps({"image": {"linker": strategy, "modules": ["serial", "rtc"]}, "service": services}))
    pack(manifest, build, image)
    result = boot_and_verify("emulator", BootRequest(image, timeout=300, seed=1), build)
    if result.failures or result.outcome.verdict is not Verdict.PASS:
        sys.exit(f"{program} by {strategy}: {[*result.outcome.text[-3:], *result.failures]}")
    assert result.state and result.outcome.instructions
    return Booted(result.outcome.instructions, result.state.frames_used)


def thrown(count: "Counting", depth: int) -> tuple[int, int]:
    """Instructions of the first exception, and of each further one."""
    none, one, many = (count(str(wanted), str(depth)) for wanted in (0, 1, MANY + 1))
    return one - none, (many - one) // MANY


class Counting:
    """Instructions of the throwing program with arguments."""

    def __init__(self, build: Path, folder: Path, linkage: str, strategy: str) -> None:
        self._build, self._folder, self._linkage, self._strategy = build, folder, linkage, strategy

    def __call__(self, *arguments: str) -> int:
        name = f"bench-throw-{self._linkage}"
        return booted(self._build, self._folder, self._strategy, name, *arguments).instructions


class CountingHere(Counting):
    """The same by the development machine's compiler and libraries."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "throw"
        source = Path(__file__).parent / "cxx/throw.cc"
        subprocess.run(["g++", "-std=c++20", "-O2", source, "-o", self._program], check=True)

    def __call__(self, *arguments: str) -> int:
        words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self._program}.out", self._program, *arguments]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        found = re.search(r"Collected : (\d+)", done.stderr)
        assert found, done.stderr
        return int(found[1])


def peer(folder: Path) -> dict[int, tuple[int, int]]:
    if shutil.which("g++") is None or shutil.which("valgrind") is None:
        print("no peer for throws: g++ and valgrind are not both installed", file=sys.stderr)
        return {}
    count = CountingHere(folder)
    return {depth: thrown(count, depth) for depth in DEPTHS}


def row(what: str, unit: str, ours: int, peers: dict[str, int] | None = None) -> dict[str, object]:
    return {"what": what, "unit": unit, "ours": ours, "peers": peers or {}, "goal": None, "met": None}


def sizes(build: Path) -> list[dict[str, object]]:
    rows = []
    print(f"{'bytes':26} {'shared object':>14} {'archive':>12}")
    for name in LIBRARIES:
        shared, archive = ((build / f"lib/lib{name}.{suffix}").stat().st_size for suffix in ("so", "a"))
        print(f"  lib{name:23} {shared:>14,} {archive:>12,}")
        rows += [row(f"lib{name}.so", "bytes", shared), row(f"lib{name}.a, with debug information", "bytes", archive)]
    print(f"{'':26} {'dynamic':>14} {'static':>12}")
    for language, program in (("C, stdio", "c"), ("C++, iostreams", "cxx"), ("C++, exceptions", "throw")):
        paths = {linkage: build / f"services/bench-{program}-{linkage}" for linkage in ("dynamic", "static")}
        files = {linkage: path.stat().st_size for linkage, path in paths.items()}
        print(f"  {language:24} {files['dynamic']:>14,} {files['static']:>12,}")
        rows += [row(f"program of {language}, {linkage}", "bytes", size) for linkage, size in files.items()]
    return rows


def starts(build: Path, folder: Path) -> list[dict[str, object]]:
    rows = []
    print(f"\n{'whole boot':20} {'C':>12} {'C++':>12} {'more':>12} {'KiB more':>9}   (instructions)")
    for linkage, strategy in WAYS:
        in_c, in_cxx = (booted(build, folder, strategy, f"bench-{name}-{linkage}") for name in ("c", "cxx"))
        more, memory = in_cxx.instructions - in_c.instructions, (in_cxx.frames - in_c.frames) * FRAME
        way = f"{linkage}, {strategy}"
        print(f"  {way:18} {in_c.instructions:>12,} {in_cxx.instructions:>12,} {more:>12,} {memory:>9,}")
        peers = {"C": in_c.instructions}
        rows += [
            row(f"boot with one program of iostreams, {way}", "instructions", in_cxx.instructions, peers),
            row(f"the same: memory beyond the program in C, {way}", "KiB", memory),
        ]
    return rows


def throws(build: Path, folder: Path) -> list[dict[str, object]]:
    rows = []
    peers = peer(folder)
    print(f"\n{'throw and catch':20} {'first':>12} {'further':>12}   (instructions)")
    for depth in DEPTHS:
        frames = f"{depth} frame{'s' if depth > 1 else ''}"
        found = {way: thrown(Counting(build, folder, *way), depth) for way in WAYS}
        for (linkage, strategy), (first, further) in found.items():
            way = f"{linkage}, {strategy}, {frames}"
            print(f"  {way:28} {first:>12,} {further:>12,}")
            for index, which in enumerate(("first", "each further")):
                there = {"libstdc++, libgcc": peers[depth][index]} if peers else {}
                rows.append(row(f"{which} exception through {way}", "instructions", (first, further)[index], there))
        if peers:
            print(f"  {f'libstdc++, glibc, {frames}':28} {peers[depth][0]:>12,} {peers[depth][1]:>12,}")
    return rows


def main() -> None:
    build = Path(sys.argv[1])
    if not (build / "lib/libc++.so").is_file():
        sys.exit("bench-cxx: there is no libc++ in this build: libs/cxx/README.md says which compilers it needs")
    with tempfile.TemporaryDirectory() as folder:
        rows = [*sizes(build), *starts(build, Path(folder)), *throws(build, Path(folder))]
    out = build.parent / "bench"
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "cxx.json", (json.dumps(rows, indent=1) + "\n").encode())
    print(f"{out / 'cxx.json'}")


if __name__ == "__main__":
    main()

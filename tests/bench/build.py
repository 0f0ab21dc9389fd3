"""What building costs: this project, stock SCons, and Meson with ninja, on one tree with one compiler.

build.py BUILD prints a table and writes BUILD/../bench/build.json.

The tree is libc's: musl's files and ours, copied, with the flags that the repository compiles them by, and one file
that defines what libc needs of the libraries below it. Each system makes the archive and the shared object. Times are
of whole processes by the wall clock; a full build begins with nothing but the sources, Meson's with `meson setup`,
because SCons reads its SConscripts in every run. The best of the rounds counts, rounds of the systems alternate.
Stock SCons is StaticLibrary and SharedLibrary of the same sources. The null build of `./scons` is of the whole
repository, which must have been built."""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from scale import Row, measure_scale, scale_rows
from scale_tree import ScaleTree

from ambilink.compile.toolset import Toolset, load_toolset
from ambilink.elf.abi import load_abi
from ambilink.files import write_atomically

TOP = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).with_name("build-peers.txt")
NAME = "src/complex/cabs.c"  # where a change is made
GOAL_FULL_MESON, GOAL_FULL_SCONS, GOAL_NULL, GOAL_NULL_NINJA, GOAL_NULL_SCONS = 1.0, 0.5, 0.1, 5.0, 0.5
JOBS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(words: list[str], folder: Path, **variables: str) -> float:
    """Seconds that a command took; its output is shown if it fails."""
    start = time.perf_counter()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env={**os.environ, **variables})
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{shlex.join(words)}: failed\n{(done.stdout + done.stderr)[-3000:]}")
    return seconds


class Tree:
    """Sources, folders of headers and flags; all paths are from the folder itself."""

    def __init__(self, toolset: Toolset, folder: Path) -> None:
        self.folder = folder
        entries = json.loads((TOP / "compile_commands.json").read_text())
        mine = [entry for entry in entries if "/obj/c/" in entry["output"]]
        roots = self._copy(Path(toolset.package) / "lib/libc")
        self.sources = [self._place(entry["file"], roots) for entry in mine] + ["below.S"]
        words = mine[0]["arguments"]
        self.includes: list[str] = []
        self.system: list[str] = []
        self.flags: list[str] = []
        for at, word in enumerate(words[len(toolset.cc) : words.index("-o")], len(toolset.cc)):
            if word.startswith("-I"):
                self.includes.append(self._place(word[2:], roots))
            elif word == "-isystem":
                self.system.append(self._place(words[at + 1], roots))
            elif words[at - 1] != "-isystem" and word != "-c" and "-prefix-map=" not in word:
                self.flags.append(word)
        below = [load_abi(TOP / f"libs/{name}/{name}.abi") for name in ("posix", "ipc", "sys")]
        symbols = sorted({symbol.name for abi in below for symbol in abi.symbols})
        (folder / "below.S").write_text("".join(f".globl {name}\n{name}: ret\n" for name in symbols))

    def _copy(self, libc: Path) -> list[tuple[str, str]]:
        package = libc.parent.parent
        shutil.copytree(libc / "musl", self.folder / "musl")
        shutil.copytree(libc / "include", self.folder / "include")
        shutil.copytree(package / "lib/include", self.folder / "builtin")
        for name in ("libs", "boot"):
            shutil.copytree(TOP / name, self.folder / name, ignore=shutil.ignore_patterns("SConscript"))
        relative = os.path.relpath(package, TOP)
        return [
            (str(prefix), place)
            for start in (package, relative)
            for prefix, place in (
                (f"{start}/lib/libc/musl", "musl"),
                (f"{start}/lib/libc/include", "include"),
                (f"{start}/lib/include", "builtin"),
            )
        ]

    @staticmethod
    def _place(path: str, roots: list[tuple[str, str]]) -> str:
        for prefix, place in roots:
            if path.startswith(prefix):
                return place + path[len(prefix) :]
        return path

    @property
    def changed(self) -> Path:
        return self.folder / "musl" / NAME


class System:
    """One build system in a copy of the tree."""

    name = ""

    def __init__(self, tree: Tree, toolset: Toolset) -> None:
        self.tree, self.toolset = tree, toolset
        self.prepare()

    def prepare(self) -> None:
        raise NotImplementedError

    def clean(self) -> None:
        for name in ("build", ".sconsign.dblite", ".ambilink"):
            path = self.tree.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def full(self) -> float:
        return self.build()

    def build(self) -> float:
        raise NotImplementedError


class Ours(System):
    name = "ambilink"

    def prepare(self) -> None:
        tree = self.tree
        (tree.folder / "SConstruct").write_text(
            "import gc\ngc.disable()\nDefaultEnvironment(tools=[])\n"
            f"env = Environment(tools=['ambilink'], toolpath=[{str(TOP / 'site_scons/site_tools')!r}], "
            f"AMBILINK_COMPILER={self.toolset.name!r}, AMBILINK_FLAGS=[])\n"
            f"env['AMBILINK'].toolset = __import__('dataclasses').replace(env['AMBILINK'].toolset, compile_flags=())\n"
            f"env.DualLibrary('c', {tree.sources!r}, includes=[], private_includes={tree.includes!r}, "
            f"system_includes={tree.system!r}, flags={[*tree.flags]!r}, link_flags=['-Bsymbolic-functions'])\n"
            "env['AMBILINK'].check()\n"
        )

        # As the repository has it: SCons stops before it reads anything, if nothing changed.
        (tree.folder / "site_scons").mkdir()
        (tree.folder / "site_scons/site_init.py").write_text(
            "from ambilink.early import stop; stop()\n"
        )

    def build(self) -> float:
        return run([sys.executable, "-m", "SCons", "-Q", f"-j{JOBS}"], self.tree.folder)


class Stock(System):
    name = "stock SCons"

    def prepare(self) -> None:
        tree, toolset = self.tree, self.toolset
        system = [word for folder in tree.system for word in ("-isystem", folder)]
        (tree.folder / "SConstruct").write_text(
            "import os\nimport SCons.Tool\nenv = Environment(tools=['cc', 'gnulink', 'ar'], ENV=os.environ, "
            f"CC={shlex.join(toolset.cc)!r}, CCFLAGS={[*tree.flags, *system]!r}, CPPPATH={tree.includes!r},\n"
            f"  AR={shlex.join(toolset.ar)!r}, ARFLAGS='rcsD', RANLIBCOM='', SHLINK={shlex.join(toolset.ld)!r},\n"
            f"  SHLINKFLAGS={[*toolset.shared_library_flags, '-soname', 'libc.so', '-Bsymbolic-functions']!r})\n"
            "for make in SCons.Tool.createObjBuilders(env):\n"
            "    make.add_action('.s', '$CC -c -o $TARGET $SOURCE')\n"
            "    make.add_action('.S', '$CC -c -o $TARGET $CCFLAGS $_CPPINCFLAGS $SOURCE')\n"
            "env['STATIC_AND_SHARED_OBJECTS_ARE_THE_SAME'] = True\n"
            f"names = {tree.sources!r}\n"
            "place = lambda name: 'build/obj/' + name.replace('/', '_')\n"
            "static = [env.StaticObject(place(name) + '.o', name) for name in names]\n"
            "shared = [env.SharedObject(place(name) + '.os', name) for name in names]\n"
            "env.StaticLibrary('build/c', static)\nenv.SharedLibrary('build/c', shared)\n"
        )

    def build(self) -> float:
        return run([sys.executable, "-m", "SCons", "-Q", f"-j{JOBS}"], self.tree.folder)


class Meson(System):
    name = "Meson + ninja"

    def __init__(self, tree: Tree, toolset: Toolset, environment: Path) -> None:
        self.environment = environment
        self.setup_seconds: list[float] = []
        super().__init__(tree, toolset)

    def prepare(self) -> None:
        tree, toolset = self.tree, self.toolset
        tools = tree.folder / "tools"
        tools.mkdir()
        linker = tools / "ld.lld"  # where the compiler's driver looks for it
        linker.write_text(f'#!/bin/sh\nexec {shlex.join(toolset.ld)} "$@"\n')
        linker.chmod(0o755)
        self.path = f"{tools}:{self.environment / 'bin'}:{os.environ['PATH']}"
        includes = [f"-I{tree.folder}/{folder}" for folder in tree.includes]
        includes += [word for folder in tree.system for word in ("-isystem", f"{tree.folder}/{folder}")]
        flags = [*tree.flags, *includes]
        (tree.folder / "cross.ini").write_text(
            f"[binaries]\nc = {[*toolset.cc]!r}\nc_ld = 'lld'\nar = {[*toolset.ar]!r}\n"
            f"[built-in options]\nc_args = {['--target=' + toolset.target.triple, f'-I{tree.folder}/builtin']!r}\n"
            # For a target without a system the driver would start the machine's gcc to link.
            "c_link_args = ['--target=x86_64-linux-gnu', '-nostdlib']\n"
            "[host_machine]\nsystem = 'none'\ncpu_family = 'x86_64'\ncpu = 'x86_64'\nendian = 'little'\n"
        )
        link = [f"-Wl,{word}" for word in ("-shared", "-Bsymbolic-functions", "--gc-sections", "--build-id=sha1")]
        (tree.folder / "meson.build").write_text(
            "project('libc', 'c', default_options: ['buildtype=plain', 'b_staticpic=true', 'b_asneeded=false', "
            "'b_lundef=false', 'warning_level=0'])\n"
            f"both_libraries('c', {tree.sources!r}, c_args: {flags!r}, link_args: {link!r})\n"
        )

    def full(self) -> float:
        words = [str(self.environment / "bin/meson"), "setup", "--cross-file", "cross.ini", "build"]
        setup = run(words, self.tree.folder, PATH=self.path)
        self.setup_seconds.append(setup)
        return setup + self.build()

    def build(self) -> float:
        return run([str(self.environment / "bin/ninja"), "-C", "build", f"-j{JOBS}"], self.tree.folder, PATH=self.path)


def install_peers(folder: Path) -> Path:
    """An environment with the peers, pinned."""
    stamp = folder / "stamp"
    if not stamp.is_file() or stamp.read_text() != PEERS.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(folder)], TOP)
        pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install"]
        run([*pip, "--require-hashes", "-r", str(PEERS)], TOP)
        stamp.write_text(PEERS.read_text())
    return folder


def best(count: int, measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(count))


def change_body(tree: Tree, number: int) -> None:
    text = tree.changed.read_text().split("\n/* bench */")[0]
    tree.changed.write_text(f"{text}\n/* bench */ int ambilink_bench(void) {{ return {number}; }}\n")


def change_comment(tree: Tree, number: int) -> None:
    text = tree.changed.read_text().split("\n/* comment")[0]
    tree.changed.write_text(f"{text}\n/* comment {number} */\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--scale", type=int, default=200, help="libraries of the large tree")
    options = parser.parse_args()
    toolset = load_toolset("hermetic", "x86_64")
    out = options.build.resolve().parent / "bench"
    peers = install_peers(out / "peers")
    with tempfile.TemporaryDirectory(prefix="ambilink-bench-") as name:
        systems: list[System] = []
        for kind in (Ours, Meson, Stock):
            folder = Path(name, kind.__name__)
            folder.mkdir()
            tree = Tree(toolset, folder)
            systems.append(Meson(tree, toolset, peers) if kind is Meson else kind(tree, toolset))
        seconds: dict[str, dict[str, float]] = {}
        for _ in range(options.rounds):
            for system in systems:
                system.clean()
                taken = system.full()
                row = seconds.setdefault("full build, both forms", {})
                row[system.name] = min(taken, row.get(system.name, taken))
        steps: list[tuple[str, Callable[[Tree, int], None] | None]] = [
            ("nothing to do, SCons or ninja started", None),
            ("a changed body", change_body),
            ("a changed comment", change_comment),
        ]
        for what, change in steps:
            for system in systems:
                change_body(system.tree, 0)
                system.build()
                times = []
                for number in range(5):
                    if change:
                        change(system.tree, number + 1)
                    times.append(system.build())
                seconds.setdefault(what, {})[system.name] = min(times)
        meson = next(system for system in systems if isinstance(system, Meson))
        setup = min(meson.setup_seconds)
    run(["./scons"], TOP)
    null = best(9, lambda: run(["./scons"], TOP))
    scons = best(5, lambda: run([str(Path(sys.executable).with_name("scons"))], TOP))
    with tempfile.TemporaryDirectory(prefix="ambilink-bench-") as name:
        large = ScaleTree.random(options.scale, options.scale // 2, 20)
        rows = scale_rows(measure_scale(toolset, peers, Path(name), large), f"{options.scale} libraries")
    report(seconds, setup, null, scons, rows, out)


def report(
    seconds: dict[str, dict[str, float]],
    setup: float,
    null: float,
    scons: float,
    scale: list[Row],
    out: Path,
) -> None:
    rows: list[dict[str, object]] = []

    def add(what: str, unit: str, ours: float, others: dict[str, float], goal: float | None) -> None:
        met = None if goal is None else ours <= goal
        rows.append(
            {"what": what, "unit": unit, "ours": round(ours, 3), "peers": {k: round(v, 3) for k, v in others.items()}}
            | {"goal": goal, "met": met}
        )

    for what, taken in seconds.items():
        ours = taken[Ours.name]
        add(what, "s", ours, {name: value for name, value in taken.items() if name != Ours.name}, None)
    full = seconds["full build, both forms"]
    add("full build: of Meson's time", "ratio", full[Ours.name] / full[Meson.name], {}, GOAL_FULL_MESON)
    without = full[Ours.name] / (full[Meson.name] - setup)
    add("full build: of ninja's time, setup left out", "ratio", without, {"setup": setup}, None)
    add("full build: of stock SCons' time", "ratio", full[Ours.name] / full[Stock.name], {}, GOAL_FULL_SCONS)
    ninja = seconds["nothing to do, SCons or ninja started"][Meson.name]
    add("nothing to do: ./scons, whole repository", "s", null, {"ninja, libc alone": ninja}, GOAL_NULL)
    add("nothing to do: of ninja's time", "ratio", null / ninja, {}, GOAL_NULL_NINJA)
    add("nothing to do: .venv/bin/scons, whole repository", "s", scons, {}, GOAL_NULL_SCONS)
    for what, unit, ours, others, goal in scale:
        add(what, unit, ours, others, goal)
    width = max(len(str(row["what"])) for row in rows)
    print(f"{'':{width}}  {'ours':>7}  {'Meson + ninja':>13}  {'stock SCons':>11}  goal")
    for row in rows:
        peers = row["peers"]
        assert isinstance(peers, dict)
        cells = [f"{peers[name]:.3f}" if name in peers else "" for name in (Meson.name, Stock.name)]
        other = [f"{name} {value:.3f}" for name, value in peers.items() if name not in (Meson.name, Stock.name)]
        goal = "" if row["goal"] is None else f"<= {row['goal']}: {'met' if row['met'] else 'missed'}"
        line = (
            f"{row['what']:{width}}  {row['ours']:>7.3f}  {cells[0]:>13}  {cells[1]:>11}  {goal:14}  {', '.join(other)}"
        )
        print(line.rstrip())
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "build.json", (json.dumps(rows, indent=1) + "\n").encode())
    print(f"{out / 'build.json'}, {JOBS} jobs")


if __name__ == "__main__":
    main()

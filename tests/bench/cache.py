"""What a shared cache saves: the C library in both forms, made with and without one.

cache.py BUILD prints a table and writes BUILD/../bench/cache.json.

The tree and its flags are those of bench-build. Times are of whole processes by the wall clock; each build begins with
nothing but the sources. A cold cache is empty: the build compiles all and leaves it there; a warm one has all of it.
The server is BuildGrid on the loopback interface. The best of the rounds counts, rounds of the kinds alternate."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ambilink.compile.toolset import load_toolset
from ambilink.files import write_atomically
from build import JOBS, TOP, Ours, Tree, run

sys.path.append(str(TOP))
from tests.buildgrid import NotFetchedError, Server, install

GOAL_COLD_FOLDER, GOAL_WARM_FOLDER, GOAL_COLD_SERVER, GOAL_WARM_SERVER = 1.1, 0.2, 1.2, 0.25  # of a build without


class Cached(Ours):
    """The same SConstruct; words of the command line say which cache."""

    place = ""
    key = ""

    def prepare(self) -> None:
        super().prepare()
        path = self.tree.folder / "SConstruct"
        settings = "AMBILINK_CACHE=ARGUMENTS.get('cache', ''), AMBILINK_CACHE_KEY=ARGUMENTS.get('cache_key', '')"
        path.write_text(path.read_text().replace("AMBILINK_FLAGS=[]", f"AMBILINK_FLAGS=[], {settings}"))

    def build(self) -> float:
        words = [f"cache={self.place}", f"cache_key={self.key}"]
        return run([sys.executable, "-m", "SCons", "-Q", f"-j{JOBS}", *words], self.tree.folder, no_proxy="127.0.0.1")


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A new one; nothing, if it cannot be had."""
    try:
        python = install()
    except NotFetchedError as error:
        print(f"without a server: pip cannot fetch BuildGrid ({error})")
        yield ""
        return
    folder.mkdir()
    made = Server(python, folder)
    made.start()
    try:
        yield made.place
    finally:
        made.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="ambilink-bench-") as name:
        top = Path(name)
        (top / "tree").mkdir()
        toolset = load_toolset("hermetic", "x86_64")
        system = Cached(Tree(toolset, top / "tree"), toolset)
        secret = top / "secret"
        secret.write_text("s" * 64)
        secret.chmod(0o600)

        def measure(what: str, place: str, key: str = "") -> None:
            system.clean()
            system.place, system.key = place, key
            seconds.setdefault(what, []).append(system.full())

        for number in range(options.rounds):
            folder = str(top / f"folder{number}")
            with server(top / f"server{number}") as remote:
                measure("without a cache", "")
                measure("folder, cold", folder)
                measure("folder, warm", folder)
                measure("folder with a secret, cold", folder, str(secret))
                measure("folder with a secret, warm", folder, str(secret))
                if remote:
                    measure("server, cold", remote)
                    measure("server, warm", remote)
    report({what: min(taken) for what, taken in seconds.items()}, options.build.resolve().parent / "bench")


def report(seconds: dict[str, float], out: Path) -> None:
    without = seconds.pop("without a cache")
    goals = {
        "folder, cold": GOAL_COLD_FOLDER,
        "folder, warm": GOAL_WARM_FOLDER,
        "folder with a secret, warm": GOAL_WARM_FOLDER,
        "server, cold": GOAL_COLD_SERVER,
        "server, warm": GOAL_WARM_SERVER,
    }
    rows: list[dict[str, object]] = []

    def add(what: str, unit: str, ours: float, goal: float | None) -> None:
        met = None if goal is None else ours <= goal
        rows.append({"what": what, "unit": unit, "ours": round(ours, 3), "peers": {}, "goal": goal, "met": met})

    add("without a cache", "s", without, None)
    for what, taken in seconds.items():
        add(what, "s", taken, None)
        add(f"{what}: of the time without", "ratio", taken / without, goals.get(what))
    width = max(len(str(row["what"])) for row in rows)
    for row in rows:
        goal = "" if row["goal"] is None else f"  <= {row['goal']}: {'met' if row['met'] else 'missed'}"
        print(f"{row['what']:{width}}  {row['ours']:>7.3f}{goal}")
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "cache.json", (json.dumps(rows, indent=1) + "\n").encode())
    print(f"{out / 'cache.json'}, {JOBS} jobs")


if __name__ == "__main__":
    main()

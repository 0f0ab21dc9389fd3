"""How fast the machines are: operations of a guest per second of the host, one boot of each machine.

machines.py BUILD prints a table and writes BUILD/../bench/machines.json.
"""

import json
import sys
import tempfile
from pathlib import Path

import toml

from ambilink.bootimage.pack import pack
from ambilink.files import write_atomically
from ambilink.machine.boot import boot
from ambilink.machine.model import BootRequest, NoMachine
from ambilink.verify.kernel_file import with_kernel

SERVICES = [
    {"name": "names", "grants": ["log"]},
    {"name": "console", "grants": ["log"], "stack": 131072},
    {"name": "bench", "program": "test-bench", "role": "program"},
]
# Measured with an experiment on the same CPU model that did not count instructions.
GOALS = {"system-calls": 162_000, "thread-switches": 113_000}


def measure(machine: str, image: Path) -> dict[str, float]:
    """Operations per second, by name, and the seconds from power-on to the verdict."""
    outcome = boot(machine, with_kernel(BootRequest(image, timeout=120, seed=1)))
    rates: dict[str, float] = {}
    name, count, started = "", 0, 0.0
    for line in outcome.console:
        words = line.text.split()
        if words[:2] == ["bench:", "begin"]:
            name, count, started = words[2], int(words[3]), line.seconds
        elif words == ["bench:", "end"]:
            rates[name] = count / (line.seconds - started)
    return rates


def main() -> None:
    build = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "bench.toml"
        manifest.write_text(toml.dumps({"image": {"modules": ["serial", "rtc"]}, "service": SERVICES}))
        image = Path(folder) / "bench.img"
        pack(manifest, build, image)
        ours = measure("emulator", image)
        try:
            peers = {"qemu-tcg": measure("qemu", image)}
        except NoMachine as error:
            print(f"without QEMU: {error}")
            peers = {}
    rows = [
        {
            "what": name,
            "unit": "1/s",
            "ours": round(rate),
            "peers": {peer: round(rates[name]) for peer, rates in peers.items()},
            "goal": GOALS.get(name),
            "met": rate >= GOALS[name] if name in GOALS else None,
        }
        for name, rate in ours.items()
    ]
    print(f"{'operations per second':24}{'emulator':>14}{'goal':>12}" + "".join(f"{peer:>16}" for peer in peers))
    for row in rows:
        goal = f"{row['goal']:,}" if row["goal"] else ""
        others = "".join(f"{value:>16,}" for value in row["peers"].values())
        print(f"{row['what']:24}{row['ours']:>14,}{goal:>12}{others}")
    write_atomically(build.parent / "bench/machines.json", (json.dumps(rows, indent=1) + "\n").encode())


main()

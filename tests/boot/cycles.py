"""Systems whose program does the same again and again, and compares what the machine has in use before and after,
exactly: a library is opened and closed; a program is started and waited for. tests/boot/test_ends.py has a slice;
`./scons cycle-boot` does 10,000 cycles of each (`count=`), in QEMU where it is installed."""

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ambilink.machine.model import Verdict

from .conftest import System, set_strategy

STRATEGIES = ("loader", "kernel")
HOUR = 3600.0


def opens(system: System, strategy: str, cycles: int) -> System:
    system.libraries = ["libplugin.so", "libfixed.so"]
    return set_strategy(system, strategy).program("test-ends-open", arguments=[str(cycles)], grants=["log"])


def starts(system: System, strategy: str, cycles: int) -> System:
    set_strategy(system, strategy).service("test-exit", role="on-demand")
    return system.program("test-ends-start", arguments=[str(cycles)], grants=["log"], starts=["test-exit"])


KINDS = {"a library is opened and closed": opens, "a program is started and waited for": starts}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    options = parser.parse_args()
    machine = "qemu" if shutil.which("qemu-system-x86_64") else "emulator"
    failed = 0
    for strategy in STRATEGIES:
        for what, make in KINDS.items():
            with TemporaryDirectory() as folder:
                system = make(System(options.build, Path(folder)), strategy, options.count)
                outcome = system.boot(machine, timeout=HOUR).outcome
            passed = outcome.verdict is Verdict.PASS
            failed += not passed
            found = "everything came back" if passed else outcome.detail
            print(f"{strategy}, {machine}: {what}, {options.count:,} times: {found}", flush=True)
            if not passed:
                print(*outcome.text[-12:], sep="\n    ", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

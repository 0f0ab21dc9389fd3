"""Building at each change."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ambilink.cli.arguments import EXIT_WRONG, Commands
from ambilink.incremental.up_to_date import SKIP
from ambilink.incremental.watching import INPUTS, BuildInputs, changed, named, wait_for_change
from ambilink.machine.model import EXIT_PASS

if TYPE_CHECKING:
    from ambilink.report.difference import BuildState

SCRIPTS = ("SConstruct", "Sconstruct", "sconstruct", "SConstruct.py", "Sconstruct.py", "sconstruct.py")


def add(commands: "Commands[argparse.ArgumentParser]") -> None:
    watch = commands.add_parser(
        "watch",
        help="build and boot at each change of what the build depends on",
        description="Run scons at each change of what the build depends on, and print what differs from the build "
        "before: sizes, sharing, verdicts. Ctrl-C ends it. Options of scons come after --.",
    )
    watch.add_argument("words", nargs=argparse.REMAINDER, metavar="WORD", help="targets and options of scons")
    watch.set_defaults(run=_watch)


def _watch(options: argparse.Namespace) -> int:
    if not any(os.path.isfile(name) for name in SCRIPTS):
        print("ambilink watch: there is no SConstruct here; go to the folder of one", file=sys.stderr)
        return EXIT_WRONG
    builds = 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves SIGHUP
            signal.signal(number, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="ambilink-watch-") as folder:
            watcher = _Watcher(options.words, Path(folder, "inputs"))
            while True:
                watcher.build()
                builds += 1
                watcher.wait()
    except KeyboardInterrupt:
        _say(f"ended after {builds} build{'s' * (builds != 1)}")
    return EXIT_PASS


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(f"watch: {text}", flush=True)


class _Watcher:
    def __init__(self, words: list[str], list_path: Path) -> None:
        self._command = [sys.executable, "-m", "SCons", *words[words[:1] == ["--"] :]]
        self._list = list_path
        self._inputs = BuildInputs(frozenset(SCRIPTS))
        self._stamps = self._inputs.stamps()
        self._state: BuildState | None = None
        self._failed = False  # the last build
        self._again: list[str] = []  # what changed during the last build, too

    def build(self) -> None:
        """Build until nothing changed meanwhile."""
        from ambilink.report.difference import BuildState, difference_lines

        while True:
            started, clock = time.time(), time.monotonic()
            before = self._inputs.stamps()
            good = self._run()
            self._take_inputs(good)
            self._stamps = self._inputs.stamps()
            during = changed(before, self._stamps)
            fresh = self._inputs.files - before.keys()
            during += sorted(path for path in fresh if _changed_since(path, started))
            state = BuildState.of(self._inputs.outputs, self._inputs.records)
            again = ", after one that failed" if good and self._failed else ""
            _say(f"{'built' if good else 'FAILED'} in {time.monotonic() - clock:.1f} s{again}")
            self._failed = not good
            booted = any(_changed_since(path, started) for path in self._inputs.records)
            lines = difference_lines(self._state, state) if self._state is not None else []
            if not good and not booted:
                lines.append("  not booted")
            elif self._state is not None and not lines:
                lines.append("  sizes, sharing and verdicts as before")
            print("".join(f"{line}\n" for line in lines), end="", flush=True)
            self._state = state
            if not during or during == self._again:  # twice the same: the build itself changes them
                self._again = []
                return
            self._again = during
            _say(f"{named(during)} changed while it ran; again")

    def _run(self) -> bool:
        self._list.unlink(missing_ok=True)
        # Without the early stop, which leaves no list.
        process = subprocess.Popen(self._command, env={**os.environ, INPUTS: str(self._list), SKIP: "1"})
        try:
            return process.wait() == 0
        except BaseException:  # Ctrl-C at a terminal reaches the build as well
            process.send_signal(signal.SIGINT)
            process.wait()
            raise

    def _take_inputs(self, good: bool) -> None:
        left = BuildInputs.read(self._list)
        if left is not None:
            self._inputs = left if good else self._inputs.joined(left)

    def wait(self) -> None:
        files = len(self._inputs.files)
        _say(f"waiting for a change of {files:,} file{'s' * (files != 1)}; Ctrl-C ends it")
        names = wait_for_change(self._inputs, self._stamps)
        print(flush=True)
        _say(f"{named(names)} changed")


def _changed_since(path: str, start: float) -> bool:
    try:
        return os.stat(path).st_mtime > start
    except OSError:
        return False

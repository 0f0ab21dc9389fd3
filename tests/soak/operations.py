"""What a step does to a tree: file operations and builds that are written down, so that they can be done again."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .model import LINK

LIMIT = 600  # seconds that a build may take


@dataclass
class Write:
    """A file with this text, or a symbolic link; dated so many seconds from now."""

    path: str
    text: str
    date: float | None = None

    def apply(self, tree: Path) -> None:
        path = tree / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or self.text.startswith(LINK):
            path.unlink(missing_ok=True)
        if self.text.startswith(LINK):
            path.symlink_to(self.text[len(LINK) :])
            return
        path.write_text(self.text)
        if self.date is not None:
            os.utime(path, (time.time() + self.date,) * 2)


@dataclass
class Remove:
    path: str

    def apply(self, tree: Path) -> None:
        path = tree / self.path
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            path.unlink()
        # A folder that is empty now is nothing that git would have.
        for folder in path.relative_to(tree).parents:
            if folder.name and (tree / folder).is_dir() and not any((tree / folder).iterdir()):
                (tree / folder).rmdir()


@dataclass
class Date:
    path: str
    date: float

    def apply(self, tree: Path) -> None:
        if (tree / self.path).exists():
            os.utime(tree / self.path, (time.time() + self.date,) * 2)


@dataclass
class Damage:
    """Of something that a build made. Its date changes with it."""

    path: str
    how: str

    def apply(self, tree: Path) -> None:
        path = tree / self.path
        if not path.is_file() or path.is_symlink():
            return
        data = path.read_bytes()
        if self.how == "removed":
            path.unlink()
        elif self.how == "emptied":
            path.write_bytes(b"")
        elif self.how == "cut":
            path.write_bytes(data[: len(data) // 2])
        elif self.how == "longer":
            path.write_bytes(data + b"\0more")
        elif self.how == "flipped" and data:
            middle = len(data) // 2
            path.write_bytes(data[:middle] + bytes([data[middle] ^ 0x55]) + data[middle + 1 :])
        elif self.how == "replaced":  # by a rename, as an editor or a copy would
            beside = path.with_name(path.name + ".other")
            beside.write_bytes(data + b"other")
            beside.replace(path)


@dataclass
class Build:
    words: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    signal: int = 0  # sent to it
    after: float = 0.0  # seconds
    group: bool = False  # to the commands that it started as well
    meanwhile: list[Write] = field(default_factory=list)  # after so many seconds

    def apply(self, tree: Path) -> tuple[int, str]:
        """Status and output."""
        self.edited = False
        process = start(tree, self.words, self.variables)
        timer = threading.Timer(self.after, self._intervene, [tree, process])
        if self.signal or self.meanwhile:
            timer.start()
        try:
            output, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return -signal.SIGKILL, f"{output}\nit hangs: {LIMIT} s"
        finally:
            timer.cancel()
            if timer.is_alive():
                timer.join()
        if self.meanwhile and not self.edited:  # the build was faster
            self._edit(tree)
        return process.returncode, output

    def _edit(self, tree: Path) -> None:
        self.edited = True
        for each in self.meanwhile:
            each.apply(tree)

    def _intervene(self, tree: Path, process: "subprocess.Popen[str]") -> None:
        self._edit(tree)
        if self.signal and process.poll() is None:
            (os.killpg if self.group else os.kill)(process.pid, self.signal)


def start(tree: Path, words: Sequence[str], variables: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "SCons", *words],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **variables},
        start_new_session=True,
    )


Operation = Write | Remove | Date | Damage | Build
KINDS: dict[str, Any] = {kind.__name__: kind for kind in (Write, Remove, Date, Damage, Build)}


@dataclass
class Step:
    """One edit, and the builds that are disturbed after it."""

    title: str
    operations: list[Operation]
    variables: dict[str, str] = field(default_factory=dict)  # of the environment, from now on
    jobs: int = 2
    fails: bool = False  # the tree does not build after it

    def saved(self) -> dict[str, Any]:
        operations = [{"kind": type(each).__name__, **asdict(each)} for each in self.operations]
        return {**vars(self), "operations": operations}

    @classmethod
    def load(cls, saved: dict[str, Any]) -> "Step":
        operations = []
        for each in saved["operations"]:
            made = KINDS[each["kind"]](**{key: value for key, value in each.items() if key != "kind"})
            if isinstance(made, Build):
                made.meanwhile = [Write(**write) for write in each["meanwhile"]]
            operations.append(made)
        return cls(**{**saved, "operations": operations})

    def lines(self) -> list[str]:
        """For people."""
        found = [f"{self.title}  (then scons -j{self.jobs}{''.join(f' {k}={v}' for k, v in self.variables.items())})"]
        for each in self.operations:
            words = {key: value for key, value in asdict(each).items() if value not in (None, "", 0, [], {}, False)}
            text = ", ".join(f"{key}={value!r}" for key, value in words.items() if key != "text")
            found.append(f"    {type(each).__name__.lower()} {text}")
        return found

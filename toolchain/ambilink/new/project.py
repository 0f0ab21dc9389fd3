"""Making a project's folder: whole, or not at all, and nothing that is there is touched."""

import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ambilink.errors import AmbilinkError

INSIDE = ".ambilink-new"  # while files are made in a folder that was there


def make_project(folder: Path, files: dict[str, bytes]) -> None:
    """`folder` is new or empty. `files` holds the contents by path."""
    try:
        with _interrupts_deferred():
            if folder.is_dir():
                _fill(folder, files)
            else:
                _create(folder, files)
    except OSError as error:
        where = error.filename2 or error.filename or folder
        raise AmbilinkError(where, f"cannot be made ({error.strerror})", "nothing was left behind") from error
    except ValueError as error:  # a NUL byte in the name
        raise AmbilinkError(ascii(str(folder)), f"cannot be a folder's name ({error})") from error


def _create(folder: Path, files: dict[str, bytes]) -> None:
    """Made beside, then renamed: that fails if a file, or a folder that is not empty, has come there meanwhile."""
    if os.path.lexists(folder):
        raise AmbilinkError(folder, "exists and is no folder", "choose another name")
    if not folder.parent.is_dir():
        raise AmbilinkError(folder.parent, "is no folder to make a project in", "make it first")
    staged = folder.parent / f".{folder.name}.{secrets.token_hex(4)}"
    staged.mkdir()
    try:
        _write(staged, files)
        _stop_if_interrupted()
        staged.rename(folder)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def _fill(folder: Path, files: dict[str, bytes]) -> None:
    """A folder may be the current one of a shell, and is not replaced. What is made in it keeps a second `new` away."""
    _refuse_contents(folder, [entry.name for entry in os.scandir(folder)])
    staged = folder / INSIDE
    staged.mkdir()
    moved: list[Path] = []
    try:
        _write(staged, files)
        _refuse_contents(folder, [entry.name for entry in os.scandir(folder) if entry.name != INSIDE])
        _stop_if_interrupted()
        for entry in sorted(staged.iterdir()):
            target = folder / entry.name
            entry.rename(target)
            moved.append(target)
        staged.rmdir()
    except BaseException:
        for target in moved:
            shutil.rmtree(target) if target.is_dir() else target.unlink()
        shutil.rmtree(staged, ignore_errors=True)
        raise


def _refuse_contents(folder: Path, names: list[str]) -> None:
    if INSIDE in names:
        rule = f"holds {INSIDE}: another `ambilink new` works here, or one was killed"
        raise AmbilinkError(folder, rule, "in the latter case remove that folder")
    if names:
        listed = ", ".join(ascii(name)[1:-1] for name in sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
        raise AmbilinkError(folder, f"is not empty (it holds {listed})", "choose a new or an empty folder")


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, contents in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.write(contents)


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Signals that end this process come before the first step or after the last one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _endings())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop_if_interrupted() -> None:
    """The signal itself is delivered when the block of `_interrupts_deferred` is left."""
    if hasattr(signal, "sigpending") and signal.sigpending() & _endings():
        raise KeyboardInterrupt


def _endings() -> set[signal.Signals]:
    return {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

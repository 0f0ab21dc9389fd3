"""The ziglang wheel: compiler, linker, and the sources of musl, of LLVM's libraries and of the compiler's run-time."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

from ambilink.errors import AmbilinkError

PACKAGE = "ziglang"


def wheel_folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise AmbilinkError(PACKAGE, "the package is not installed", f"pip install {PACKAGE}==0.14.1")
    return Path(next(iter(spec.submodule_search_locations)))


def installed_version(package: str, folder: Path) -> str:
    """Of a package whose folder this is. pip names a folder beside it so; importlib.metadata takes long to load."""
    found = [path.name for path in folder.parent.glob(f"{package}-*.dist-info")]
    if len(found) == 1:
        return found[0].removeprefix(f"{package}-").removesuffix(".dist-info")
    from importlib import metadata

    return metadata.version(package)


def wheel_version() -> str:
    return installed_version(PACKAGE, wheel_folder())


def run_zig(what: str, folder: Path, *words: str | Path, timeout: float, environment: Mapping[str, str] = {}) -> None:
    """One of its programs, in a folder; `what` is what messages say that it makes."""
    import subprocess  # seldom

    command = [wheel_folder() / "zig", *words]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AmbilinkError(command[0], f"cannot make {what} ({error})") from error
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line] or [f"status {done.returncode}"]
        said = next((line for line in lines if "error" in line), lines[0])
        raise AmbilinkError(command[0], f"cannot make {what}: {said}", "is the disk full?")

"""npm: `npm pack` fetches what a registry has, by the settings, proxies and secrets of the user who builds."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ambilink.errors import AmbilinkError
from ambilink.files import read_regular

PATIENCE = 300  # seconds


def fetch(name: str, version: str, sha256: str = "") -> bytes:
    """The archive of a version. npm does not run any of its scripts. Raises AmbilinkError."""
    what = f"{name} {version} (npm)"
    npm = shutil.which("npm")
    if npm is None:
        remedy = "install npm, or let AMBILINK_SOURCES name a folder that has the archive"
        raise AmbilinkError(what, "cannot be fetched: there is no npm on the PATH", remedy)
    with tempfile.TemporaryDirectory() as folder:
        words = [npm, "pack", "--ignore-scripts", f"--pack-destination={folder}", f"{name}@{version}"]
        try:
            done = subprocess.run(
                words,
                cwd=folder,
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            raise AmbilinkError(what, f"npm did not answer in {PATIENCE} seconds", "try again") from error
        found = sorted(Path(folder).glob("*.tgz"))
        if done.returncode or len(found) != 1:
            raise AmbilinkError(what, f"npm cannot fetch it ({cause(done.stderr)})", f"try `npm view {name}@{version}`")
        return read_regular(found[0])


def cause(text: str) -> str:
    """The first lines of npm's errors, as one."""
    errors = [line.split(maxsplit=2)[2] for line in text.splitlines() if re.match(r"npm (error|ERR!) \S", line)]
    return "; ".join(errors[:2]) or "it does not say why"

"""What the wheel's tree of musl leaves out: its dynamic linker, from the source that Debian distributes."""

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

SUITE, PACKAGE = "trixie", "musl"
ARCHIVE = "musl_1.2.5.orig.tar.gz"
SHA256 = "a9a118bbe84d8764da0ea0d28b3ab3fae8477fc7e4085d90102b8596fc7c75e4"
MEMBER = "musl-1.2.5/ldso/dynlink.c"
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TIMEOUT = 120  # seconds


class Unreachable(Exception):
    """Why it cannot be had here."""


def dynamic_linker(folder: Path) -> Path:
    """The path of dynlink.c, which stays in `folder`."""
    made = folder / "dynlink.c"
    if not made.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / ARCHIVE
        if not archive.is_file():
            _fetch(folder)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        assert found == SHA256, f"{archive} has SHA-256 {found}, not {SHA256}"
        with tarfile.open(archive) as members:
            source = members.extractfile(MEMBER)
            assert source is not None
            made.write_bytes(source.read())
    return made


def _fetch(folder: Path) -> None:
    """By apt-get, with a list and a state of its own: those of the machine stay as they are."""
    if not shutil.which("apt-get") or not KEYS.is_file():
        raise Unreachable("musl's dynamic linker is fetched by apt-get with Debian's keys, which are not here")
    state = folder / "apt"
    for name in ("lists/partial", "archives/partial"):
        (state / name).mkdir(parents=True, exist_ok=True)
    (state / "sources.list").write_text(f"deb-src [signed-by={KEYS}] http://deb.debian.org/debian {SUITE} main\n")
    settings = {
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state,
        "APT::Sandbox::User": "root",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 20,
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    for words in (["update"], ["source", "--download-only", PACKAGE]):
        command = ["apt-get", "-q", *options, *words]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Unreachable(f"apt-get {words[0]} did not end in {TIMEOUT} s") from None
        if done.returncode:
            raise Unreachable(f"apt-get {words[0]}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    shutil.rmtree(state)
    if not (folder / ARCHIVE).is_file():
        raise Unreachable(f"Debian {SUITE} has another version of {PACKAGE} than {ARCHIVE}")

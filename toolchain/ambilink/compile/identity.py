"""Which program exactly a name stands for: another file of the same name is another program.

Scripts are known by their text, which says what they start and with which flags, and so are other small files: dates
can be set, and the size is soon the same."""

import hashlib
import os
from collections.abc import Sequence

SMALL = 1 << 20  # bytes of a file that is read each time


def digest_of(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()[:32]


def script_digest(path: str) -> str:
    """Of a program that is a text; empty for others, which are known by their versions wherever they are."""
    try:
        with open(path, "rb") as stream:
            is_script = stream.read(2) == b"#!"
    except OSError:
        return ""
    return digest_of(path) if is_script else ""


def _identity(path: str) -> str:
    status = os.stat(path)
    digest = digest_of(path) if status.st_size < SMALL else script_digest(path)
    how = digest or f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    return f"{os.path.realpath(path)} {how}"


def files_among(words: Sequence[str]) -> list[str]:
    """The program that a command starts, and files that its words name: an interpreter is given a script."""
    return [word for word in dict.fromkeys(words) if os.path.isfile(word)]


def identity_of(words: Sequence[str]) -> str:
    """Of all files of a command."""
    return " ".join(map(_identity, files_among(words)))


def scripts_of(words: Sequence[str]) -> str:
    """What is the same wherever these scripts lie; empty where there is none."""
    return " ".join(
        digest
        for place, path in enumerate(files_among(words))
        if (digest := script_digest(path) if place == 0 else digest_of(path))
    )

"""Static archives (ar): what is in them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ambilink.errors import AmbilinkError

MAGIC, THIN = b"!<arch>\n", b"!<thin>\n"
HEADER = 60  # bytes: name 16, date 12, owner 6, group 6, mode 8, size 10, end 2
END = b"`\n"
NO_MEMBERS = ("/", "//", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED")  # indexes, and the table of long names


@dataclass(frozen=True)
class Member:
    name: str
    data: bytes


def members(path: Path) -> list[Member]:
    """All of an archive, in order, without its index."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AmbilinkError(path, f"cannot be read ({error.strerror})") from error
    if data.startswith(THIN):
        raise AmbilinkError(path, "is a thin archive, which only names its members", "make it without ar's option T")
    if not data.startswith(MAGIC):
        raise AmbilinkError(path, "is no archive", "give an archive that ar made")
    return list(_members(path, data))


def thin_members(path: Path) -> list[str]:
    """The files that a thin archive only names; none for another one, or what is no archive."""
    try:
        with path.open("rb") as stream:
            data = stream.read() if stream.read(len(THIN)) == THIN else b""
    except OSError:
        return []
    table, size = data, data[48:58].strip()
    while table[:2] in (b"/ ", b"/S") and size.isdigit():  # indexes of symbols
        table = table[HEADER + int(size) + int(size) % 2 :]
        size = table[48:58].strip()
    if table[:2] != b"//" or not size.isdigit():
        return []
    names = table[HEADER : HEADER + int(size)].decode("utf-8", "surrogateescape").split("/\n")
    return [os.path.normpath(os.path.join(path.parent, name)) for name in names if name.strip()]


def _members(path: Path, data: bytes) -> Iterator[Member]:
    at, long_names = len(MAGIC), b""
    while at < len(data):
        header = data[at : at + HEADER]
        size_text = header[48:58].strip()
        if len(header) < HEADER or header[58:60] != END or not size_text.isdigit():
            raise AmbilinkError(path, f"has no member's header at {at:#x}", "the archive is damaged; make it again")
        size, start = int(size_text), at + HEADER
        if start + size > len(data):
            raise AmbilinkError(path, f"ends inside the member at {at:#x}", "the archive is damaged; make it again")
        raw, body = header[:16].rstrip().decode("utf-8", "surrogateescape"), data[start : start + size]
        at = start + size + size % 2
        if raw == "//":
            long_names = body
            continue
        name, body = _name(path, raw, body, long_names)
        if raw not in NO_MEMBERS and name not in NO_MEMBERS:
            yield Member(name, body)


def _name(path: Path, raw: str, body: bytes, long_names: bytes) -> tuple[str, bytes]:
    """GNU's long names are in a table (/offset), BSD's before the contents (#1/length)."""
    if raw.startswith("#1/") and raw[3:].isdigit():
        length = int(raw[3:])
        return body[:length].rstrip(b"\0").decode("utf-8", "surrogateescape"), body[length:]
    if raw.startswith("/") and raw[1:].isdigit():
        start = int(raw[1:])
        end = long_names.find(b"\n", start)
        if start >= len(long_names) or end < 0:
            raise AmbilinkError(path, f"has a name at {start} of a table that ends before", "the archive is damaged")
        return long_names[start:end].decode("utf-8", "surrogateescape").rstrip("/"), body
    return raw.rstrip("/") if raw not in NO_MEMBERS else raw, body

"""Where a user wants a breakpoint: `FILE:PLACE`, with a file or a service of the image, or a place alone."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ambilink.errors import AmbilinkError

KERNEL = "kernel"


@dataclass(frozen=True)
class Place:
    text: str  # as the user wrote it
    file: str  # of the image, or KERNEL; empty: wherever the place is
    service: str  # only in the processes of this service; empty: in all
    spec: str  # what gdb calls a location: function, file.c:line


def parse_place(text: str, image: Path, files: Collection[str], services: Mapping[str, str]) -> Place:
    """`files`: names in the image; `services`: the program's file by the service's name."""
    head, colon, spec = text.partition(":")
    if not text.strip() or not text.isprintable() or (colon and not spec):
        raise AmbilinkError("-b", f"{text!r} is no place", "give FILE:FUNCTION, FILE:SOURCE:LINE or FUNCTION")
    if not colon or spec.startswith(":"):  # C++: space::function
        return Place(text, "", "", text)
    if head == KERNEL or head in files:
        return Place(text, head, "", spec)
    if head in services:
        return Place(text, services[head], head, spec)
    if spec.isdigit() and "." in head.rsplit("/", 1)[-1]:  # source.c:line
        return Place(text, "", "", text)
    known = [KERNEL, *services, *files]
    near = difflib.get_close_matches(head, known, 3) or difflib.get_close_matches(head.rsplit("/", 1)[-1], known, 3)
    remedy = f"did you mean {', '.join(near)}?" if near else "`ambilink image ls` lists files and services"
    raise AmbilinkError("-b", f"{image} has no file or service {head}, for {text}", remedy)

"""Who may do what after the boot, by an image alone: its manifest is what authority comes from."""

from collections.abc import Sequence

from ambilink.bootimage.layout import Archive, ArchiveService, Calls, FileKind, Grant, Linker
from ambilink.bootimage.manifest_keys import REGISTRY

# What a process with Ambilink's calls holds: boot/README.md says what the rights are.
ALWAYS = (
    "itself (manage, duplicate, transfer)",
    "loader (call)",
)
HELD = {
    Grant.LOG: "log (write)",
    Grant.IMAGE: "image (read)",
    Grant.INPUT: "keys (take)",
}
ASKED = {
    Grant.CONTROL: "ends other services",
    Grant.INSPECT: "asks what lies where in other processes",
    Grant.PARTS: "gives others parts of the image, to read and to execute",
}
LOADER_HOLDS = (
    "log, power, keys, starting services",
    "image (read, execute)",
    "loader (call, receive, mint)",
    "names (call, mint)",
    "each process that it started (manage, watch)",
)


def _list(items: Sequence[str]) -> str:
    return ", ".join(items)


def _holds(service: ArchiveService) -> list[str]:
    names = "names (receive)" if service.name == REGISTRY else "names (call)"
    held = [*ALWAYS, names, *(text for grant, text in HELD.items() if grant in service.grants)]
    if service.linker is Linker.INTERP and service.calls is not Calls.LINUX:
        given = [text for grant, text in HELD.items() if grant & (Grant.LOG | Grant.IMAGE) & ~service.grants]
        if given:
            held.append(f"until its interpreter has linked it: {_list(given)}")
    return held


def _rows(service: ArchiveService) -> list[tuple[str, str]]:
    rows = [("holds", _list(_holds(service)))]
    if service.name != REGISTRY and service.registers:
        rows.append(("registers", _list(service.registers)))
    if service.starts:
        rows.append(("starts", _list(service.starts)))
    if service.opens:
        rows.append(("opens", _list(service.opens)))
    if service.calls is Calls.LINUX:
        rows.append(("opens", "the image's libraries, and may execute what it opens"))
    asks = [text for grant, text in ASKED.items() if grant in service.grants]
    if asks:
        rows.append(("may", _list(asks)))
    return rows


def rights_table(archive: Archive) -> list[str]:
    """A block of lines for each process, the loader service first."""
    lines = ["loader", f"  holds      {LOADER_HOLDS[0]}", *(f"             {text}" for text in LOADER_HOLDS[1:])]
    for service in archive.services:
        role = service.role.name.lower().replace("_", "-")
        lines.append(f"{service.name} ({role})")
        lines += [f"  {what:<9}  {text}" for what, text in _rows(service)]
    interpreters = [file.name for file in archive.files if file.kind is FileKind.INTERPRETER]
    if interpreters:
        lines.append(f"interpreter of programs with Ambilink's calls: {_list(interpreters)}, and no other file")
    return lines

"""A boot that waits for gdb: its port, its script."""

import shlex
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ambilink.debug.gdb_script import make_script
from ambilink.debug.threads import threads_in
from ambilink.errors import AmbilinkError
from ambilink.files import write_output
from ambilink.machine.model import BootRequest

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Session:
    request: BootRequest
    script: Path
    warnings: tuple[str, ...]

    @property
    def command(self) -> str:
        return shlex.join(["gdb", "-x", str(self.script)])


def free_port(wanted: int) -> int:
    """0: any that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise AmbilinkError(
                "--gdb", f"port {wanted} cannot be used ({error.strerror})", "give another one, or 0 for any"
            ) from error
        port: int = probe.getsockname()[1]
        return port


def wait_for_gdb(
    request: BootRequest, root: Path, port: int, places: Sequence[str] = (), script: Path | None = None
) -> Session:
    """Writes the script, by default beside the image. The machine may be silent, while it is stopped."""
    port = free_port(port)
    path = script or request.image.with_name(request.image.name + ".gdb")
    made = make_script(request.image, root, port, places)
    write_output(path, made.text.encode())
    rules = replace(request.rules, silence=None)
    threads = threads_in(made.packed) if made.packed else None
    return Session(replace(request, debugger_port=port, rules=rules, threads=threads), path, made.missing)

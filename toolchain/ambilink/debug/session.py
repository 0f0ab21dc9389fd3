"""A boot that waits for gdb: its port, its script."""

import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ambilink.debug.gdb_script import make_script
from ambilink.errors import AmbilinkError
from ambilink.files import write_atomically
from ambilink.machine.model import BootRequest

PORT_DEFAULT = 1234  # QEMU's
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Session:
    request: BootRequest
    script: Path
    warnings: tuple[str, ...]

    @property
    def command(self) -> str:
        return f"gdb -x {self.script}"


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
    """Writes the script, by default beside the image. The machine has no time limit, and may be silent."""
    if request.accelerator == "kvm":
        raise AmbilinkError(
            "--gdb", "cannot stop in one process with --accel kvm: processes share pages", "leave --accel out"
        )
    port = free_port(port)
    path = script or request.image.with_name(request.image.name + ".gdb")
    made = make_script(request.image, root, port, places)
    write_atomically(path, made.text.encode())
    rules = replace(request.rules, silence=None)
    request = replace(request, debugger_port=port, timeout=math.inf, rules=rules)
    return Session(request, path, made.missing)

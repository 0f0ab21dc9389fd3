"""Asking a running QEMU where its CPU is, by the human monitor on a socket."""

import re
import socket
import time
from pathlib import Path

from ambilink.machine.model import CpuPlace

PATH_MAX = 100  # of a socket, bytes; sun_path has 108
PROMPT = b"(qemu) "
PATIENCE = 2.0  # seconds for an answer
RIP = re.compile(rb"\bRIP=([0-9a-f]+)")
EIP = re.compile(rb"\bEIP=([0-9a-f]+)")
HALTED = re.compile(rb"\bHLT=1")


def monitor_options(scratch: Path) -> list[str]:
    path = _path(scratch)
    usable = hasattr(socket, "AF_UNIX") and len(str(path).encode()) <= PATH_MAX and "," not in str(path)
    return ["-monitor", f"unix:{path},server=on,wait=off" if usable else "none"]


def ask_cpu(scratch: Path) -> CpuPlace | None:
    """None where QEMU does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(PATIENCE)
            monitor.connect(str(_path(scratch)))
            _read_answer(monitor)
            monitor.sendall(b"info registers\n")
            answer = _read_answer(monitor)
    except (OSError, AttributeError):
        return None
    rip = RIP.search(answer) or EIP.search(answer)
    return CpuPlace(int(rip[1], 16), HALTED.search(answer) is not None) if rip else None


def _path(scratch: Path) -> Path:
    return scratch / "monitor"


def _read_answer(monitor: socket.socket) -> bytes:
    data, end = b"", time.monotonic() + PATIENCE
    while not data.endswith(PROMPT) and time.monotonic() < end:
        part = monitor.recv(65536)
        if not part:
            break
        data += part
    return data

"""Asking a running QEMU where its CPU is, by the human monitor on a socket."""

import re
import socket
import time
from pathlib import Path

from ambilink.machine.model import CpuPlace

PATH_MAX = 100  # of a socket, bytes; sun_path has 108
PROMPT = b"(qemu) "
PATIENCE = 5.0  # seconds for an answer
REGISTER = re.compile(rb"\b(RIP|EIP|RSP|RBP|CR3)=([0-9a-f]+)")
ADDRESS_MASK = 0x000FFFFFFFFFF000
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
    values = {name.decode(): int(value, 16) for name, value in REGISTER.findall(answer)}
    rip = values.get("RIP", values.get("EIP"))
    if rip is None:
        return None
    halted = HALTED.search(answer) is not None
    return CpuPlace(rip, halted, values.get("RSP", 0), values.get("RBP", 0), values.get("CR3", 0) & ADDRESS_MASK)


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

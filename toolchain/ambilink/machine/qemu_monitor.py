"""Asking a running QEMU where its CPU is, by the human monitor on a socket."""

import re
import socket
import time
from pathlib import Path

from ambilink.machine.model import CpuPlace

PATH_MAX = 100  # of a socket, bytes; sun_path has 108
PROMPT = b"(qemu) "
PATIENCE = 5.0  # seconds for an answer
REGISTER = re.compile(rb"\b([A-Z][A-Z0-9]{1,3}) *=([0-9a-f]+)")
NAMED = {"RFL": "rflags", "EFL": "rflags"}  # and E.. of 32 bits as R..
SHOWN = re.compile(r"r(?:[a-d]x|[sd]i|[bsi]p|\d+|flags)|[c-gs]s|cr[0-4]|efer")
NEEDED = ("rip", "rsp", "rbp", "cr0", "cr3", "cr4", "efer")
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
    values = {_lower(name.decode()): int(value, 16) for name, value in REGISTER.findall(answer)}
    if any(name not in values for name in NEEDED):
        return None
    return CpuPlace({name: values[name] for name in values if SHOWN.fullmatch(name)}, bool(HALTED.search(answer)))


def _lower(name: str) -> str:
    """QEMU's name of a register as ours: EAX is rax."""
    wide = "R" + name[1:] if len(name) == 3 and name.startswith("E") else name
    return NAMED.get(name, wide).lower()


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

"""QEMU as a machine: the same image, console and verdict, from another implementation.

Memory is backed by a file, so that it can be read after QEMU ended.
"""

import mmap
import os
import re
import selectors
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ambilink.machine.memory import MEGABYTE, PhysicalMemory
from ambilink.machine.model import (
    BootRequest,
    Console,
    LineSink,
    NoMachine,
    Outcome,
    Verdict,
    verdict_of_guest,
)

PROGRAM = "qemu-system-x86_64"
GRACE = 2.0  # seconds between asking QEMU to end and killing it


def find_qemu() -> str:
    program = shutil.which(PROGRAM)
    if program is None:
        raise NoMachine(f"{PROGRAM} is not on the PATH (Debian: apt install qemu-system-x86)")
    return program


def command(program: str, request: BootRequest, memory_file: Path) -> list[str]:
    """No default devices; a serial line, the debug-exit port, and memory in a file."""
    size = f"{request.memory_megabytes}M"
    line = [
        program,
        *("-machine", f"pc,accel={request.accelerator},memory-backend=ram"),
        *("-object", f"memory-backend-file,id=ram,size={size},mem-path={memory_file},share=on"),
        *("-m", size),
        *("-cpu", "host" if request.accelerator == "kvm" else "max"),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-vga", "none"),
        *("-serial", "stdio", "-monitor", "none"),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=0x4"),
        *("-kernel", str(request.image)),
    ]
    if request.command_line:
        line += ["-append", request.command_line]
    return line


def _verdict(status: int) -> tuple[Verdict, str]:
    if status & 1 and status > 1:  # isa-debug-exit ends with (value << 1) | 1
        return verdict_of_guest(status >> 1)
    if status == 0:
        return Verdict.RESET, "the machine was reset (a triple fault, or the guest asked for it)"
    return Verdict.BROKEN, f"QEMU ended with status {status}"


def boot(request: BootRequest, sink: LineSink | None = None) -> Outcome:
    program = find_qemu()
    if request.accelerator == "kvm":
        from ambilink.machine.kvm import probe

        probe(request)
    size = request.memory_megabytes * MEGABYTE
    descriptor, name = tempfile.mkstemp(prefix="ambilink-ram-")
    memory_file = Path(name)
    try:
        os.ftruncate(descriptor, size)
        console = Console(sink)
        started = time.perf_counter()
        verdict, detail = _run(command(program, request, memory_file), request.timeout, console, started)
        seconds = time.perf_counter() - started
        console.finish(seconds, None)
        memory = PhysicalMemory(mmap.mmap(descriptor, size), size)
    finally:
        os.close(descriptor)
        memory_file.unlink()
    return Outcome("qemu", verdict, detail, console.lines, seconds, None, memory)


def _run(command_line: list[str], timeout: float, console: Console, started: float) -> tuple[Verdict, str]:
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command_line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, bufsize=0
        )
        try:
            in_time = _copy_console(process, timeout, console, started)
            status = process.wait(GRACE) if in_time else 0
        except subprocess.TimeoutExpired:
            in_time = False
        finally:
            _end(process)
        if not in_time:
            return Verdict.TIMEOUT, f"no verdict within {timeout:g} s"
        errors.seek(0)
        complaint = _without_warnings(errors.read().decode("utf-8", "replace"))
    verdict, detail = _verdict(status)
    if verdict is Verdict.BROKEN and complaint:
        detail = f"{detail}: {complaint}"
    return verdict, detail


def _copy_console(process: subprocess.Popen[bytes], timeout: float, console: Console, started: float) -> bool:
    """Until QEMU closes its output (True) or time is up (False)."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := started + timeout - time.perf_counter()) > 0:
            if not selector.select(left):
                continue
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                return True
            console.put(data, time.perf_counter() - started, None)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def _without_warnings(text: str) -> str:
    lines = [line for line in text.splitlines() if not re.search(r"\bwarning:", line)]
    return " ".join(lines)

"""QEMU as a machine: the same image, console and verdict, from another implementation.

Memory is backed by a file, so that it can be read after QEMU ended.
"""

import os
import re
import selectors
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, cast

from ambilink.errors import AmbilinkError
from ambilink.machine import firmware
from ambilink.machine.console import Console, refuse_slow_rules
from ambilink.machine.judge import Decision, Judge
from ambilink.machine.keys import ENDED, Typist
from ambilink.machine.memory import MEGABYTE, allocate
from ambilink.machine.model import (
    BootRequest,
    ConsoleLine,
    CpuPlace,
    LineSink,
    NoMachine,
    Outcome,
    Verdict,
)
from ambilink.machine.qemu_monitor import ask_cpu, monitor_options

PROGRAM = "qemu-system-x86_64"
GRACE = 2.0  # seconds between asking QEMU to end and killing it
LOOK = 3600.0  # seconds; no longer wait is asked of the system


def find_qemu() -> str:
    program = shutil.which(PROGRAM)
    if program is None:
        raise NoMachine(f"{PROGRAM} is not on the PATH (Debian: apt install qemu-system-x86)")
    return program


def command(program: str, request: BootRequest, memory_file: Path, scratch: Path) -> list[str]:
    """No default devices; a serial line, memory in a file, and the debug-exit port where the rules have codes for it.
    `scratch` is a folder for what the machine writes."""
    size = f"{request.memory_megabytes}M"
    line = [
        program,
        *("-machine", f"pc,accel={request.accelerator},memory-backend=ram"),
        *("-object", f"memory-backend-file,id=ram,size={size},mem-path={memory_file},share=on"),
        *("-m", size),
        *("-cpu", "host" if request.accelerator == "kvm" else "max"),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-vga", "none"),
        *("-serial", "stdio"),
        *monitor_options(scratch),
    ]
    if request.debugger_port is not None:
        line += ["-S", "-gdb", f"tcp:127.0.0.1:{request.debugger_port}"]
    if request.rules.has_codes:
        line += ["-device", f"isa-debug-exit,iobase={request.rules.exit_port:#x},iosize=0x4"]
    if request.is_cd:
        if request.firmware == "uefi":
            line += firmware.uefi_options(scratch)
        return [*line, "-boot", "d", "-cdrom", str(request.image)]
    line += ["-kernel", str(request.image)]
    if len(request.modules) > 1 or any(each.words for each in request.modules):
        rule = "QEMU hands a PVH kernel one module, without words"
        raise AmbilinkError("--module", rule, "give one, or use the emulator")
    line += [word for each in request.modules for word in ("-initrd", str(each.path))]
    if request.command_line:
        line += ["-append", request.command_line]
    return line


def _decision(status: int, judge: Judge, debugged: bool = False) -> Decision:
    if status & 1 and status > 1:  # isa-debug-exit ends with (value << 1) | 1
        return judge.of_code(status >> 1)
    if status == 0 and debugged:
        return Verdict.ENDED, "by the debugger, or the machine was reset"
    if status == 0:
        return Verdict.RESET, "the machine was reset (a triple fault, or the guest asked for it)"
    return Verdict.BROKEN, f"QEMU ended with status {status}"


def boot(request: BootRequest, sink: LineSink | None = None) -> Outcome:
    program = find_qemu()
    if request.accelerator == "kvm":
        from ambilink.machine.kvm import probe

        probe(request)
    size = request.memory_megabytes * MEGABYTE
    judge = Judge(request.rules, request.expected)

    def see(line: ConsoleLine) -> None:
        judge.see(line.shown, line.seconds)
        if sink:
            sink(line)

    descriptor, name = tempfile.mkstemp(prefix="ambilink-ram-")
    memory_file = Path(name)
    try:
        os.ftruncate(descriptor, size)
        console = Console(see, request.rules)
        with tempfile.TemporaryDirectory(prefix="ambilink-qemu-") as scratch:
            line = command(program, request, memory_file, Path(scratch))
            started = time.perf_counter()
            decision, cpu = _run(line, request, console, judge, started, Path(scratch))
        seconds = time.perf_counter() - started
        console.finish(seconds, None)
        refuse_slow_rules(console, request)
        verdict, detail = judge.conclude(decision)
        memory = allocate(size, descriptor)
    finally:
        os.close(descriptor)
        memory_file.unlink()
    return Outcome("qemu", verdict, detail, console.lines, seconds, None, memory, crash=judge.crash, cpu=cpu)


def _run(
    command_line: list[str], request: BootRequest, console: Console, judge: Judge, started: float, scratch: Path
) -> tuple[Decision, CpuPlace | None]:
    """And where the CPU was, if the boot was ended from outside."""
    cpu = None
    with tempfile.TemporaryFile() as errors:
        stdin = subprocess.PIPE if request.keys else subprocess.DEVNULL
        process = subprocess.Popen(command_line, stdin=stdin, stdout=subprocess.PIPE, stderr=errors, bufsize=0)
        try:
            decision = _copy_console(process, request, console, judge, started)
            status = process.wait(GRACE) if decision is None else 0
        except subprocess.TimeoutExpired:
            decision = judge.timeout(request.timeout)
        finally:
            if process.poll() is None:
                cpu = ask_cpu(scratch)
            _end(process)
        if decision is not None:
            return decision, cpu
        errors.seek(0)
        complaint = _without_warnings(errors.read().decode("utf-8", "replace"))
    verdict, detail = _decision(status, judge, request.debugger_port is not None)
    if verdict is Verdict.BROKEN and complaint:
        detail = f"{detail}: {complaint}"
    return (verdict, detail), None


def _copy_console(
    process: subprocess.Popen[bytes], request: BootRequest, console: Console, judge: Judge, started: float
) -> Decision | None:
    """Until QEMU closes its output (None), or the verdict is known without it."""
    assert process.stdout is not None
    with selectors.PollSelector() as selector:  # epoll takes no files
        selector.register(process.stdout, selectors.EVENT_READ)
        typist = Typist(request.keys, cast(BinaryIO, process.stdin), selector) if request.keys else None
        while (now := time.perf_counter() - started) < request.timeout:
            for key, _ in selector.select(min(request.timeout - now, judge.next_look(now), LOOK)):
                if key.fileobj is not process.stdout:
                    if typist and not typist.serve(key.fileobj):
                        return Verdict.ENDED, ENDED
                    continue
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    return None
                if typist:
                    typist.console_came(data)
                console.put(data, time.perf_counter() - started, None)
            if decision := judge.decide(time.perf_counter() - started):
                return decision
    return judge.timeout(request.timeout)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def _without_warnings(text: str) -> str:
    lines = [line for line in text.splitlines() if not re.search(r"\bwarning:", line)]
    return " ".join(lines)

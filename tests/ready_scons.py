"""SCons that has started already: a process that loaded it and the tool forks for each build. Most of what a small
build takes is the loading. What a build prints, leaves and ends with is the same as by `python -m SCons`.

The process is this file, run by itself with a socket; one for each process of pytest."""

import atexit
import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TOOLCHAIN = str(Path(__file__).resolve().parents[1] / "toolchain")
LONGEST = 1 << 20  # bytes of a request
EARLY = ("PYTHON", "LD_", "LC_", "LANG", "SCONSFLAGS")  # variables that begin so are read as a process begins


def run_scons(
    words: tuple[str, ...], cwd: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """As subprocess.run does with `python -m SCons`, its output captured as text."""
    command = [sys.executable, "-m", "SCons", *words]
    early = [name for name in {*environment, *os.environ} if name.startswith(EARLY)]
    if sys.platform != "linux" or any(environment.get(name) != os.environ.get(name) for name in early):
        return subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=timeout, env=environment, check=False
        )
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        status = _Ready.get().build([words, str(cwd), dict(environment)], [output.fileno(), errors.fileno()], timeout)
        texts = []
        for stream in (output, errors):
            stream.seek(0)
            texts.append(stream.read().decode().replace("\r\n", "\n"))
    if status is None:
        raise subprocess.TimeoutExpired(command, timeout, *texts)
    return subprocess.CompletedProcess(command, status, *texts)


class _Ready:
    """The process, as this one sees it."""

    def __init__(self) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            words = [sys.executable, __file__, str(its.fileno())]
            self.process = subprocess.Popen(words, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
        self.socket = ours
        atexit.register(self.end)

    @staticmethod
    @cache
    def get() -> "_Ready":
        return _Ready()

    def build(self, request: list[object], streams: list[int], timeout: float) -> int | None:
        """The exit status; None: ended because it took too long."""
        socket.send_fds(self.socket, [json.dumps(request).encode("utf-8", "surrogateescape")], streams)
        pid = int(self.socket.recv(100))
        self.socket.settimeout(timeout)
        try:
            return int(self.socket.recv(100))
        except TimeoutError:
            self.socket.settimeout(None)
            os.kill(pid, signal.SIGKILL)
            self.socket.recv(100)
            return None
        finally:
            self.socket.settimeout(None)

    def end(self) -> None:
        self.socket.close()
        self.process.wait()


def serve(peer: socket.socket) -> list[str]:
    """In a child that is to build: the words. The process itself ends in here."""
    while True:
        try:
            data, streams, _, _ = socket.recv_fds(peer, LONGEST, 2)
        except KeyboardInterrupt:
            os._exit(128 + signal.SIGINT)
        if not data:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            peer.close()
            words, folder, environment = json.loads(data.decode("utf-8", "surrogateescape"))
            for number, stream in enumerate(streams, 1):
                os.dup2(stream, number)
                os.close(stream)
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            sys.path[0] = os.getcwd()
            sys.modules["SCons.Script.SConscript"].launch_dir = os.getcwd()
            return words
        for stream in streams:
            os.close(stream)
        peer.send(b"%d" % pid)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(OSError):
            peer.send(b"%d" % status)


def load() -> None:
    """SCons, and what the tool loads of the package; the checkout is not left on the path."""
    sys.path[0] = TOOLCHAIN
    import SCons.Script  # noqa: F401

    import ambilink.scons.environment
    import ambilink.verify.kernel_file  # noqa: F401

    sys.path[0] = ""


if __name__ == "__main__":
    load()
    gc.freeze()
    sys.argv[1:] = serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("SCons", run_name="__main__", alter_sys=True)

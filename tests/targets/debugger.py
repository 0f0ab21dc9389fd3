"""A program under an emulator of its processor, read by the protocol of debuggers (GDB's manual, appendix E)."""

import contextlib
import re
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

CHUNK = 1024  # bytes of memory in one answer
DEADLINE = 60  # seconds
AT_PHDR, AT_BASE, AT_ENTRY = 3, 7, 9
BREAKPOINT_SIZES = {"x86_64": 1, "aarch64": 4, "riscv64": 2}


class Stopped:
    """A process that has not run its first instruction yet."""

    def __init__(self, target: str, command: list[str], socket_path: Path) -> None:
        """`command`: the emulator and its arguments, without those that are said here."""
        self._kind = BREAKPOINT_SIZES[target]
        words = [command[0], "-g", str(socket_path), *command[1:]]
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(DEADLINE)
        self._received = b""
        self._connect(socket_path)

    def __enter__(self) -> "Stopped":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.kill()
        self._process.communicate()

    def _connect(self, path: Path) -> None:
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                self._socket.connect(str(path))
                self.ask("qSupported")
                return
            time.sleep(0.02)
        self._process.kill()
        raise AssertionError(f"{self._process.args}: {self._process.communicate()[1].decode()}")

    def ask(self, packet: str) -> bytes:
        data = packet.encode()
        self._socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))
        while True:
            start, end = self._received.find(b"$"), self._received.find(b"#")
            if 0 <= start < end and len(self._received) >= end + 3:
                body, self._received = self._received[start + 1 : end], self._received[end + 3 :]
                self._socket.sendall(b"+")
                return body
            more = self._socket.recv(1 << 16)
            assert more, f"the emulator ended when it was asked {packet}"
            self._received += more

    def auxiliary(self) -> dict[int, int]:
        answer = self.ask("qXfer:auxv:read::0,1000")
        # A byte that has a meaning in packets comes as } and itself with bit 5 changed.
        data = re.sub(rb"}(.)", lambda match: bytes([match[1][0] ^ 0x20]), answer[1:], flags=re.DOTALL)
        return dict(struct.iter_unpack("<QQ", data[: len(data) // 16 * 16]))

    def run_to(self, address: int) -> None:
        assert self.ask(f"Z0,{address:x},{self._kind}") == b"OK"
        answer = self.ask("c")
        assert answer.startswith((b"T05", b"S05")), f"it did not come to {address:#x}: {answer.decode()}"
        assert self.ask(f"z0,{address:x},{self._kind}") == b"OK"

    def read(self, address: int, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = min(CHUNK, size - len(data))
            answer = self.ask(f"m{address + len(data):x},{part:x}")
            assert not answer.startswith(b"E"), f"nothing is mapped at {address + len(data):#x}"
            data += bytes.fromhex(answer.decode())
        return data

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "little")

    def text(self, address: int) -> str:
        data = b""
        while b"\0" not in data:
            data += self.read(address + len(data), 16)
        return data[: data.index(b"\0")].decode()

    def link_map(self, debug: int) -> Iterator[tuple[int, str]]:
        """Bias and name of each object, the program first; `debug` is where DT_DEBUG's value lies."""
        entry = self.word(self.word(debug) + 8)  # r_debug.r_map
        while entry:
            bias, name, _, entry = struct.unpack("<QQQQ", self.read(entry, 32))
            yield bias, self.text(name)

"""Packets of gdb's remote protocol on a socket ("Remote Protocol" of gdb's manual)."""

import select
import socket

INTERRUPT = b"\x03"
PART = 65536
ESCAPED = {0x23: b"}\x03", 0x24: b"}\x04", 0x2A: b"}\x0a", 0x7D: b"}]"}  # # $ * }


class Closed(Exception):
    """gdb is gone."""


class Packets:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        self.acknowledges = True

    def interrupted(self) -> bool:
        """Whether gdb asks for a stop, while the machine runs."""
        while select.select([self._connection], [], [], 0)[0]:
            self._receive()
        asked = INTERRUPT in self._received
        self._received = self._received.replace(INTERRUPT, b"", 1)
        return asked

    def next(self) -> bytes:
        """The next command; a stray interrupt is one, too."""
        while True:
            self._received = self._received.lstrip(b"+-")
            if self._received.startswith(INTERRUPT):
                self._received = self._received[1:]
                return INTERRUPT
            end = self._received.find(b"#")
            if end >= 0 and len(self._received) >= end + 3:
                start = self._received.find(b"$")
                data, self._received = self._received[start + 1 : end], self._received[end + 3 :]
                if self.acknowledges:
                    self._connection.sendall(b"+")
                return _unescaped(data)
            self._receive()

    def send(self, data: bytes) -> None:
        body = b"".join(ESCAPED.get(byte, bytes((byte,))) for byte in data)
        self._connection.sendall(b"$%s#%02x" % (body, sum(body) & 0xFF))

    def _receive(self) -> None:
        try:
            data = self._connection.recv(PART)
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        self._received += data


def _unescaped(data: bytes) -> bytes:
    parts = data.split(b"}")
    return parts[0] + b"".join(bytes((part[0] ^ 0x20,)) + part[1:] for part in parts[1:] if part)

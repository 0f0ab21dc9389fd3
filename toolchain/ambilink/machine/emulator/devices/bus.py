"""Input and output ports: who answers at which. What no device claims reads all ones, as on a PC."""

from collections.abc import Callable, Iterable
from typing import Protocol

Clock = Callable[[], int]  # nanoseconds since power-on
NANOSECONDS = 1_000_000_000


class Device(Protocol):
    """It claims ports, each a byte wide. Time is handed in, as a Clock."""

    @property
    def ports(self) -> Iterable[int]: ...

    def read(self, port: int) -> int: ...

    def write(self, port: int, value: int) -> None: ...


class WideDevice(Protocol):
    """It claims ports that are accessed by more than a byte at a time."""

    @property
    def wide_ports(self) -> Iterable[int]: ...

    def read_wide(self, port: int, size: int) -> int: ...

    def write_wide(self, port: int, size: int, value: int) -> None: ...


class TimedDevice(Protocol):
    """Something happens in it by itself."""

    @property
    def next_event(self) -> int | None:
        """In nanoseconds since power-on; None: nothing is due."""
        ...

    def run_events(self) -> None:
        """Do what is due by the clock. Afterwards next_event lies in the future."""


class Bus:
    """Wider accesses than a device's are made byte by byte, as the ISA bus does."""

    def __init__(
        self,
        devices: Iterable[Device],
        wide: Iterable[WideDevice] = (),
        nothing: Callable[[int, bool], None] = lambda port, is_write: None,
    ) -> None:
        """`nothing` gets the accesses that reach no device."""
        self._nothing = nothing
        self._by_port = {port: device for device in devices for port in device.ports}
        self._wide = {port: device for device in wide for port in device.wide_ports}

    def has(self, port: int, size: int = 1) -> bool:
        return port in self._wide or any(port + index in self._by_port for index in range(size))

    def read(self, port: int, size: int) -> int:
        if device := self._wide.get(port):
            return device.read_wide(port, size) & (1 << 8 * size) - 1
        if not self.has(port, size):
            self._nothing(port, False)
        value = 0
        for index in range(size):
            byte = self._by_port.get(port + index)
            value |= (byte.read(port + index) & 0xFF if byte else 0xFF) << 8 * index
        return value

    def write(self, port: int, size: int, value: int) -> None:
        if device := self._wide.get(port):
            device.write_wide(port, size, value & (1 << 8 * size) - 1)
            return
        if not self.has(port, size):
            self._nothing(port, True)
        for index in range(size):
            if byte := self._by_port.get(port + index):
                byte.write(port + index, value >> 8 * index & 0xFF)

"""All devices of the emulated PC, and how they are connected."""

from collections.abc import Callable

from ambilink.machine.emulator.devices import io_apic, local_apic
from ambilink.machine.emulator.devices.bus import Bus, Clock, Device, TimedDevice
from ambilink.machine.emulator.devices.cmos import WallClock
from ambilink.machine.emulator.devices.debug_exit import DebugExit
from ambilink.machine.emulator.devices.io_apic import IoApic
from ambilink.machine.emulator.devices.keyboard import Keyboard
from ambilink.machine.emulator.devices.lines import CLOCK, KEYBOARD, SERIAL, TIMER, Lines
from ambilink.machine.emulator.devices.local_apic import VECTOR_NMI, LocalApic, ProtectionFault
from ambilink.machine.emulator.devices.pic import InterruptControllers
from ambilink.machine.emulator.devices.pit import ControlPort, Timer
from ambilink.machine.emulator.devices.power import Power, ResetRegister
from ambilink.machine.emulator.devices.serial import Serial
from ambilink.machine.emulator.native.machine import REGISTER_CR8


class Chipset:
    def __init__(
        self,
        clock: Clock,
        put: Callable[[bytes], None],
        pause: Callable[[], None],
        exit_port: int | None,
        memory_size: int,
        nothing: Callable[[int, bool], None] = lambda port, is_write: None,
    ) -> None:
        """`pause`: something happened that the CPU must be asked about now. `put` gets what the serial line sends.
        `nothing` gets ports without a device, and whether they are written."""
        self._pause = pause
        self.ended: str | None = None  # how the guest ended the machine
        self._was_pending = False
        self._next_known: int | None = None
        self.interrupts = InterruptControllers(self._external)
        self.local = LocalApic(clock, self._arrange, self._level_ended)
        self.io = IoApic(self.local)
        self.lines = Lines((self.interrupts, self.io))
        self.timer = Timer(clock, lambda: self.lines.pulse(TIMER), self._arrange)
        self.serial = Serial(clock, put, lambda is_up: self.lines.set(SERIAL, is_up), self._arrange)
        self.clock = WallClock(clock, lambda is_up: self.lines.set(CLOCK, is_up), self._arrange, memory_size)
        keyboard = Keyboard(self._reset, lambda is_up: self.lines.set(KEYBOARD, is_up))
        self.exit = DebugExit(exit_port or 0, pause)
        self.timed: tuple[TimedDevice, ...] = (self.timer, self.local, self.serial, self.clock)
        reset = ResetRegister(self._reset)
        devices: list[Device] = [
            *(self.serial, self.interrupts, self.timer, ControlPort(clock, self.timer), self.clock, keyboard, reset)
        ]
        if exit_port is not None:
            devices.append(self.exit)
        self.bus = Bus(devices, (Power(clock, self._switch_off),), nothing)

    # How it ends.

    def _reset(self, by: str) -> None:
        self._end(f"the guest reset the machine by {by}")

    def _switch_off(self) -> None:
        self._end("the guest switched the machine off")

    def _end(self, how: str) -> None:
        self.ended = self.ended or how
        self._pause()

    # Interrupts.

    def _external(self) -> None:
        self.local.set_external(self.interrupts.pending)

    def _level_ended(self, vector: int) -> None:
        self.io.end(vector)

    def _arrange(self) -> None:
        """The CPU need not be asked for less than before."""
        pending, event = self.local.pending, self.next_event
        known = self._next_known
        self._next_known = event
        if (pending and not self._was_pending) or (event is not None and (known is None or event < known)):
            self._pause()
        self._was_pending = pending

    @property
    def pending(self) -> bool:
        return self.local.pending

    def acknowledge(self) -> int:
        """The vector of the interrupt that the CPU takes now."""
        if self.local.take_nmi():
            vector: int | None = VECTOR_NMI
        else:
            vector = self.local.acknowledge()
        if vector is None:
            vector = self.interrupts.acknowledge()
        self._was_pending = self.local.pending
        return vector

    # Time.

    @property
    def next_event(self) -> int | None:
        """When something happens by itself, in nanoseconds since power-on."""
        return min((each.next_event for each in self.timed if each.next_event is not None), default=None)

    def run_events(self) -> None:
        for each in self.timed:
            each.run_events()
        self._next_known = self.next_event

    @property
    def wakes(self) -> bool:
        """Whether an interrupt will come by itself, if the CPU waits."""
        lines = ((self.timer, TIMER), (self.serial, SERIAL), (self.clock, CLOCK))
        return self.local.wakes or any(each.next_event is not None and self.lines.reach(line) for each, line in lines)

    # Registers of the local APIC that are the processor's: numbers of MSRs, or REGISTER_CR8.

    def read_register(self, msr: int, counter: int) -> int | None:
        """None: there is no such register."""
        if msr == REGISTER_CR8:
            return self.local.control_8
        try:
            return self.local.read_msr(msr, counter)
        except ProtectionFault:
            return None

    def write_register(self, msr: int, value: int, counter: int) -> bool:
        if msr == REGISTER_CR8:
            self.local.control_8 = value
            return True
        try:
            self.local.write_msr(msr, value, counter)
        except ProtectionFault:
            return False
        return True

    # Memory: where the devices lie, with what answers there.

    @property
    def memory(self) -> tuple[tuple[int, int, local_apic.LocalApic | IoApic], ...]:
        return ((io_apic.BASE, io_apic.SIZE, self.io), (local_apic.BASE, local_apic.SIZE, self.local))

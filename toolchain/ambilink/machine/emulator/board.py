"""The bundled machine: CPU, memory and devices of a small PC, in one deterministic clock.

One instruction takes one nanosecond of the guest's time, and waiting takes none of the host's: while the
CPU halts, time jumps to the next timer tick. The same image, seed and memory size therefore give the same
run, to the instruction.
"""

import os
import select
import threading
import time
from functools import partial

import unicorn

from ambilink.errors import AmbilinkError
from ambilink.machine import pvh
from ambilink.machine.console import Console, refuse_slow_rules
from ambilink.machine.emulator import native
from ambilink.machine.emulator.cpu import Cpu
from ambilink.machine.emulator.devices.acpi import write_tables
from ambilink.machine.emulator.devices.bus import NANOSECONDS
from ambilink.machine.emulator.devices.chipset import Chipset
from ambilink.machine.emulator.devices.lines import SERIAL
from ambilink.machine.emulator.devices.serial import BASE
from ambilink.machine.emulator.fault import describe_error, describe_exceptions
from ambilink.machine.emulator.loops import find_loop
from ambilink.machine.emulator.nowhere import Nowhere, holes
from ambilink.machine.emulator.protected_mode import NotEmulated
from ambilink.machine.judge import Decision, Judge
from ambilink.machine.keys import ENDED, before_escape
from ambilink.machine.memory import MEGABYTE, allocate
from ambilink.machine.model import (
    BootRequest,
    ConsoleLine,
    Counts,
    LineSink,
    Loop,
    Moment,
    Outcome,
    Stop,
    Stops,
    Verdict,
)

SLICE = 5_000_000  # instructions between looks at the host's clock
KEYS_PART = 4096
IDENTITY_TABLES = 0x1000  # 64-bit entry: page tables that map the first GiB to itself


class Board:
    def __init__(
        self,
        request: BootRequest,
        sink: LineSink | None = None,
        stops: Stops | None = None,
        counts: Counts | None = None,
    ) -> None:
        size = request.memory_megabytes * MEGABYTE
        self.request = request
        self.memory = allocate(size)
        self.started = time.perf_counter()
        self.instructions = 0
        self._running = False
        self.idle = 0  # nanoseconds that passed while the CPU halted
        self.judge = Judge(request.rules, request.expected)
        self._sink = sink
        self.is_stuck = False  # the CPU cannot go on
        self.console = Console(self._see, request.rules)
        self.cpu = Cpu(self.memory, self._port_read, self._port_write)
        exit_port = request.rules.exit_port if request.rules.has_codes else None
        self._nowhere = Nowhere(self.memory, lambda: self.cpu.place_in_run(), self._executed)
        self.chipset = Chipset(self.now, self._put, self._pause, exit_port, size, self._nowhere.port)
        self.bus = self.chipset.bus
        for start, length, device in self.chipset.memory:
            self.cpu.map_device(start, length, device)
        if not request.stops_at_nothing:
            self._map_holes()
        self.cpu.connect_registers(self.chipset.read_register, self.chipset.write_register)
        self._keys = request.keys.source if request.keys else None  # where they are read
        self._add_stops(stops or {})
        if counts is not None:
            self.cpu.count_each(counts)

    def _map_holes(self) -> None:
        memory = [(part.start, part.size) for part in self.memory.ranges]
        for start, size in holes([*memory, *((start, size) for start, size, _ in self.chipset.memory)]):
            self.cpu.map_device(start, size, self._nowhere.at(start))

    def now(self) -> int:
        """Guest time in nanoseconds since power-on, exact also within a slice."""
        return self.cpu.now() if self._running else self.instructions + self.idle

    def _executed(self) -> int:
        return self.now() - self.idle

    def _port_read(self, port: int, size: int) -> int:
        self._send_kept()
        value = self.bus.read(port, size)
        self._keep_output()
        return value

    def _port_write(self, port: int, size: int, value: int) -> None:
        self._send_kept()
        self.bus.write(port, size, value)
        self._keep_output()

    def _keep_output(self) -> None:
        """Let the CPU keep what is sent until the end of a line, where that makes no difference."""
        only_sends = self.chipset.serial.only_sends and not self.request.keys
        self.cpu.keep_output(BASE if only_sends else 0)

    def _send_kept(self) -> None:
        if output := self.cpu.take_output():
            self.chipset.serial.send(output)

    def _pause(self) -> None:
        if self._running:
            self.cpu.pause()

    def _read_keys(self, seconds: float = 0.0) -> bool:
        """Wait so long for a key; False: the person ends the machine."""
        keys = self.request.keys
        awaited = [each for each in (self._keys, keys.end) if each is not None] if keys else []
        if keys is None or not awaited:
            return True
        ready = select.select(awaited, [], [], seconds)[0]
        if self._keys not in ready:
            return not ready
        assert self._keys is not None
        data = os.read(self._keys, KEYS_PART)
        if not data:
            self._keys = None
        typed, is_end = before_escape(data, keys.has_escape)
        self.chipset.serial.type(typed)
        return not is_end

    def _put(self, data: bytes) -> None:
        if self.request.keys and self.request.keys.show:
            self.request.keys.show(data)
        self.console.put(data, self._seconds(), self._executed())
        if self.judge.urgent:
            self.cpu.pause()

    def _see(self, line: ConsoleLine) -> None:
        self.judge.see(line.shown, self.now() / NANOSECONDS)
        if self._sink:
            self._sink(line)

    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    def _add_stops(self, stops: Stops) -> None:
        for address, function in stops.items():
            self.cpu.stop_at(address, partial(self._stop, function))

    def _stop(self, function: Stop) -> None:
        self._add_stops(function(Moment(self.memory, self._seconds(), self._executed())) or {})

    def load(self) -> None:
        kernel = self.request.kernel
        assert kernel is not None, "the emulator is handed a kernel"
        if kernel.end > self.memory.ranges[0].size:
            needed = -(-kernel.end // MEGABYTE)
            raise AmbilinkError(
                self.request.image,
                f"needs memory up to {needed} MB, the machine has {self.request.memory_megabytes} MB",
                f"boot it with --memory {max(32, needed + 16)}",
            )
        tables = write_tables(self.memory)
        for segment in kernel.segments:
            self.memory.write(segment.address, segment.data)
        modules = pvh.place_modules(self.memory, self.request.modules, kernel.end, self.request.image)
        start_info = pvh.write_start_info(self.memory, self.request.command_line, tables, modules)
        self.cpu.leave_firmware()
        if kernel.entry64 is not None:
            self.cpu.enter_long_mode(kernel.entry64, start_info, self._identity_tables())
        elif kernel.entry32 is not None:
            self.cpu.enter_protected_mode(kernel.entry32, start_info)

    def _identity_tables(self) -> int:
        top, pointers, directory = IDENTITY_TABLES, IDENTITY_TABLES + 0x1000, IDENTITY_TABLES + 0x2000
        self.memory.write(top, (pointers | 3).to_bytes(8, "little"))
        self.memory.write(pointers, (directory | 3).to_bytes(8, "little"))
        for index in range(512):
            self.memory.write(directory + 8 * index, (index << 21 | 0x83).to_bytes(8, "little"))
        return top

    def run(self) -> Outcome:
        # A guest that executes rubbish may take minutes for one slice.
        watchdog = threading.Timer(min(self.request.timeout, threading.TIMEOUT_MAX), self.cpu.stop)
        watchdog.daemon = True
        watchdog.start()
        try:
            self.load()
            verdict, detail = self._run()
        except (unicorn.UcError, IndexError, NotEmulated) as error:
            verdict, detail = self.failure_of(error)
        finally:
            watchdog.cancel()
        self.cpu.collect_counts()
        loop = self._find_loop() if verdict in (Verdict.TIMEOUT, Verdict.SILENCE) and not self.cpu.halted else None
        self.console.finish(self._seconds(), self.instructions)
        refuse_slow_rules(self.console, self.request)
        verdict, detail = self.judge.conclude((verdict, detail))
        return Outcome(
            machine="emulator",
            verdict=verdict,
            detail=detail,
            console=self.console.lines,
            seconds=self._seconds(),
            instructions=self.instructions,
            memory=self.memory,
            counters=dict(self.cpu.counters),
            crash=self.judge.crash,
            undefined=self.cpu.undefined,
            cpu=None if self.chipset.exit.code is not None else self.cpu.place(self.is_stuck, loop),
            notes=native.notes(self.cpu.context.is_inexact()),
            deviations=self.cpu.deviations,
            touches=self._nowhere.touches,
            touches_more=self._nowhere.more,
        )

    def _find_loop(self) -> Loop | None:
        def step() -> int:
            Board._slice(self, 1)
            return self.cpu.rip

        try:
            return find_loop(step)
        except (unicorn.UcError, IndexError, NotEmulated):
            return None

    def _run(self) -> tuple[Verdict, str]:
        limit = self.request.timeout * NANOSECONDS
        if self.request.keys:
            self.chipset.serial.type(self.request.keys.data)
        while True:
            if not self._read_keys():
                return Verdict.ENDED, ENDED
            self.chipset.run_events()
            waiting = self.chipset.pending
            if waiting and (self.chipset.local.nmi or self.cpu.accepts_interrupt()):
                self.cpu.interrupt(self.chipset.acknowledge())
                waiting = self.chipset.pending
            self._slice(self._until_event(), waiting)
            if self.chipset.exit.code is not None:
                return self.judge.of_code(self.chipset.exit.code)
            if self.chipset.ended:
                return Verdict.RESET, self.chipset.ended
            if decision := self.judge.decide(self.now() / NANOSECONDS):
                return decision
            if self.cpu.triple_fault:
                self.is_stuck = True
                return Verdict.RESET, f"triple fault: {describe_exceptions(self.cpu.triple_fault)}"
            # While the CPU halts and a person may type, the guest's time is the host's.
            if self.cpu.halted and not self._read_keys(self._until_event() / NANOSECONDS):
                return Verdict.ENDED, ENDED
            if not self._wait():
                return Verdict.HALTED, "the CPU halted for ever"
            if self.now() > limit or self._seconds() > self.request.timeout:
                return self.judge.timeout(self.request.timeout)

    def failure_of(self, error: Exception) -> Decision:
        """Of a slice that ended because the CPU cannot go on; raises what is another error."""
        if not isinstance(error, unicorn.UcError | IndexError | NotEmulated):
            raise error
        self.is_stuck = True
        if isinstance(error, NotEmulated):
            return Verdict.FAIL, str(error)
        if isinstance(error, unicorn.UcError):
            return Verdict.FAIL, describe_error(error, self.cpu.invalid_address)
        # An interrupt's frame, or a table of the processor's.
        return Verdict.FAIL, f"the processor needs an address with nothing behind it: {error}"

    def _slice(self, budget: int, until_interrupts_on: bool = False) -> int:
        now, self._running = self.now(), True
        try:
            executed = self.cpu.run(budget, until_interrupts_on, now)
        except (unicorn.UcError, IndexError, NotEmulated):
            self.instructions += self.cpu.executed
            raise
        finally:
            self._running = False
            self._send_kept()
        self.instructions += executed
        return executed

    def _until_event(self) -> int:
        event = self.chipset.next_event
        return SLICE if event is None else max(1, min(SLICE, event - self.now()))

    def _wait(self) -> bool:
        """The CPU halted, or stopped for a port that user mode may not use. False: nothing can wake it."""
        if not self.cpu.halted:
            return True
        if self.chipset.pending:
            return self.chipset.local.nmi or self.cpu.accepts_interrupt()
        may_type = self._keys is not None and self.chipset.lines.reach(SERIAL)
        if not self.cpu.accepts_interrupt() or not (self.chipset.wakes or may_type):
            return False
        event = self.chipset.next_event
        self.idle += max(0, event - self.now()) if event is not None else SLICE
        return True

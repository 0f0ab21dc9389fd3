"""gdb's remote protocol on the bundled emulator: breakpoints, watchpoints, steps, and the way back in time.

Reverse execution runs the boot again from the last snapshot before. What gdb writes into registers or memory begins a
new history: there is no way back behind it.
"""

import socket
from collections.abc import Callable

from ambilink.machine.emulator import gdb_registers
from ambilink.machine.emulator.gdb_packets import Closed, Packets
from ambilink.machine.emulator.gdb_threads import Threads
from ambilink.machine.emulator.stepped import READ, WRITE, Hit, Reached, SteppedBoard, Watch
from ambilink.machine.judge import Decision
from ambilink.machine.model import Verdict
from ambilink.machine.paging import Paging, read_virtual

HOST = "127.0.0.1"
SUPPORTED = (
    b"PacketSize=10000;qXfer:features:read+;QStartNoAckMode+;swbreak+;hwbreak+;ReverseStep+;ReverseContinue+"
    b";vContSupported+;qXfer:threads:read+"
)
TRAP, SEGV, INT = 5, 11, 2
WATCHES = {2: WRITE, 3: READ, 4: READ | WRITE}
WATCH_WORDS = {WRITE: "watch", READ: "rwatch", READ | WRITE: "awatch"}
ENDED = "in the debugger"


class Killed(Exception):
    """gdb ended the machine."""


class DebuggedBoard(SteppedBoard):
    """Waits for gdb before its first instruction, and obeys it."""

    def _run(self) -> Decision:
        assert self.request.debugger_port is not None
        with socket.create_server((HOST, self.request.debugger_port)) as server:
            connection = server.accept()[0]
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return GdbServer(self, Packets(connection)).serve()


class GdbServer:
    def __init__(self, board: DebuggedBoard, packets: Packets) -> None:
        self.board, self.packets, self.cuts = board, packets, board.cuts
        self._threads = Threads(board)
        self._breakpoints: set[int] = set()
        self._watches: set[Watch] = set()
        self._decision: Decision | None = None  # the boot ended
        self._changed = False  # by gdb, since the machine stopped
        self._reason = self._stop(TRAP)
        self.cuts.keeps_snapshots = True
        self.cuts.between = self._look_for_interrupt
        self._interrupted = False

    def serve(self) -> Decision:
        """Until the boot ends; without gdb it goes on alone."""
        try:
            while True:
                command = self.packets.next()
                reply = self._answer(command)
                if reply is not None:
                    self.packets.send(reply)
                if reply is not None and reply[:1] == b"W":
                    assert self._decision is not None
                    return self._decision
                if command[:1] == b"D":
                    break
        except Killed:
            return Verdict.ENDED, ENDED
        except Closed:
            return Verdict.ENDED, ENDED
        self._breakpoints, self._watches = set(), set()
        self.cuts.set(set())
        self.cuts.between, self.cuts.keeps_snapshots = (lambda: None), False
        decision = self._decision or self.cuts.go_on()
        assert decision is not None
        return decision

    def _answer(self, command: bytes) -> bytes | None:
        head, text = command[:1], command.decode("latin-1")
        if head in (b"c", b"s", b"C", b"S"):
            return self._resume(head.lower() == b"s")
        if text.startswith("vCont;"):
            return self._resume(text[6:7].lower() == "s")
        simple: dict[str, Callable[[], bytes]] = {
            "?": lambda: self._reason,
            "g": self._read_all,
            "bs": self._step_back,
            "bc": self._continue_back,
            "D": lambda: b"OK",
            "vCont?": lambda: b"vCont;c;C;s;S",
            "qAttached": lambda: b"1",
            "qOffsets": lambda: b"",
        }
        if text in simple:
            return simple[text]()
        if text.startswith("k") or text.startswith("vKill"):
            raise Killed
        if text == "QStartNoAckMode":
            self.packets.send(b"OK")
            self.packets.acknowledges = False
            return None
        try:
            return self._with_words(text, command)
        except (ValueError, IndexError):
            return b"E01"

    def _with_words(self, text: str, command: bytes) -> bytes | None:
        if text.startswith("qSupported"):
            return SUPPORTED
        if text.startswith("qXfer:features:read:target.xml:"):
            start, size = (int(each, 16) for each in text.rpartition(":")[2].split(","))
            part = gdb_registers.description().encode()[start : start + size]
            return (b"m" if len(part) == size else b"l") + part
        if (answer := self._threads.answer(text)) is not None:
            return answer
        if text[:1] == "m":
            address, size = (int(each, 16) for each in text[1:].split(","))
            data = read_virtual(self.board.memory, self._paging(), address, min(size, 1 << 16))
            return data.hex().encode() or b"E14"
        if text[:1] in ("M", "X"):
            return self._write_memory(text[:1], command)
        if text[:1] == "p":
            return self._threads.register(gdb_registers.REGISTERS[int(text[1:], 16)])
        if text[:1] == "P":
            number, value = text[1:].split("=")
            self._write_register(int(number, 16), bytes.fromhex(value))
            return b"OK"
        if text[:1] == "G":
            data, at = bytes.fromhex(text[1:]), 0
            for index, register in enumerate(gdb_registers.REGISTERS):
                self._write_register(index, data[at : at + register.bits // 8])
                at += register.bits // 8
            return b"OK"
        if text[:1] in ("Z", "z"):
            return self._point(text)
        return b""

    # Registers and memory.

    def _paging(self) -> Paging:
        return self._threads.paging

    def _read_all(self) -> bytes:
        return b"".join(self._threads.register(each) for each in gdb_registers.REGISTERS)

    def _write_register(self, number: int, data: bytes) -> None:
        if self._threads.selected:
            raise ValueError("what the guest's kernel saved stays as it is")
        gdb_registers.write(self.board.cpu.engine, gdb_registers.REGISTERS[number], data)
        self.board.cpu.context.save()
        self._changed = True

    def _write_memory(self, kind: str, command: bytes) -> bytes:
        head, _, data = command[1:].partition(b":")
        address, size = (int(each, 16) for each in head.split(b","))
        if kind == "M":
            data = bytes.fromhex(data.decode())
        if len(data) != size:
            return b"E01"
        paging = self._paging()
        for at, byte in enumerate(data):
            physical = paging.physical(self.board.memory, address + at)
            if physical is None:
                return b"E14"
            self.board.memory.write(physical, bytes((byte,)))
        self._changed = self._changed or size > 0
        return b"OK"

    def _point(self, text: str) -> bytes:
        kind, address, size = int(text[1:2]), *(int(each, 16) for each in text.split(",")[1:3])
        if kind in (0, 1):
            (self._breakpoints.add if text[0] == "Z" else self._breakpoints.discard)(address)
            return b"OK"
        if kind not in WATCHES:
            return b""
        if text[0] == "z":
            self._watches = {each for each in self._watches if (each.address, each.kinds) != (address, WATCHES[kind])}
            return b"OK"
        physical = self._paging().physical(self.board.memory, address)
        if physical is None:
            return b"E14"
        self._watches.add(Watch(address, physical, size, WATCHES[kind]))
        return b"OK"

    # Forward and back.

    def _begin(self) -> None:
        if self._changed:
            self.cuts.forget_past()
            self._changed = False
        self.cuts.set({*self._breakpoints, *self._watches})
        self._threads.forget()

    def _look_for_interrupt(self) -> None:
        if self.packets.interrupted():
            self._interrupted = True
            raise Reached

    def _resume(self, is_step: bool) -> bytes:
        if self._decision:
            return self._exited()
        self._begin()
        self._interrupted = False
        goal = {"goal": self.board.instructions + 1} if is_step else {}
        try:
            decision = self.cuts.go_on(**goal)
        except Exception as error:
            decision = self.board.failure_of(error)
        if decision:
            self._decision = decision
            if self.board.chipset.exit.code is not None or decision[0] is Verdict.PASS:
                return self._exited()
            self._reason = self._stop(SEGV)
        else:
            self._reason = self._stop(INT if self._interrupted else TRAP, self.cuts.hit)
        return self._reason

    def _exited(self) -> bytes:
        assert self._decision is not None
        return b"W%02x" % self._decision[0].exit_status

    def _stop(self, signal: int, hit: Hit | None = None, words: str = "") -> bytes:
        if hit and hit.watch:
            words = f"{WATCH_WORDS[hit.watch.kinds]}:{hit.watch.address:x};"
        elif hit:
            words = "swbreak:;"
        return f"T{signal:02x}{words}thread:1;".encode()

    def _go_back(self, goal: int, hit: Hit | None = None) -> bytes:
        self._begin()
        self._decision = None
        if goal < self.cuts.earliest:
            self.cuts.go_back(self.cuts.earliest)
            self._reason = self._stop(TRAP, None, "replaylog:begin;")
        else:
            self.cuts.go_back(goal)
            self._reason = self._stop(TRAP, hit)
        return self._reason

    def _step_back(self) -> bytes:
        return self._go_back(self.board.instructions - 1)

    def _continue_back(self) -> bytes:
        self._begin()
        hit = self.cuts.last_hit(self.board.instructions)
        return self._go_back(hit.before if hit else -1, hit)

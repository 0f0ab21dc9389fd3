"""A machine of the native helper, as Python sees it: native/machine.h."""

import ctypes
import weakref
from collections.abc import Callable

import unicorn

from ambilink.errors import AmbilinkError
from ambilink.machine.emulator import native
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import Counts

MEMORY_RANGES = 2
LINE_MAX = 512
REGISTERS = 16
TALLIES = 1 << 20
MARK = 0x5A5A1234ABCD0000
REGISTER_CR8 = 0x7FFFFFFF
DEVIATIONS = (  # enum deviation
    "an x87 exception was pending while CR0.NE is 0: there is no FERR#, so it is not raised",
)
READ_REGISTER = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint32, ctypes.c_uint64, ctypes.POINTER(ctypes.c_uint32))
WRITE_REGISTER = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_uint64)
DELIVER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)


class _Range(ctypes.Structure):
    _fields_ = [("start", ctypes.c_uint64), ("size", ctypes.c_uint64), ("bytes", ctypes.c_void_p)]


class _Tally(ctypes.Structure):
    """tally.c"""

    _fields_ = [("table", ctypes.c_uint64), ("address", ctypes.c_uint64), ("count", ctypes.c_uint64)]


class _Place(ctypes.Structure):
    _fields_ = [("rip", ctypes.c_uint64), ("page_table", ctypes.c_uint64)]


class Machine(ctypes.Structure):
    _fields_ = [
        ("count", ctypes.c_uint64),
        ("bound", ctypes.c_uint64),
        ("place", ctypes.c_size_t),
        ("block", ctypes.c_uint32),
        ("ignored", ctypes.c_uint32),
        ("exit", ctypes.c_void_p),
        ("can_access_devices", ctypes.c_void_p),
        ("limit", ctypes.c_uint64),
        ("pause", ctypes.c_uint32),
        ("interrupts", ctypes.c_uint32),
        ("is_halted", ctypes.c_uint32),
        ("begins_again", ctypes.c_uint32),
        ("engine", ctypes.c_void_p),
        ("cpu", ctypes.c_void_p),
        ("translator", ctypes.c_void_p),
        ("state", ctypes.c_void_p),
        ("start_time", ctypes.c_uint64),
        ("system_calls", ctypes.c_uint64),
        ("exceptions", ctypes.c_uint64),
        ("deliveries", ctypes.c_uint64),
        ("access", ctypes.c_size_t),
        ("deliver", DELIVER),
        ("memory", _Range * MEMORY_RANGES),
        ("line_port", ctypes.c_uint32),
        ("line_size", ctypes.c_uint32),
        ("line", ctypes.c_uint8 * LINE_MAX),
        ("counter_adjust", ctypes.c_uint64),
        ("read_register", READ_REGISTER),
        ("write_register", WRITE_REGISTER),
        ("noted_address", ctypes.c_uint64),
        ("noted_place", ctypes.c_size_t),
        ("noted_size", ctypes.c_uint32),
        ("debug_hits", ctypes.c_uint32),
        ("deviations", _Place * len(DEVIATIONS)),
        ("deviated", ctypes.c_uint32),
        ("is_translating", ctypes.c_uint32),
        ("fault_address", ctypes.c_uint64),
    ]


class _Tallies(ctypes.Structure):
    _fields_ = [
        ("machine", ctypes.POINTER(Machine)),
        ("size", ctypes.c_uint64),
        ("used", ctypes.c_uint64),
        ("lost", ctypes.c_uint64),
        ("entries", ctypes.POINTER(_Tally)),
    ]


def _functions(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer = ctypes.POINTER(Machine)
    for name, result, arguments in (
        ("tallies_compact", None, (ctypes.POINTER(_Tallies),)),
        ("machine_size", ctypes.c_size_t, ()),
        ("machine_attach", ctypes.c_bool, (pointer, ctypes.c_void_p)),
        ("machine_detach", None, (ctypes.c_void_p,)),
        ("machine_begin", None, (pointer, ctypes.c_uint64, ctypes.c_bool)),
        ("machine_end", ctypes.c_uint64, (pointer,)),
        ("machine_pause", None, (pointer,)),
        ("machine_now", ctypes.c_uint64, (pointer,)),
        ("machine_find_place", None, (pointer,)),
        ("machine_interrupt", ctypes.c_bool, (pointer, ctypes.c_uint32)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class NativeRun:
    """Counts a machine's instructions, and delivers what can be delivered without Python."""

    def __init__(self, library: ctypes.CDLL, engine: unicorn.Uc, memory: PhysicalMemory, address: int) -> None:
        """`address`: of the engine. `deliver` must be set before the first run."""
        self._library, self._engine = _functions(library), engine
        self.machine = Machine()
        assert ctypes.sizeof(Machine) == library.machine_size()
        # Not byref: the garbage collector does not see through it, and the structure's callbacks lead to this object.
        self._pointer = ctypes.pointer(self.machine)
        base = ctypes.addressof(ctypes.c_char.from_buffer(memory.buffer))
        for index, part in enumerate(memory.ranges):
            self.machine.memory[index] = _Range(part.start, part.size, base + part.offset)
        if not library.machine_attach(self._pointer, address) or not self._is_as_known(engine):
            library.machine_detach(self._pointer)
            raise native.NativeUnavailable("unicorn", "is laid out otherwise than the native helper knows")
        self._counts: Counts | None = None
        # By address: a reference to the structure would keep its callbacks, and by them this object.
        weakref.finalize(self, library.machine_detach, ctypes.addressof(self.machine))

    def _is_as_known(self, engine: unicorn.Uc) -> bool:
        """The registers lie where the helper looks for them."""
        from unicorn import x86_const as x86

        before = engine.reg_read(x86.UC_X86_REG_R15)
        engine.reg_write(x86.UC_X86_REG_R15, MARK)
        found = (ctypes.c_uint64 * REGISTERS).from_address(self.machine.state)[15] == MARK
        engine.reg_write(x86.UC_X86_REG_R15, before)
        return found

    @property
    def state(self) -> int:
        """The address of the CPU's state."""
        return int(self.machine.state)

    def add_hook(self, deliver: Callable[[int], None]) -> None:
        """`deliver` is called for the exceptions that the helper leaves to Python."""
        self.machine.deliver = self._deliver = DELIVER(lambda engine, vector: deliver(vector))
        self._hook(unicorn.UC_HOOK_INTR, self._library.machine_on_exception, self._pointer)

    def _hook(self, kind: int, function: object, data: object) -> None:
        """Unicorn's Python package adds hooks in Python alone."""
        from unicorn.unicorn_py3.unicorn import uclib

        hook, address = ctypes.c_size_t(), ctypes.cast(function, ctypes.c_void_p)  # type: ignore[arg-type]
        status = uclib.uc_hook_add(self._engine._uch, ctypes.byref(hook), kind, address, data, 1, 0)
        if status != unicorn.UC_ERR_OK:
            raise unicorn.UcError(status)

    def count_each(self, counts: Counts) -> None:
        """From here on count how often each instruction is executed; collect_counts() completes them."""
        self._counts = counts
        self._entries = (_Tally * TALLIES)()
        self._tallies = _Tallies(ctypes.pointer(self.machine), TALLIES, 0, 0, self._entries)
        self._hook(unicorn.UC_HOOK_CODE, self._library.tally, ctypes.byref(self._tallies))

    def collect_counts(self) -> None:
        """Raises AmbilinkError where the guest executed too many different instructions."""
        if self._counts is None:
            return
        if self._tallies.lost:
            rule = f"executes more than {TALLIES // 2:,} different instructions"
            remedy = f"set {native.SWITCH}={native.WITHOUT}, which counts any number, slowly"
            raise AmbilinkError("the guest", rule, remedy)
        self._library.tallies_compact(ctypes.byref(self._tallies))
        used = self._entries[: self._tallies.used]
        self._counts.update({(each.table, each.address): each.count for each in used})

    def connect(self, read: Callable[[int, int], int | None], write: Callable[[int, int, int], bool]) -> None:
        """The registers of the local APIC: `read(msr, counter)` and `write(msr, value, counter)`, which give None and
        False for what faults. The counter is the time-stamp counter."""

        def read_register(msr: int, counter: int, fault: "ctypes._Pointer[ctypes.c_uint32]") -> int:
            value = read(msr, counter)
            fault[0] = value is None
            return value or 0

        self.machine.read_register = self._read = READ_REGISTER(read_register)
        self.machine.write_register = self._write = WRITE_REGISTER(
            lambda msr, value, counter: not write(msr, value, counter)
        )

    def run(self, limit: int, start_time: int, until_interrupts_on: bool) -> int:
        """Execute at most `limit` instructions; returns how many."""
        self.machine.start_time = start_time
        self._library.machine_begin(self._pointer, limit, until_interrupts_on)
        rip = ctypes.c_uint64.from_address(self.state + 8 * REGISTERS).value
        try:
            self._engine.emu_start(rip, 0)
        finally:
            self.executed = int(self._library.machine_end(self._pointer))
        if self.machine.ignored:
            raise native.NativeUnavailable("unicorn", "translates blocks otherwise than the native helper knows")
        return self.executed

    @property
    def deviations(self) -> dict[str, tuple[int, int]]:
        """RIP and CR3 where each was met first."""
        met, places = self.machine.deviated, self.machine.deviations
        return {
            what: (places[index].rip, places[index].page_table)
            for index, what in enumerate(DEVIATIONS)
            if met >> index & 1
        }

    def now(self) -> int:
        """The guest's time in a run, exact."""
        return int(self._library.machine_now(self._pointer))

    def find_place(self) -> None:
        """In a call from a device: let RIP be the address of the instruction that accesses it."""
        self._library.machine_find_place(self._pointer)

    def pause(self) -> None:
        self._library.machine_pause(self._pointer)

    def stop(self) -> None:
        self._engine.emu_stop()

    @property
    def is_halted(self) -> bool:
        return bool(self.machine.is_halted)

    def interrupt(self, vector: int) -> bool:
        return bool(self._library.machine_interrupt(self._pointer, vector))

    def take_output(self) -> bytes:
        machine = self.machine
        output, machine.line_size = bytes(machine.line[: machine.line_size]), 0
        return output

"""Booting an image on a machine chosen by name."""

from ambilink.errors import AmbilinkError
from ambilink.machine.model import BootRequest, Counts, LineSink, NoMachine, Outcome, Stops

MACHINES = ("emulator", "qemu")


def boot(
    machine: str,
    request: BootRequest,
    sink: LineSink | None = None,
    stops: Stops | None = None,
    counts: Counts | None = None,
) -> Outcome:
    """Raises NoMachine where the machine is not available, AmbilinkError for a bad image. Only the bundled emulator
    can stop at addresses, and count how often each instruction is executed, which makes it several times slower."""
    if machine == "emulator":
        try:
            from ambilink.machine.emulator.board import Board
            from ambilink.machine.emulator.context import LayoutError
            from ambilink.machine.emulator.gdb_server import DebuggedBoard
            from ambilink.machine.emulator.stepped import SteppedBoard
        except ImportError as error:
            raise NoMachine(f"the package unicorn is not installed ({error})") from error
        try:
            board = Board if request.stop_at is None else SteppedBoard
            if request.debugger_port is not None:
                board = DebuggedBoard
            return board(request, sink, stops or {}, counts).run()
        except LayoutError as error:
            raise NoMachine(str(error)) from error
    if machine == "qemu":
        from ambilink.machine import qemu

        return qemu.boot(request, sink)
    raise AmbilinkError(machine, "is no machine", f"there are {', '.join(MACHINES)}")

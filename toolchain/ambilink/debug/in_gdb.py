# mypy: disable-error-code=misc
"""Runs in gdb, whose Python may be older than ours: follows a boot's processes, loads symbols where code is mapped.

The kernel calls `code_mapped(page table, address, physical address)` when pages of the image became executable in an
address space. A breakpoint there learns which file lies where, whatever linked it: loader service, kernel, interpreter
or packer. A place of a file becomes a breakpoint at its address in each process that has the file, held to the process:
QEMU stops at a virtual address in every address space.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import gdb

session: dict[str, Any] = globals()["ambilink_session"]
KERNEL = "kernel"
FRAME_MASK = 0x000FFFFFFFFFF000
ALIVE = 0
PROCESSES_MAX = 100000
NOWHERE = 0x100000000000000  # no process has this address


def quiet(command: str) -> str:
    result: str = gdb.execute(command, False, True)
    return result


def read(address: int, layout: struct.Struct) -> tuple[Any, ...]:
    return layout.unpack(bytes(gdb.selected_inferior().read_memory(address, layout.size)))


def register(name: str) -> int:
    return int(gdb.parse_and_eval("$" + name)) & 0xFFFFFFFFFFFFFFFF


def current_table() -> int:
    return register("cr3") & FRAME_MASK


class Process:
    def __init__(self, number: int, name: str, alive: bool) -> None:
        self.number, self.name, self.alive = number, name, alive


NO_PROCESS = Process(0, KERNEL, True)


def process_of(table: int) -> Process:
    """The newest process with this page table, by the kernel's list; number 0: the kernel's own table."""
    if "process_format" not in session:
        return NO_PROCESS
    layout = struct.Struct(session["process_format"])
    at = read(session["record"], struct.Struct(session["record_format"]))[3]
    for _ in range(PROCESSES_MAX):
        if not at:
            break
        fields = read(at, layout)
        following, number, name, state = fields[:4]
        if fields[5] == table:
            return Process(number, name.split(b"\0")[0].decode("utf-8", "replace"), state == ALIVE)
        at = following
    return NO_PROCESS


class Module:
    """A file of the image in one process."""

    def __init__(self, file: dict[str, Any], process: Process, table: int, bias: int) -> None:
        self.file, self.process, self.table, self.bias = file, process, table, bias
        spans = [(bias + address, bias + address + size) for _, address, _, size in file["segments"]]
        self.low, self.high = min(low for low, _ in spans), max(high for _, high in spans)
        self.key = (file["name"], bias)  # processes that have a file at the same address share its symbols

    def overlaps(self, other: Module) -> bool:
        return self.key != other.key and self.low < other.high and other.low < self.high

    def load(self) -> None:
        if self.key not in loaded and self.file["symbols"]:
            add_symbols(self.file, self.bias)
            loaded[self.key] = self


modules: list[Module] = []
loaded: dict[Any, Module] = {}


class PlaceBreakpoint(gdb.Breakpoint):
    """At an address of some processes."""

    def __init__(self, address: int) -> None:
        super().__init__(f"*{address:#x}")
        self.silent = True  # the symbols may still be another process': `stopped` shows the place
        self.modules: list[Module] = []

    def stop(self) -> bool:
        table = current_table()
        process = process_of(table)
        return any(not each.process.number or each.process.number == process.number for each in self.modules)


def place_breakpoint(address: int, module: Module) -> None:
    found = breakpoints.get(address)
    if found is None or not found.is_valid():
        found = breakpoints[address] = PlaceBreakpoint(address)
    found.modules.append(module)


breakpoints: dict[int, PlaceBreakpoint] = {}


class Place:
    def __init__(self, text: str, file: str, service: str, spec: str) -> None:
        self.text, self.file, self.service, self.spec = text, file, service, spec
        self.offsets: dict[str, list[int]] = {}  # p_vaddr of what stops, by the file's name

    def find(self) -> bool:
        """Look for it in all files that may have it; whether one has."""
        for file in session["files"]:
            if file["symbols"] and self.file in ("", file["name"]):
                self.offsets[file["name"]] = offsets_of(self.spec, file)
        return any(self.offsets.values())

    def set_in(self, module: Module) -> None:
        if not self.service or self.service == module.process.name:
            for offset in self.offsets.get(module.file["name"], ()):
                place_breakpoint(module.bias + offset, module)


places: list[Place] = []


def addresses_of(spec: str) -> list[int]:
    """All that gdb finds with the symbols that are loaded now, behind the functions' prologues."""
    quiet("set trust-readonly-sections on")  # the process that has the code may not be the running one, nor run yet
    try:
        gdb.decode_line(spec)  # raises where there is none: a breakpoint would be left pending, and be reported
        found = gdb.Breakpoint(spec, internal=True)
        try:
            text = quiet(f"maint info breakpoints {found.number}")
        finally:
            found.delete()
        return sorted({int(each, 16) for each in re.findall(r"\b0x[0-9a-f]{8,16}\b", text)})
    except gdb.error:
        return []
    finally:
        quiet("set trust-readonly-sections off")


def offsets_of(spec: str, file: dict[str, Any]) -> list[int]:
    """With the file at an address where nothing else is, so that its places are told from those of others."""
    remove_symbols(file)
    low = NOWHERE + min(address for _, address, _, _ in file["segments"])
    high = NOWHERE + max(address + size for _, address, _, size in file["segments"])
    add_symbols(file, NOWHERE)
    try:
        found = [each - NOWHERE for each in addresses_of(spec) if low <= each < high]
        return [each for each in found if not any(start <= each < end for start, end in file["stubs"])]
    finally:
        remove_symbols(file)


def quoted(path: str) -> str:
    return '"{}"'.format(path.replace("\\", "\\\\").replace('"', '\\"'))


def add_symbols(file: dict[str, Any], bias: int) -> None:
    quiet("add-symbol-file {} -o {:#x}".format(quoted(file["symbols"]), bias))


def remove_symbols(file: dict[str, Any]) -> None:
    """By the name, which gdb may have at several addresses: by an address gdb 13 crashes for some files."""
    try:
        while True:
            quiet("remove-symbol-file {}".format(quoted(file["symbols"])))
    except gdb.error:
        pass  # there are no more
    for key, module in list(loaded.items()):
        if module.file["symbols"] == file["symbols"]:
            del loaded[key]


def file_at(physical: int) -> dict[str, Any] | None:
    for file in session["files"]:
        if file["physical"] <= physical < file["physical"] + file["size"]:
            found: dict[str, Any] = file
            return found
    return None


def bias_of(file: dict[str, Any], address: int, physical: int) -> int | None:
    offset = physical - file["physical"]
    for at, virtual, size, _ in file["segments"]:
        if at & ~0xFFF <= offset < at + size:
            return int(address - ((virtual & ~0xFFF) + offset - (at & ~0xFFF)))
    return None


def take(table: int, address: int, physical: int) -> None:
    """Code of the image became executable in an address space. No symbols may be removed here: gdb is within a stop."""
    file = file_at(physical)
    bias = bias_of(file, address, physical) if file else None
    if file is None or bias is None:
        return
    process = process_of(table)
    module = Module(file, process, table, bias)
    same = [each for each in modules if each.table == table]
    if any(each.process.number == process.number and each.key == module.key for each in same):
        return  # another segment of it
    for each in same:  # the table is another process' now, or the file was closed
        if each.process.number != process.number or each.overlaps(module):
            modules.remove(each)
    modules.append(module)
    module.load()
    for place in places:
        place.set_in(module)


class Kernel:
    """It begins where it is linked, and goes on where it chose to lie in this boot. Symbols and breakpoints are at
    both, for its first part runs before it moves."""

    def __init__(self) -> None:
        self.moved = 0
        self.breakpoints: list[int] = []  # of its own addresses, before it moved

    def left(self, address: int) -> bool:
        """It was there, and is no more."""
        low, high = session.get("kernel_span", (0, 0))
        return bool(self.moved) and low <= address < high

    def stop_at(self, address: int) -> None:
        gdb.Breakpoint(f"*{address:#x}")
        self.breakpoints.append(address)

    def move(self) -> None:
        """Its record, which can still be read where it is linked, says where to."""
        if self.moved:  # the boot was gone back in, and passes here again
            return
        layout = struct.Struct(session["record_format"])
        self.moved = read(session["record"], layout)[session["moved_field"]]
        session["record"] = session["record"] + self.moved
        if session["kernel"]:
            quiet("add-symbol-file {} -o {:#x}".format(quoted(session["kernel"]), self.moved))
        if session["files"]:
            follow_mapped(session["mapped"] + self.moved)
        low, high = session["kernel_span"]
        for address in self.breakpoints:
            if low <= address < high:
                gdb.Breakpoint(f"*{address + self.moved:#x}")


kernel = Kernel()


class PlacedBreakpoint(gdb.Breakpoint):
    """At an instruction of the boot code, which is not moved."""

    def stop(self) -> bool:
        try:
            kernel.move()
        except (gdb.error, OSError) as error:
            print(f"ambilink: {error}")
        return False


def show_current() -> None:
    """Where processes have different code at one address, that of the running one is shown."""
    running = current_table()
    here = [each for each in modules if each.table == running]
    wanted = [each for each in modules if not any(each.overlaps(other) for other in here)]
    keys = {each.key for each in wanted}
    for module in [each for key, each in loaded.items() if key not in keys]:
        remove_symbols(module.file)
    for module in wanted:
        module.load()


class MappedBreakpoint(gdb.Breakpoint):
    def stop(self) -> bool:
        try:
            take(register("rdi"), register("rsi"), register("rdx"))
        except (gdb.error, OSError) as error:
            print(f"ambilink: {error}")
        return False


def follow_mapped(address: int) -> None:
    MappedBreakpoint(f"*{address:#x}", internal=True).silent = True


def stopped(event: Any) -> None:
    if gdb.selected_inferior().pid == 0:
        return
    try:
        show_current()
        process = process_of(current_table())
        where = f"process {process.number} ({process.name})" if process.number else "the kernel"
        silent = [each for each in getattr(event, "breakpoints", ()) if isinstance(each, PlaceBreakpoint)]
        if silent:
            print(f"\nBreakpoint {silent[0].number}, in {where}")
            gdb.execute("frame")
        elif process.number:
            print(f"ambilink: in {where}")
    except gdb.error as error:
        print(f"ambilink: {error}")


class Ambilink(gdb.Command):
    """Look at the processes of a boot, and stop in them."""

    def __init__(self) -> None:
        super().__init__("ambilink", gdb.COMMAND_USER, prefix=True)


class Processes(gdb.Command):
    """List processes, and which file lies where in them."""

    def __init__(self) -> None:
        super().__init__("ambilink processes", gdb.COMMAND_STATUS)

    def invoke(self, argument: str, from_tty: bool) -> None:
        running = current_table()
        seen: list[int] = []
        for module in modules:
            if module.process.number in seen:
                continue
            seen.append(module.process.number)
            mark = "*" if module.table == running else " "
            ended = "" if process_of(module.table).alive else ", ended"
            print(f"{mark} {module.process.number:>3} {module.process.name}{ended}")
            for each in modules:
                if each.process.number == module.process.number:
                    symbols = "" if each.file["symbols"] else "  (no symbols)"
                    print("      {:#018x} {}{}".format(each.bias, each.file["name"], symbols))


class Break(gdb.Command):
    """Stop at FILE:PLACE in every process that has it, now or later: ambilink break services/greet:main."""

    def __init__(self) -> None:
        super().__init__("ambilink break", gdb.COMMAND_BREAKPOINTS, gdb.COMPLETE_LOCATION)

    def invoke(self, argument: str, from_tty: bool) -> None:
        head, _, spec = argument.strip().partition(":")
        known = [each["name"] for each in session["files"]] + [KERNEL]
        if not argument.strip():
            raise gdb.GdbError("give a place: FILE:FUNCTION, FILE:SOURCE:LINE or FUNCTION")
        place = Place(argument, head, "", spec) if spec and head in known else Place(argument, "", "", argument.strip())
        add_place(place)
        show_current()


def add_place(place: Place) -> None:
    found = False
    if place.file in ("", KERNEL):
        for address in addresses_of(place.spec):
            if not any(each.low <= address < each.high for each in modules) and not kernel.left(address):
                kernel.stop_at(address)
                found = True
    if place.file != KERNEL and place.find():
        found = True
        places.append(place)
        for module in modules:
            place.set_in(module)
    if not found:
        print(f"ambilink: {place.text}: there is no such place")


def begin() -> None:
    for folder in session["folders"]:
        quiet(f"directory {quoted(folder)}")
    if session["kernel"]:
        quiet("symbol-file {}".format(quoted(session["kernel"])))
    for text, file, service, spec in session["places"]:
        add_place(Place(text, file, service, spec))
    gdb.execute("target remote {}".format(session["target"]))
    Ambilink()
    Processes()
    Break()
    if session.get("placed"):
        PlacedBreakpoint("*{:#x}".format(session["placed"]), internal=True).silent = True
    elif session["files"]:
        follow_mapped(session["mapped"])
    gdb.events.stop.connect(stopped)
    gdb.execute("define hookpost-thread\npython show_current()\nend")
    print(
        "The machine waits: `continue` starts it. `ambilink processes` lists what runs, `ambilink break` stops there."
    )


begin()

"""Who called a function with what, and what it returned: by running a boot three times.

The first run finds where the kernel and the files of each process lie, the second one who calls, the third one has
hooks where calls begin and where they return to. A boot of the bundled emulator repeats to the instruction, so all
three are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ambilink.bootimage import linux
from ambilink.bootimage.container import ImageFile, read
from ambilink.bootimage.identify import identify
from ambilink.errors import AmbilinkError, known
from ambilink.machine.emulator.stepped import NEVER, SteppedBoard
from ambilink.machine.model import BootRequest
from ambilink.verify.address_spaces import AddressSpace, AddressSpaces
from ambilink.verify.backtrace import describe_address, find_kernel_address
from ambilink.verify.calls_seen import KERNEL_HALF, CallSeen, Entry, Watched, run
from ambilink.verify.functions import Functions
from ambilink.verify.kernel_file import startable
from ambilink.verify.kernel_place import distance_of, following
from ambilink.verify.kernel_state import ProcessState, ThreadState, read_kernel_state
from ambilink.verify.modules import MappedModule
from ambilink.verify.system_calls import HANDLER, name_of

SYSTEM_CALLS = "syscalls"  # of this project's kernel, in the place of a function
LOADER = "loader"  # the process that no manifest names


@dataclass(frozen=True)
class Wanted:
    functions: Sequence[str]  # see Functions.find(), or SYSTEM_CALLS, or a service: all functions of its files
    arguments: int = 3  # how many are shown
    services: Sequence[str] = ()  # whose calls alone


def calls_of(request: BootRequest, wanted: Wanted, root: Path) -> list[CallSeen]:
    """`root`: the build folder, for symbols."""
    file = identify(request.image)
    if request.seed is None and file.is_ambilink:
        request = replace(request, seed=1)
    image = _packed(request.image)
    spaces = AddressSpaces(image)
    functions = Functions(request.image, spaces.modules, root)
    names = [f"kernel:{HANDLER}" if name == SYSTEM_CALLS else name for name in wanted.functions]
    traced = services_among(names, image, functions)
    alone = [name for name in names if name not in traced]
    found = [each for name in alone for each in functions.find(name, in_files=bool(wanted.services))]
    with TemporaryDirectory(prefix="ambilink-calls-") as scratch:
        given = replace(startable("emulator", request, file, None, Path(scratch), image is not None), stop_at=NEVER)
        first = run(SteppedBoard(given, None, following(image, spaces.stops) if image else None))
        moved = distance_of(image, first.memory) if image else 0
        spaces.finish(first.memory)
        _check_services(request.image, spaces, wanted.services, "--calls-of")
        _check_services(request.image, spaces, traced, "--calls")
        entries = [Entry(each.name, 0, each.address + moved) for each in found if not each.file]
        entries += [
            Entry(each.name, space.process.page_table, module.base + each.address)
            for space in spaces
            if not wanted.services or space.process.name in wanted.services
            for module in space.modules
            for each in found
            if each.file == module.file.name
        ]
        entries += [
            Entry(each.name, space.process.page_table, module.base + each.address)
            for space in spaces
            if space.process.name in traced
            for module in space.modules
            for each in functions.all_of(module.file.name)
        ]
        decodes = SYSTEM_CALLS in wanted.functions
        second = Watched(given, entries, wanted.arguments, decodes)
        third = Watched(given, entries, wanted.arguments, decodes, second.returns)
    view = _View(request.image, image, root, spaces, moved, third, functions)
    seen = [view.complete(call) for call in third.calls]
    of = {*wanted.services, *traced} if wanted.services or not alone else set()
    return [call for call in seen if not of or call.process in of]


def services_among(names: Sequence[str], image: ImageFile | None, functions: Functions) -> list[str]:
    """Those that are services and no functions; what is both is refused."""
    services = {LOADER, *(each.name for each in image.archive.services)} if image else set()
    for name in services.intersection(names):
        if files := functions.files_with(name):
            remedy = f"give {files[0]}:{name} for the function, or FILE:* with --calls-of {name} for the service"
            raise AmbilinkError(f"--calls {name}", "is a service, and a function, too", remedy)
    return [name for name in names if name in services]


def _check_services(booted: Path, spaces: AddressSpaces, services: Sequence[str], option: str) -> None:
    names = {space.process.name for space in spaces}
    for name in services:
        if name not in names:
            raise AmbilinkError(booted, f"runs no service {name!r}, which {option} names", known(names, name))


def _packed(path: Path) -> ImageFile | None:
    try:
        return read(path)
    except AmbilinkError:
        return None


class _View:
    """What is known of calls when a boot has ended."""

    def __init__(
        self,
        booted: Path,
        image: ImageFile | None,
        root: Path,
        spaces: AddressSpaces,
        moved: int,
        watched: Watched,
        functions: Functions,
    ) -> None:
        self._booted, self._root, self._spaces, self._moved = booted, root, spaces, moved
        self._functions = functions
        self._described: dict[tuple[str, int], str] = {}
        state = read_kernel_state(image, watched.board.memory) if image else None
        self._waiting = {
            (process.page_table, thread.registers.rsp)
            for process in (state.processes if state else [])
            if process.state is ProcessState.ALIVE
            for thread in process.threads
            if thread.state not in (ThreadState.READY, ThreadState.DEAD)
        }

    def complete(self, call: CallSeen) -> CallSeen:
        space = self._spaces.at(call.page_table, call.instructions)
        call.process = space.process.name if space else ""
        if call.is_system_call:
            service = self._spaces.modules.service_of(space.process) if self._spaces.modules and space else None
            within = self._module(space, call.returns_to - 1)
            # Linux' calls come to the kernel, which passes them on to the layer, which makes calls of the kernel's own.
            call.function = name_of(call.number, None if within and within.file.name == linux.LAYER else service)
            call.waits = call.result is None and (call.page_table, call.stack) in self._waiting
        key = call.process, call.returns_to
        if key not in self._described:
            self._described[key] = self._describe(space, call.returns_to - 1)
        call.caller = self._described[key]
        return call

    @staticmethod
    def _module(space: AddressSpace | None, address: int) -> MappedModule | None:
        return next((each for each in space.modules if each.base <= address < each.end), None) if space else None

    def _describe(self, space: AddressSpace | None, address: int) -> str:
        """`address`: of the call, to which its return address does not belong."""
        if space is None or address >= KERNEL_HALF:
            return find_kernel_address(address, [self._booted], self._moved) or f"{address + 1:#x}"
        module = self._module(space, address)
        described = describe_address(address, space.modules, self._root)
        if module and ": " not in described:  # the build folder does not have it
            return self._functions.around(module.file.name, address - module.base) or described
        return described

"""Why a boot failed, by what memory and console show: processes that ended, threads that wait or spin.

Each reason is one line: the service, what happened, where, and what to do."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ambilink.bootimage.container import ImageFile
from ambilink.bootimage.layout import Linker, Role
from ambilink.bootimage.manifest import Manifest
from ambilink.errors import near
from ambilink.machine.memory import PhysicalMemory
from ambilink.machine.model import CpuPlace
from ambilink.verify.backtrace import FAULT, KERNEL, describe_address, describe_kernel_address
from ambilink.verify.kernel_state import KernelState, Process, ProcessState, Registers, Thread, ThreadState
from ambilink.verify.modules import FIRST_PROCESS, Modules
from ambilink.verify.thread_stack import UserSpace

REGISTRY = "names"
LOADER = "loader"
AWAIT = 15  # LOADER_AWAIT of libs/ipc/include/protocol/loader.h
MESSAGE_DATA, MESSAGE_SIZE = 56, 64  # in struct message of boot/include/ambilink/abi.h
NAME_MAX = 31
SIGNALS = {4: "SIGILL", 6: "abort()", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}
FIRST_ENDED = re.compile(r"kernel: the first process ended with status -?\d+$")
NOT_STARTED = re.compile(r"(?:loader|kernel): (\S+): (.*)")
NOT_LINKED = re.compile(r"ld\.so: (\S+): (.*)")  # by the program's own interpreter, which then exits with this:
NOT_LINKED_STATUS = 127
NEVER_CAME = re.compile(r"loader: \S+ \(process (\d+)\) waited for '([^']+)', which no service will register")
PANIC = re.compile(r"kernel: panic: (.*)")
KERNEL_RIP = re.compile(r"\brip (0x[0-9a-f]+)")
DAMAGE = re.compile(r"kernel: (.*) is damaged(?:: the boot image was altered)?$")
DAMAGED = re.compile(r"kernel: .* \(process (\d+)\) needs a page that is damaged")
DEADLOCK = "kernel: deadlock"
MAIN = "main"
START_CODE = ("_start", "start_program")  # linked into each program: libs/sys/start
USER_END = 1 << 47
CORRUPT = -12  # STATUS_CORRUPT of boot/include/ambilink/abi.h
CHAIN_SHOWN = 6  # callers


@dataclass
class Scene:
    """What a boot left behind."""

    image: ImageFile
    state: KernelState
    memory: PhysicalMemory
    console: Sequence[str]
    root: Path  # the build folder
    cpu: CpuPlace | None = None
    manifest: Manifest | None = None  # of which the image was packed
    _spaces: dict[int, UserSpace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.modules = Modules(self.image)
        self.roles = {service.name: service.role for service in self.image.archive.services}

    def named(self, process: Process) -> str:
        services = self.manifest.services if self.manifest and process.number != FIRST_PROCESS else []
        place = next((f", {service.place}" for service in services if service.name == process.name), "")
        return f"{process.name} (process {process.number}{place})"

    def registers(self, process: Process, thread: Thread) -> Registers:
        """Of a thread that is ready: the CPU's own, where it runs, for those in memory are of its last trap."""
        cpu, ready = self.cpu, [each for each in process.threads if each.state is ThreadState.READY]
        if cpu and ready == [thread] and cpu.page_table == process.page_table and cpu.rip < USER_END and not cpu.halted:
            return Registers(cpu.rip, cpu.registers["rsp"], cpu.registers["rbp"])
        return thread.registers

    def space(self, process: Process) -> UserSpace:
        if process.number not in self._spaces:
            self._spaces[process.number] = UserSpace.of(self.modules, self.memory, process)
        return self._spaces[process.number]

    def role(self, process: Process) -> Role | None:
        return None if process.number == FIRST_PROCESS else self.roles.get(process.name)

    def where(self, space: UserSpace, address: int) -> str:
        return describe_address(address, space.modules, self.root)


def _short(where: str) -> str:
    """Function and line, without the file that holds them."""
    return where.partition(": ")[2] or where


def _function(where: str) -> str:
    return _short(where).partition("+")[0]


def call_chain(scene: Scene, process: Process, registers: Registers) -> tuple[str, list[str]]:
    """Where a thread is, and its callers as lines: `function (line)`, each once in a row."""
    space = scene.space(process)
    addresses = space.calls(registers)
    lines: list[str] = []
    described: dict[int, str] = {}
    for address in addresses[1 : 1 + 4 * CHAIN_SHOWN]:
        described.setdefault(address, scene.where(space, address))
        if not lines or lines[-1] != described[address]:
            lines.append(described[address])
        if _function(described[address]) == MAIN:
            break
    return scene.where(space, addresses[0]), lines[:CHAIN_SHOWN]


def _deepest(scene: Scene, space: UserSpace, thread: Thread) -> str:
    """The function that a full stack is made of."""
    calls = Counter(space.calls(thread.registers)[1:])
    if not calls:
        return ""
    address, count = calls.most_common(1)[0]
    return f"; {_short(scene.where(space, address))} is on it {count:,} times" if count > 2 else ""


def _damage(scene: Scene) -> list[str]:
    """Pages of the image that were not what was packed, with the processes that were ended for them."""
    found: dict[str, list[str]] = {}
    page = ""
    for line in scene.console:
        if damage := DAMAGE.match(line):
            page = damage[1]
            found.setdefault(page, [])
        elif needs := DAMAGED.match(line):
            found.setdefault(page, []).extend(
                scene.named(process) for process in scene.state.processes if process.number == int(needs[1])
            )
    ended = {page: f", which ended {', '.join(names)}" if names else "" for page, names in found.items()}
    return [f"the boot image was altered: {page} is damaged{ended[page]}; pack it again" for page in found]


def _fault(scene: Scene, process: Process) -> str:
    """Of a process that the kernel ended: the last report of the console, with what memory shows."""
    texts = [match[3] for match in map(FAULT.match, scene.console) if match and int(match[2]) == process.number]
    text = texts[-1] if texts else "a fault that the console does not show"
    thread = next((each for each in process.threads if each.registers.rip), None)
    if thread is None:
        return f"{scene.named(process)} was ended for a fault: {text}"
    space = scene.space(process)
    where = scene.where(space, space.calls(thread.registers)[0])
    address = re.search(r" at (0x[0-9a-f]+), not mapped", text)
    if address and space.overflowed(thread.registers, int(address[1], 16)):
        service = scene.modules.service_of(process)
        size = f" of {service.stack_size:,} bytes" if service else ""
        remedy = "end the recursion, or give it a larger stack in the manifest" if service else "end the recursion"
        return (
            f"{scene.named(process)} overflowed the stack{size} of its thread {thread.number} in {where}"
            f"{_deepest(scene, space, thread)}; {remedy}"
        )
    return f"{scene.named(process)} was ended for a fault: {text}, in {where}"


def _left_from(scene: Scene, process: Process) -> str:
    """The program's own function that ended it, where it was not the return from main."""
    program = scene.modules.program_of(process)
    for thread in process.threads:
        space = scene.space(process)
        for address in space.calls(thread.registers)[:32]:
            where = scene.where(space, address)
            if program and where.startswith(f"{program}: ") and _function(where) not in START_CODE:
                return f", in {_short(where)}"
    return ""


def _exit(scene: Scene, process: Process) -> str | None:
    role, status = scene.role(process), process.exit_status
    if role is Role.PROGRAM and status == 0:
        return None
    signal = SIGNALS.get(status - 128)
    how = f"ended with exit status {status}{f' ({signal})' if signal else ''}{_left_from(scene, process)}"
    if role is Role.DAEMON:
        if status and process.name != REGISTRY and REGISTRY not in scene.roles:
            to = f" to {scene.manifest.path}" if scene.manifest else ""
            rule = f"no service of the manifest is {REGISTRY!r}, which knows the others by their names"
            return f'{scene.named(process)} {how}; {rule}: add [[service]] name = "{REGISTRY}"{to}, before the others'
        remedy = 'if it may, give it role = "program" in the manifest'
        return f"{scene.named(process)} {how}, and a daemon must not end; {remedy}"
    if role is Role.PROGRAM:
        return f"{scene.named(process)} {how}; a program passes with status 0"
    return None


def _faulted(scene: Scene) -> list[str]:
    # With the first process the machine ends, before it is marked.
    ended = {FIRST_PROCESS} if any(map(FIRST_ENDED.match, scene.console)) else set()
    ended &= {int(match[2]) for match in map(FAULT.match, scene.console) if match}
    processes = scene.state.processes
    faulted = [each for each in processes if each.state is ProcessState.FAULTED or each.number in ended]
    return [_fault(scene, each) for each in faulted if each.exit_status != CORRUPT]  # others: _damage


def _exited(scene: Scene) -> list[str]:
    ended = (each for each in scene.state.processes if each.state is ProcessState.EXITED and each.threads)
    exits = [_exit(scene, each) for each in ended if not _not_linked(scene, each)]
    return [each for each in exits if each is not None]


def _not_linked(scene: Scene, process: Process) -> str | None:
    """What its interpreter had against it or its libraries."""
    service = scene.modules.service_of(process)
    if service is None or service.linker is not Linker.INTERP or process.exit_status != NOT_LINKED_STATUS:
        return None
    matches = filter(None, map(NOT_LINKED.match, scene.console))
    return next((match[2] for match in matches if match[1] == service.file), None)


def _not_started(scene: Scene) -> list[str]:
    """Services of the boot that never had a thread, or whose interpreter gave up."""
    processes = {process.name: process for process in scene.state.processes if process.threads}
    found = []
    for service in scene.image.archive.services:
        process = processes.get(service.name)
        if process is None and service.role is Role.ON_DEMAND:
            continue
        if process is not None:
            said = [_not_linked(scene, process)]
        else:
            said = [match[2] for match in map(NOT_STARTED.match, scene.console) if match and match[1] == service.name]
        if said and said[0]:
            found.append(f"{service.name} was not started: {said[0]}")
    return found


def _panic(scene: Scene) -> list[str]:
    found = next(filter(None, map(PANIC.match, scene.console)), None)
    if found is None:
        return []
    rip = KERNEL_RIP.search(found[1])
    where = f", in {describe_kernel_address(int(rip[1], 16), [scene.root / KERNEL], scene.state.moved)}" if rip else ""
    return [f"the kernel stopped: {found[1]}{where}"]


def looked_up(scene: Scene, process: Process, thread: Thread) -> str | None:
    """The name that a thread waits for some service to register."""
    if not thread.calls or thread.server != LOADER or thread.operation != AWAIT:
        return None
    space = scene.space(process)
    data, size = space.word(thread.request + MESSAGE_DATA), space.word(thread.request + MESSAGE_SIZE)
    return space.text(data, min(size, NAME_MAX)) if data and size else None


def _provider(scene: Scene, name: str) -> str:
    """What the manifest says of a name that no process registered, and what to write there."""
    service = next((each for each in scene.image.archive.services if each.name == name), None)
    process = next((each for each in scene.state.processes if each.name == name), None)
    if process is not None and process.state is ProcessState.ALIVE:
        return f"{scene.named(process)} runs, and has not registered it"
    if process is not None:
        return f"{scene.named(process)} has ended with status {process.exit_status}"
    if service is not None and service.role is Role.ON_DEMAND:
        return 'the manifest has it with role = "on-demand": nothing starts it; make it a "daemon"'
    if service is not None:
        return "the manifest has it, and it was not started"
    to = f" to {scene.manifest.path}" if scene.manifest else ""
    entry = f'[[service]] name = "{name}"{to}'
    names = {process.name for process in scene.state.processes} | {
        service.name for service in scene.image.archive.services
    }
    if (scene.root / "services" / name).is_file():
        return f"no service of the manifest has that name; add {entry}, for services/{name}"
    remedy = near({*names, *_built(scene.root)}, name).rstrip() or f"add {entry}, with the program that registers it"
    return f"no service of the manifest has that name; {remedy}"


def _never_came(scene: Scene) -> list[str]:
    """Names that processes waited for until no service was left that could register them: each once."""
    processes = {process.number: process for process in scene.state.processes}
    found: dict[str, str] = {}
    for match in filter(None, map(NEVER_CAME.match, scene.console)):
        process = processes.get(int(match[1]))
        if process is not None:
            rule = f"waited for a service {match[2]!r}, which is not registered"
            found.setdefault(match[2], f"{scene.named(process)} {rule}: {_provider(scene, match[2])}")
    return list(found.values())


def _built(root: Path) -> list[str]:
    """Programs of the build folder."""
    try:
        return [path.name for path in (root / "services").iterdir() if path.suffix != ".debug"]
    except OSError:
        return []


def _held_up(scene: Scene) -> dict[str, str]:
    """Processes that wait, by themselves or by others, for one that runs: each with the name of that one."""
    held = {each.name: each.name for each in scene.state.processes if _runs(each)}
    waits: dict[str, str | None] = {}
    for process in scene.state.processes:
        for thread in process.threads:
            if thread.calls:
                waits[process.name] = looked_up(scene, process, thread) or thread.server
    for name in waits:
        chain = [name]
        while chain[-1] not in held and (following := waits.get(chain[-1])) and following not in chain:
            chain.append(following)
        held |= {each: held[chain[-1]] for each in chain if chain[-1] in held}
    return {name: runner for name, runner in held.items() if name in waits and name != runner}


def _runs(process: Process) -> bool:
    return process.state is ProcessState.ALIVE and any(each.state is ThreadState.READY for each in process.threads)


def _waiting(scene: Scene, held: Collection[str] = ()) -> list[str]:
    """Processes and what each waits for, without those that wait for requests or are held up by one that runs."""
    found = []
    for process in scene.state.processes:
        for thread in process.threads:
            if not thread.calls or process.name in held:
                continue
            name = looked_up(scene, process, thread)
            if name is not None:
                rule = f"waits for a service {name!r}, which is not registered"
                found.append(f"{scene.named(process)} {rule}: {_provider(scene, name)}")
            elif thread.server == process.name:
                found.append(
                    f"{scene.named(process)} calls itself (operation {thread.operation}), and so waits for ever"
                )
            else:
                found.append(f"{scene.named(process)} {thread.describe()}")
    return found


def _stuck(scene: Scene) -> list[str]:
    """Processes whose threads all wait for each other's words of memory: for locks, and what is made of them."""
    found = []
    for process in scene.state.processes:
        threads = [thread for thread in process.threads if thread.state is not ThreadState.DEAD]
        if process.state is not ProcessState.ALIVE or {thread.state for thread in threads} != {ThreadState.WAITING}:
            continue
        where, callers = call_chain(scene, process, scene.registers(process, threads[0]))
        chain = f", called by {', by '.join(map(_short, callers))}" if callers else ""
        what = "waits for a word of memory that no other thread changes"
        found.append(f"{scene.named(process)} {what}, in {where}{chain}")
    return found


def _running(scene: Scene, held: Mapping[str, str]) -> list[str]:
    """Threads that keep the CPU busy: at the deadline one that spins is among them. It enters the kernel by the tick,
    where others that are ready made a call, and only wait for their turn. Where there is none, the one that has the
    CPU, or else all that are ready. `held`: which processes wait for which of them."""
    ready = [
        (process, thread)
        for process in scene.state.processes
        for thread in process.threads
        if thread.state is ThreadState.READY and process.state is ProcessState.ALIVE
    ]
    running = scene.cpu.page_table if scene.cpu else 0
    spinning = [each for each in ready if each[1].registers.by_tick]
    holding = [each for each in ready if each[0].page_table == running]
    found = []
    # The process that has the CPU comes first.
    for process, thread in sorted(spinning or holding or ready, key=lambda each: each[0].page_table != running):
        registers = scene.registers(process, thread)
        where, callers = call_chain(scene, process, registers)
        chain = f", called by {', by '.join(map(_short, callers))}" if callers else ""
        waiting = [name for name, runner in held.items() if runner == process.name]
        wait = f"; {' and '.join(waiting)} wait{'s' * (len(waiting) == 1)} for it" if waiting else ""
        found.append(f"{scene.named(process)} runs at {registers.rip:#x}, in {where}{chain}{wait}")
    return found


def reasons_of(scene: Scene, *, out_of_time: bool) -> list[str]:
    """The weightiest first. `out_of_time`: the boot was ended at its deadline, or for silence."""
    parts = (_panic, _damage, _faulted, _not_started, _never_came, _exited)
    found = [reason for part in parts for reason in part(scene)]
    held = _held_up(scene) if out_of_time else {}
    if out_of_time:
        found += _running(scene, held)
    if out_of_time or any(line.startswith(DEADLOCK) for line in scene.console):
        found += _waiting(scene, held) + _stuck(scene)
    return found

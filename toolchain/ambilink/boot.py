"""Boot, then look: one image on one machine, its console, and what its memory shows afterwards."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ambilink.bootimage.container import ImageFile, read
from ambilink.bootimage.identify import identify
from ambilink.bootimage.manifest import Manifest
from ambilink.bootimage.manifest import read as read_manifest
from ambilink.elf.file import ElfFile
from ambilink.errors import AmbilinkError
from ambilink.machine.boot import boot
from ambilink.machine.model import EXIT_FAIL, BootRequest, LineSink, Outcome, Verdict
from ambilink.verdict import check_can_pass
from ambilink.verify.backtrace import KERNEL, explain_faults
from ambilink.verify.expect import ExpectedLine, Missing, missing_line, read_expected
from ambilink.verify.in_memory import find_system
from ambilink.verify.kernel_file import startable
from ambilink.verify.kernel_place import distance_of, following
from ambilink.verify.kernel_state import KernelState, read_kernel_state
from ambilink.verify.lives import LifeWatch, Lives
from ambilink.verify.lost_output import warnings
from ambilink.verify.memory_read import Asked, MemoryRead, read_memory
from ambilink.verify.reasons import Scene, reasons_of
from ambilink.verify.slots import SlotReport, verify_slots
from ambilink.verify.snapshot import StartSnapshots
from ambilink.verify.stopped import Places, StoppedCpu, cpu_reasons, stopped_cpu
from ambilink.verify.system import SystemReport, verify_system
from ambilink.verify.threads import ThreadView, threads_of
from ambilink.verify.touched import Touched, touched, touched_lines

OUT_OF_TIME = (Verdict.TIMEOUT, Verdict.SILENCE, Verdict.ENDED)


@dataclass(frozen=True)
class BootResult:
    outcome: Outcome
    state: KernelState | None
    report: SystemReport | None
    faults: list[str]
    slots: SlotReport | None
    failures: list[str]  # what is wrong although the guest itself may have passed
    request: BootRequest
    root: Path
    protocol: str | None  # that was asked for
    what: str  # the file that was booted is
    expected: list[ExpectedLine]  # lines of the console
    missing: Missing | None  # the first of these that did not come
    verify_error: str  # why the machine's memory could not be verified
    started: float  # seconds since the epoch
    lives: Lives | None
    image: ImageFile | None  # None: not of this project's format
    reasons: list[str]  # why it failed, the weightiest first
    stopped: StoppedCpu | None  # the CPU, where the machine ended without a verdict of the guest
    threads: list[ThreadView]  # where it was stopped, or ended at a deadline
    memory: list[MemoryRead]  # that was asked for
    warnings: list[str]  # what is lost, although the boot may have passed
    touched: list[Touched]  # where nothing is

    @property
    def exit_status(self) -> int:
        return self.outcome.verdict.exit_status or (EXIT_FAIL if self.failures else 0)


def boot_and_verify(
    machine: str,
    request: BootRequest,
    root: Path,
    expect: Path | None = None,
    sink: LineSink | None = None,
    protocol: str | None = None,
    manifest: Path | None = None,
    memory_asked: Sequence[Asked] = (),
) -> BootResult:
    """`root` is the build folder, for symbols; `expect` a file of lines that the console must show; `protocol` enters
    a kernel that knows several; `manifest` is what the image was packed of, whose lines are named; `memory_asked`: what
    is read of the memory afterwards."""
    expected = read_expected(expect) if expect else []
    if not expected:
        check_can_pass(request.rules, request.rules_from or request.image)
    file, started = identify(request.image), time.time()
    image = _read_packed(request.image) if file.protocols else None
    starts = StartSnapshots(image) if image else None
    watch = LifeWatch(image) if image else None
    if request.seed is None and machine == "emulator" and file.is_ambilink:
        request = replace(request, seed=1)  # so that boots repeat
    with tempfile.TemporaryDirectory(prefix="ambilink-boot-") as scratch:
        asked = replace(request, expected=tuple(line.text for line in expected))
        given = startable(machine, asked, file, protocol, Path(scratch), image is not None)
        stops = following(image, {**watch.stops, **starts.stops}) if image and watch and starts else None
        outcome = boot(machine, given, sink, stops)
    state = report = slots = lives = None
    failures: list[str] = []
    verify_error = ""
    view = View()
    try:
        if image and watch and outcome.memory:
            lives = watch.read(outcome.memory)
            state = read_kernel_state(image, outcome.memory)
        if image and outcome.memory and state:
            report = verify_system(image, outcome.memory, state)
            failures += report.unreadable
            slots = verify_slots(image, starts.snapshots if starts else [], outcome.memory, state)
            # A boot that failed has unfinished processes; what was linked wrongly may be why it failed.
            failures += [*report.failures, *slots.failures] if outcome.verdict is Verdict.PASS else slots.at_start
    except AmbilinkError as error:
        verify_error = str(error)
        failures.append(verify_error)
    try:
        if outcome.verdict is not Verdict.PASS or outcome.deviations:
            view = _look(outcome, image, state, request.image, root, manifest)
        view.touched = _touched(outcome, image, state, request.image, root)
        if memory_asked and outcome.memory:
            view.memory += _read_memory(memory_asked, outcome, image, state, request.image)
    except AmbilinkError as error:  # a file with symbols is damaged
        failures.append(str(error))
    missing = missing_line(outcome.text, expected)
    if missing is not None and not view.reasons:
        failures.append(str(missing))
    faults = explain_faults(outcome.text, report, root) if report else []
    return BootResult(
        outcome=outcome,
        state=state,
        report=report,
        faults=faults,
        slots=slots,
        failures=failures,
        request=request,
        root=root,
        protocol=protocol,
        what=file.what,
        expected=expected,
        missing=missing,
        reasons=view.reasons,
        stopped=view.stopped,
        threads=view.threads,
        memory=view.memory,
        verify_error=verify_error,
        started=started,
        lives=lives,
        image=image,
        warnings=[
            *outcome.notes,
            *view.deviations,
            *touched_lines(view.touched, outcome.touches_more),
            *(warnings(image, root) if image else []),
        ],
        touched=view.touched,
    )


@dataclass
class View:
    """What a look at a machine that ended found."""

    reasons: list[str] = field(default_factory=list)
    stopped: StoppedCpu | None = None
    threads: list[ThreadView] = field(default_factory=list)
    memory: list[MemoryRead] = field(default_factory=list)
    touched: list[Touched] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)


def _look(
    outcome: Outcome,
    image: ImageFile | None,
    state: KernelState | None,
    booted: Path,
    root: Path,
    manifest: Path | None,
) -> View:
    """Why it failed, where the CPU was, and the threads."""
    found: list[str] = []
    scene = None
    system = (image, state) if image and state else None
    if image is None and outcome.memory:
        system = find_system(booted, outcome.memory)
    if system and outcome.memory:
        described = _read_manifest(manifest) if manifest else None
        scene = Scene(*system, outcome.memory, outcome.text, root, outcome.cpu, described)
        found = reasons_of(scene, out_of_time=outcome.verdict in (Verdict.TIMEOUT, Verdict.SILENCE))
    moved = system[1].moved if system else distance_of(image, outcome.memory) if image else 0
    places = Places(scene, [booted, root / KERNEL] if system or image else [booted], moved)
    deviations = [
        f"{each.what}; first at {each.rip:#x}, in {places.describe(each.page_table, each.rip)}"
        for each in outcome.deviations
    ]
    if outcome.verdict is Verdict.PASS:
        return View(deviations=deviations)
    threads = threads_of(scene) if scene and outcome.verdict in OUT_OF_TIME else []
    if outcome.verdict is Verdict.ENDED:
        found = []
    elif not found or (outcome.cpu and (outcome.cpu.is_stuck or (outcome.cpu.rip >> 63 and not outcome.cpu.halted))):
        found += cpu_reasons(outcome, places)
    if outcome.cpu is None or outcome.memory is None:
        return View(found, None, threads, deviations=deviations)
    stopped = stopped_cpu(outcome.cpu, outcome.memory, partial(places.find, outcome.cpu.page_table))
    return View(found, stopped, threads, deviations=deviations)


def _touched(
    outcome: Outcome, image: ImageFile | None, state: KernelState | None, booted: Path, root: Path
) -> list[Touched]:
    moved = state.moved if state else distance_of(image, outcome.memory) if image and outcome.memory else 0
    scene = Scene(image, state, outcome.memory, outcome.text, root) if image and state and outcome.memory else None
    places = Places(scene, [booted, root / KERNEL] if image else [booted], moved)
    return touched(outcome.touches, places.find)


def _read_memory(
    asked: Sequence[Asked], outcome: Outcome, image: ImageFile | None, state: KernelState | None, booted: Path
) -> list[MemoryRead]:
    if outcome.cpu is None or outcome.memory is None:
        raise AmbilinkError("--read", "the guest ended the machine", "stop it before that: --stop-at")
    moved = state.moved if state else distance_of(image, outcome.memory) if image else 0
    symbols = {name: value + moved for name, value in ElfFile.open(booted).addresses().items()}
    tables = {process.name: process.page_table for process in (state.processes if state else [])}
    return [read_memory(each, outcome.memory, outcome.cpu, symbols, tables) for each in asked]


def _read_manifest(path: Path) -> Manifest | None:
    """None where it is no longer what the image was packed of."""
    try:
        return read_manifest(path)
    except AmbilinkError:
        return None


def _read_packed(path: Path) -> ImageFile | None:
    """Any kernel with a PVH note boots, and what is wrong with an archive the guest must say itself; but only
    an image with a sound archive can be verified."""
    try:
        return read(path)
    except AmbilinkError:
        return None

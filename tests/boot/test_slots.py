"""After a boot every process holds what a second linker computes for the addresses found: the model judges what the C
core wrote, the C core what the packer wrote with the model. Each is broken here, and the other one sees it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ambilink.bootimage import pack as pack_module
from ambilink.bootimage import start_block
from ambilink.bootimage.container import read
from ambilink.core import Linker
from ambilink.core.library import core_library
from ambilink.core.sources import CoreUnavailable, core_sources
from ambilink.elf.psabi import Kind
from ambilink.link import bind, relocate
from ambilink.machine.boot import boot as run
from ambilink.machine.model import BootRequest, Verdict
from ambilink.report.boot import as_text
from ambilink.report.record import as_json
from ambilink.verify.expected import Judge
from ambilink.verify.kernel_file import with_kernel
from ambilink.verify.kernel_place import following
from ambilink.verify.kernel_state import read_kernel_state
from ambilink.verify.modules import Modules
from ambilink.verify.page_tables import user_pages
from ambilink.verify.slots import Comparison, verify_slots
from ambilink.verify.snapshot import StartSnapshots

from .conftest import boot, whole

pytestmark = pytest.mark.compiler

TOP = Path(__file__).parents[2]


def test_every_slot_is_the_model_s(build, machine):
    result = boot(build, build / "boot.img", machine)
    assert result.failures == result.slots.failures == []
    assert list(result.slots.judges) == [Judge.MODEL]
    counts = result.slots.total
    # fortune is started on demand, and gone after the boot: only a machine that stops at its start shows it.
    assert counts.processes == (7 if machine == "emulator" else 6)
    assert counts.objects == (37 if machine == "emulator" else 32)
    assert counts.equal + counts.changed > 750
    # Nothing but the loader, which relocates itself, is looked at late in the emulator.
    assert counts.changed < 10


def test_the_judge_is_another_one_than_wrote(system, machine):
    result = whole(system, names="pack", greet="pack", console="kernel", files="interp").boot(machine)
    assert result.failures == []
    packed, others = result.slots.judges[Judge.CORE], result.slots.judges[Judge.MODEL]
    assert packed.processes == 2 and others.processes == (5 if machine == "emulator" else 4)
    text = "\n".join(as_text(result))
    assert f"{packed.equal} relocated slots in {packed.objects} objects of 2 processes are what the linker core" in text
    assert re.search(r"relocated slots in \d+ objects of \d processes are what the model computes", text)
    assert as_json(result)["slots"]["judges"].keys() == {"core", "model"}


def slots(image, process, mapped):
    """(module, slot, address in the process)"""
    comparison = Comparison(image)
    expected = comparison.expected(process, mapped)
    return [
        (module, slot, bias + slot.address)
        for module, bias in zip(expected.modules, expected.biases, strict=True)
        for slot in comparison.slots(module)
    ]


def test_a_wrong_slot_in_relro_after_the_boot(build):
    result = boot(build, build / "boot.img")
    image = read(build / "boot.img")
    view = next(view for view in result.report.processes if view.process.name == "audit")
    elf = Modules(image).elves["lib/libc.so"]
    _, slot, place = next(
        each
        for each in slots(image, view.process, view.modules)
        if each[0].name == "lib/libc.so" and elf.relro[0] <= each[1].address < sum(elf.relro) & -4096
    )
    memory = result.outcome.memory
    page = next(p for p in user_pages(memory, view.process.page_table) if p.address == place & -4096)
    memory.write(page.frame + place % 4096, b"\xff")
    report = verify_slots(image, [], memory, result.state)
    (failure,) = report.failures
    assert failure.startswith(f"audit (process 6): lib/libc.so: {slot} holds 0x")
    assert ", and the model computes 0x" in failure
    assert report.at_start == []


class Damage(StartSnapshots):
    """Flips a bit of console's memory when it begins, and puts it back before it runs."""

    def __init__(self, image, choose):
        super().__init__(image)
        self.choose = choose

    def _take(self, moment):
        memory = moment.memory
        process = read_kernel_state(self.image, memory).beginning
        if process.name != "console":
            super()._take(moment)
            return
        pages = {page.address: page for page in user_pages(memory, process.page_table)}
        found = slots(self.image, process, Modules(self.image).find(pages))
        self.module, self.address, place = self.choose(found)
        frame = pages[place & -4096].frame + place % 4096
        old = memory.word(frame)
        memory.write(frame, (old ^ 8).to_bytes(8, "little"))
        super()._take(moment)
        memory.write(frame, old.to_bytes(8, "little"))


def outside_relro(module, address):
    start, size = module.relro or (0, 0)
    return not start <= address < start + size


def a_slot(found):
    return next((m, str(slot), place) for m, slot, place in found if slot.symbol)


def a_relative_slot(found):
    return next((m, str(slot), place) for m, slot, place in found if not slot.symbol and not slot.address & 7)


def beside_slots(found):
    """A word of .data or .bss that no relocation touches."""
    module, slot, place = next(each for each in found if each[0].name == "lib/libc.so")
    touched = {slot.address for each, slot, _ in found if each is module}
    segment = module.loads[-1]
    address = next(a for a in range((segment.end - 64) & -8, 0, -8) if a not in touched and outside_relro(module, a))
    return module, f"the byte at {address:#x}, which no relocation touches", place - slot.address + address


@pytest.mark.parametrize("choose", [a_slot, a_relative_slot, beside_slots])
@pytest.mark.parametrize("linker", ["loader", "pack"])
def test_a_wrong_word_when_a_process_begins(system, linker, choose):
    """Nothing shows it later: the program may have written it itself. The machine stops before it runs."""
    system.linker = linker
    image = read(whole(system).pack())
    starts = Damage(image, choose)
    outcome = run("emulator", with_kernel(BootRequest(image.path, seed=1)), None, following(image, starts.stops))
    report = verify_slots(image, starts.snapshots, outcome.memory, read_kernel_state(image, outcome.memory))
    assert len(report.failures) == 1 and report.at_start == report.failures
    assert report.failures[0].startswith(f"console (process 3): {starts.module.name}: {starts.address}")


def test_stopping_changes_nothing(build):
    request = with_kernel(BootRequest(build / "boot.img", seed=1))
    image = read(build / "boot.img")
    watched = run("emulator", request, None, following(image, StartSnapshots(image).stops))
    alone = run("emulator", request)
    assert [(line.text, line.instructions) for line in watched.console] == [
        (line.text, line.instructions) for line in alone.console
    ]


# Each breaks one rule of the model; what the packer then gets wrong first, in one of two programs.
def program_does_not_interpose(patch):
    original = bind.Scope._search

    def search(scope, module, name, version, call, but):
        found = original(scope, module, name, version, call, scope.modules[0] if but is None else but)
        return found or original(scope, module, name, version, call, but)

    patch.setattr(bind.Scope, "_search", search)


def addends_are_more(patch):
    original = relocate._Relocation._symbolic
    patch.setattr(
        relocate._Relocation,
        "_symbolic",
        lambda self, kind, offset, number, index, addend: original(
            self, kind, offset, number, index, addend + 8 * (kind is Kind.ABSOLUTE)
        ),
    )


def thread_local_data_lies_lower(patch):
    original = relocate._lay_out_tls

    def lower(modules, psabi):
        original(modules, psabi)
        for module in modules:
            module.tls_offset -= 64 if module.tls_module else 0

    patch.setattr(relocate, "_lay_out_tls", lower)


def versions_do_not_matter(patch):
    original = bind.Scope._search
    patch.setattr(
        bind.Scope,
        "_search",
        lambda self, module, name, version, call, but: original(self, module, name, None, call, but),
    )


def copies_stay_empty(patch):
    original = relocate._Relocation._copy

    def empty(self, offset, number, index):
        original(self, offset, number, index)
        memory, at = self._place(offset, 8)
        memory[at : at + 8] = bytes(8)

    patch.setattr(relocate._Relocation, "_copy", empty)


def resolvers_are_others(patch):
    original = relocate._Relocation._pend
    patch.setattr(
        relocate._Relocation,
        "_pend",
        lambda self, offset, function, addend=0: original(self, offset, function + 8, addend),
    )


def constructors_start_backwards(patch):
    original = start_block.start_order
    patch.setattr(start_block, "start_order", lambda modules: original(modules)[::-1])


BROKEN = [
    (program_does_not_interpose, "binding", r"lib/libshape\.so: the slot at \S+ \(shape_hook\) holds"),
    (addends_are_more, "binding", r"the slot at \S+ \(shape_area\) holds"),
    (thread_local_data_lies_lower, "binding", r"the slot at \S+( \(shape_local\))? holds"),
    (thread_local_data_lies_lower, "binding", r"its start block: tls offsets: entry 0 is"),
    (constructors_start_backwards, "binding", r"its start block: initializers: entry 0 is"),
    (versions_do_not_matter, "choosing", r"services/test-choosing: the slot at \S+ \(choice_kind\) holds"),
    (copies_stay_empty, "choosing", r"the slot at \S+ \(choice_shown\) holds 0x0, and the linker core computes 0x5"),
    (resolvers_are_others, "choosing", r"its start block: pending ifuncs: entry 0 is"),
]
PROGRAMS = {"binding": "test-binding-dynamic", "choosing": "test-choosing"}


@pytest.mark.parametrize("rule, program, message", BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_model_that_breaks_a_rule(system, monkeypatch, rule, program, message):
    """The packer links with it, and the C core sees that; the broken model itself, as judge, does not."""

    def broken(patch):
        patch.setattr(pack_module, "_state", lambda root: None)  # nothing of it is kept for others
        rule(patch)

    system.linker = "pack"
    system.program(PROGRAMS[program])
    with monkeypatch.context() as patch:
        broken(patch)
        image = read(system.pack())
    result = boot(system.build, image.path)
    name = PROGRAMS[program]
    found = [line for line in result.failures if line.startswith(f"{name} (process ")]
    assert any(re.search(message, line) for line in found), result.failures
    assert result.exit_status == 1 and as_json(result)["verdict"] == "fail"

    def nowhere():
        raise CoreUnavailable("linker core", "is not here", "stay calm")

    with monkeypatch.context() as patch:
        broken(patch)
        starts = StartSnapshots(image)
        outcome = run("emulator", with_kernel(BootRequest(image.path, seed=1)), None, following(image, starts.stops))
        blind = verify_slots(image, starts.snapshots, outcome.memory, read_kernel_state(image, outcome.memory), nowhere)
    assert blind.at_start == [] and list(blind.judges) == [Judge.MODEL]


def test_without_a_core_the_report_says_who_judged(system, monkeypatch):
    system.linker = "pack"
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    from ambilink import core

    core.load_linker.cache_clear()
    result = whole(system).boot()
    core.load_linker.cache_clear()
    assert result.failures == [] and result.outcome.verdict is Verdict.PASS
    text = "\n".join(as_text(result))
    assert "no second answer: the model judged what it packed itself" in text
    assert "/dev/null/ambilink/core: the compiled linker core cannot be kept there (Not a directory)" in text
    assert "linker core computes" not in text and as_json(result)["slots"]["no_core"]


def mutated(folder: Path, pattern: str, replacement: str) -> Path:
    """libs/rtld with one rule broken."""
    shutil.copytree(TOP / "libs/rtld", folder)
    count = 0
    for path in (folder / "src").glob("*.c"):
        text, changed = re.subn(pattern, replacement, path.read_text())
        count += changed
        path.write_text(text)
    assert count, f"{pattern} is not in libs/rtld any more: break it otherwise"
    return folder


def test_a_core_that_breaks_a_rule(system, build, toolset, tmp_path):
    """As the packer's judge it finds fault with a sound image; in the loader service the model sees what it does."""
    rtld = mutated(tmp_path / "rtld", r"entry->r_addend\b", "(entry->r_addend + 8)")
    system.linker = "pack"
    system.program("test-binding-dynamic")
    image = read(system.pack())
    result = boot(build, image.path)
    assert result.failures == []
    core = Linker(core_library(core_sources(rtld)))
    report = verify_slots(image, [], result.outcome.memory, result.state, lambda: core)
    assert any("test-binding-dynamic" in line and "the linker core computes" in line for line in report.failures)

    tree = tmp_path / "tree"
    shutil.copytree(build, tree, ignore=shutil.ignore_patterns("obj", "*.debug", "*.a", "*.img"))
    relink_loader(build, toolset, rtld, tree / "services/loader")
    system.linker, system.build = "loader", tree
    result = system.boot()
    wrong = [line for line in result.failures if "and the model computes" in line]
    start = "test-binding-dynamic (process 4): lib/libshape.so: the slot at 0x"
    assert any(line.startswith(start) for line in wrong), result.failures


def relink_loader(build: Path, toolset, rtld: Path, target: Path) -> None:
    """The loader service with another linker core, by the build's own commands, from other sources of the core."""
    commands = json.loads((TOP / "compile_commands.json").read_text())
    chosen = {each["output"]: each for each in commands if re.search(r"/obj/(start|loader|rtld)/", each["output"])}
    objects = []
    for output, entry in chosen.items():
        objects.append(target.parent / f"{output.replace('/', '-')}")
        source = entry["file"].replace("libs/rtld", str(rtld))
        at = entry["arguments"].index("-o")
        words = [word for index, word in enumerate(entry["arguments"]) if index not in (at, at + 1)]
        words = [source if word == entry["file"] else word for word in words]
        subprocess.run([*words, "-w", "-o", objects[-1]], cwd=entry["directory"], check=True)
    assert any("rtld" in path.name for path in objects)
    libraries = [path for path in sorted((build / "lib").glob("*.a")) if path.name != "librtld.a"]
    grouped = ["--start-group", *libraries, "--end-group"]
    subprocess.run([*toolset.ld, *toolset.static_program_flags, "-o", target, *objects, *grouped], check=True)

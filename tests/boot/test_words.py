"""After a boot, every word that a relocation touched is compared with the reference model: what the C core wrote into
each process must be what plain Python computes for the addresses found."""

from pathlib import Path

<<<<<<< ours
from ambilink.bootimage.container import read
from ambilink.link.relocate import slots_of
=======
from ambilink.verify.words import Beginnings, Comparison, verify_words

from ambilink.bootimage.container import read
from ambilink.link.image import PF_W
from ambilink.link.relocate import words_of
>>>>>>> theirs
from ambilink.machine.boot import boot as run
from ambilink.machine.model import BootRequest
from ambilink.verify.kernel_file import with_kernel
from ambilink.verify.kernel_state import read_kernel_state
from ambilink.verify.modules import Modules
from ambilink.verify.page_tables import user_pages

from .conftest import boot


def test_every_word_is_the_model_s(build, machine):
    result = boot(build, build / "boot.img", machine)
    words = result.words
    assert result.failures == words.failures == []
    # fortune is started on demand, and gone after the boot: only a machine that stops at its start shows it.
    assert words.processes == (7 if machine == "emulator" else 6)
    assert words.objects == (38 if machine == "emulator" else 33)
    assert words.equal + words.changed > 850
    # Nothing but the loader, which relocates itself, is looked at late in the emulator.
    assert 0 < words.changed < 10


def words(image, process, biases):
    """(file, p_vaddr, address in the process) of what relocations touch."""
    comparison = Comparison(image)
    result = comparison.expected(process, biases)
    return [(each, address, each.bias + address) for each in result.images for address, _ in slots_of(each)]


def test_a_wrong_word_in_relro_after_the_boot(build):
    result = boot(build, build / "boot.img")
    image = read(build / "boot.img")
    view = next(view for view in result.report.processes if view.process.name == "audit")
    elf = Modules(image).elves["lib/libc.so"]
    _, address, place = next(
        word
        for word in words(image, view.process, view.modules)
        if word[0].name == "lib/libc.so" and elf.relro[0] <= word[1] < (elf.relro[0] + elf.relro[1]) & -4096
    )
    memory = result.outcome.memory
    page = next(p for p in user_pages(memory, view.process.page_table) if p.address == place & -4096)
    memory.write(page.frame + place % 4096, b"\xff")
    found = verify_words(image, [], memory, result.state).failures
    assert len(found) == 1
    assert found[0].startswith(f"audit (process 6): lib/libc.so: the word at {address:#x} is 0x")
    assert "and its relocation makes it 0x" in found[0]


def test_a_wrong_word_in_writable_data_when_a_process_begins(build):
    """Nobody sees it later: the program may have written it itself. The machine stops before it runs."""
    image = read(build / "boot.img")

    class Damage(Beginnings):
        def _take(self, memory):
            process = read_kernel_state(image, memory).beginning
            if process.name == "console":
                pages = {page.address: page for page in user_pages(memory, process.page_table)}
                for file, address, place in words(image, process, Modules(image).find(pages)):
                    elf = Modules(image).elves[file.name]
                    segment = next(s for s in file.loads if s.address <= address < s.address + s.memory_size)
                    in_relro = elf.relro and elf.relro[0] <= address < elf.relro[0] + elf.relro[1]
                    if segment.writable and not in_relro:
                        frame = pages[place & -4096].frame
                        old = memory.word(frame + place % 4096)
                        memory.write(frame + place % 4096, (old ^ 8).to_bytes(8, "little"))
                        self.damaged = (file.name, address)
                        super()._take(memory)
                        memory.write(frame + place % 4096, old.to_bytes(8, "little"))
                        return
            super()._take(memory)

    beginnings = Damage(image)
    outcome = run("emulator", with_kernel(BootRequest(Path(image.path), seed=1)), None, beginnings.stops)
    state = read_kernel_state(image, outcome.memory)
    found = verify_words(image, beginnings.snapshots, outcome.memory, state).failures
    name, address = beginnings.damaged
    assert len(found) == 1
    assert found[0].startswith(f"console (process 3): {name}: the word at {address:#x} is ")


def test_stopping_changes_nothing(build):
    request = with_kernel(BootRequest(build / "boot.img", seed=1))
    watched = run("emulator", request, None, Beginnings(read(build / "boot.img")).stops)
    alone = run("emulator", request)
    assert [(line.text, line.instructions) for line in watched.console] == [
        (line.text, line.instructions) for line in alone.console
    ]

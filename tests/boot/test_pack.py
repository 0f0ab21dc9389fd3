"""Services that were linked at build time (`linker = "pack"`): boot only maps and copies."""

import re
import shutil
import struct
from dataclasses import replace
from itertools import pairwise

import pytest

from ambilink.bootimage import prelink
from ambilink.bootimage.container import read
from ambilink.bootimage.layout import PAGE_SIZE, FileKind
from ambilink.bootimage.linked import Store
from ambilink.machine.model import Verdict

from .conftest import boot, repack, whole


def console(result):
    """Without what depends on time, order of output of different processes, and the services' sizes."""
    lines = [re.sub(r"\[ *[0-9.]+\]|in \d{4}\.|\d+ bytes", "*", line) for line in result.outcome.text]
    return sorted(lines)


def private_pages(result):
    return {view.process.name: view.private_pages for view in result.report.processes}


def test_the_same_console_and_less_memory(system, machine):
    loader = whole(system).boot(machine)
    system.linker = "pack"
    packed = system.boot(machine)
    assert packed.failures == [] and console(packed) == console(loader)
    # RELRO pages are the image's own, shared by all.
    before, after = private_pages(loader), private_pages(packed)
    assert all(after[name] < before[name] for name in ("names", "console", "files", "greet", "audit"))
    assert packed.state.frames_used <= loader.state.frames_used - 10 * len(after)


def test_every_library_has_one_address(system):
    system.linker = "pack"
    report = whole(system).boot().report
    bases = {}
    for view in report.processes:
        for module in view.modules:
            bases.setdefault(module.file.name, set()).add(module.base)
    assert len(bases["lib/libc.so"]) == 1
    assert {name: len(found) for name, found in bases.items()} == dict.fromkeys(bases, 1)


def test_a_mixed_image(system, machine):
    """Two by the packer, the rest by the loader; who is started later shares with both."""
    result = whole(system, names="pack", greet="pack").boot(machine)
    assert result.outcome.verdict is Verdict.PASS and result.failures == []
    bases = {view.process.name: {m.file.name: m.base for m in view.modules} for view in result.report.processes}
    assert bases["names"]["lib/libc.so"] == bases["greet"]["lib/libc.so"]
    assert len({bases[name]["lib/libc.so"] for name in ("names", "console", "files", "audit")}) == 4
    # One set of frames of each library: verify_system fails otherwise, as its own tests show.
    libc = next(use for use in result.report.files if use.name == "lib/libc.so")
    assert len(libc.processes) == 5


def test_seeds(system):
    system.linker = "pack"
    whole(system)

    def packed(seed):
        system.seed = seed
        return system.pack().read_bytes()

    one, two = packed(1), packed(2)
    assert one != two and packed(1) == one and packed(2) == two
    assert packed(None) == packed(None)
    system.boot()


def mapping(index):
    return prelink.PACKED.size + prelink.MAPPING.size * index


@pytest.mark.parametrize(
    "what, message",
    [
        ("clash", r"loader: greet: \S+ cannot be mapped at 0x[0-9a-f]+, where something else is, status -?\d+"),
        ("magic", "loader: greet: pack/greet cannot be used: pack the image again"),
        ("file", "loader: greet: pack/greet cannot be used: pack the image again"),
        ("length", "loader: greet: pack/greet cannot be used: pack the image again"),
        ("block", "loader: greet: pack/greet cannot be used: pack the image again"),
    ],
)
def test_a_record_that_cannot_be_used(system, build, what, message):
    """It names the file; the rest of the system comes up; the verdict is a failure."""
    system.linker = "pack"
    path = whole(system).pack()
    image = read(path)
    record = bytearray(image.archive.contents(image.archive.file("pack/greet")))
    first, second = mapping(0), mapping(1)
    if what == "clash":
        record[second : second + 8] = record[first : first + 8]
    elif what == "magic":
        record[0] ^= 1
    elif what == "file":
        struct.pack_into("<I", record, first + 32, 1000)
    elif what == "length":
        struct.pack_into("<Q", record, first + 8, 1 << 40)
    elif what == "block":
        struct.pack_into("<Q", record, 7 * 8, len(record))
    contents = {file.name: (file.kind, image.archive.contents(file)) for file in image.archive.files}
    repack(build, image, contents | {"pack/greet": (FileKind.PACKED, bytes(record))})
    result = boot(build, path)
    text = result.outcome.text
    assert any(re.fullmatch(message, line) for line in text), text
    assert result.outcome.verdict is Verdict.FAIL
    assert any(line.startswith("audit: fortune ran") for line in text)
    assert "loader: every program of the manifest ended: failed" in text


def test_altered_pages(system, build):
    system.linker = "pack"
    path = whole(system, names="loader", console="loader", files="loader", audit="loader").pack()
    image = read(path)
    data = bytearray(path.read_bytes())
    data[image.archive_offset + image.archive.file("pack/pages").offset + 8] ^= 1
    path.write_bytes(data)
    result = boot(build, path)
    assert "kernel: pack/pages: page 0 is damaged: the boot image was altered" in result.outcome.text
    assert result.outcome.verdict is Verdict.FAIL
    assert any(line.startswith("audit: names") for line in result.outcome.text)


def test_a_program_without_its_library(system, build, tmp_path):
    """Found when the image is packed: nothing is written."""
    other = tmp_path / "tree"
    for folder in ("services", "lib"):
        shutil.copytree(build / folder, other / folder, ignore=shutil.ignore_patterns("*.debug", "*.a"))
    shutil.copy(build / "kernel", other)
    (other / "lib/libposix.so").unlink()
    system.build, system.linker = other, "pack"
    with pytest.raises(Exception, match=r"needs libposix\.so, and .*libposix\.so is not there"):
        system.program("test-exit").pack()
    assert not (system.folder / "system.img").exists()


def test_only_what_depends_on_addresses_moves(system, build):
    """A library that grows within its slot moves no other."""
    system.linker, system.seed = "pack", 7
    image = read(whole(system).pack())
    contents = {file.name: (file.kind, image.archive.contents(file)) for file in image.archive.files}
    closures = {"services/greet": prelink.modules_of(system.folder, contents, "services/greet")}
    libc = next(each for each in closures["services/greet"] if each.name == "libc.so")

    def grown():
        """Addresses after one more page of libc."""
        libc.loads[-1] = replace(libc.loads[-1], memory_size=libc.loads[-1].memory_size + PAGE_SIZE)
        return prelink.place(closures, PAGE_SIZE, 7)

    before = prelink.place(closures, PAGE_SIZE, 7)
    steps = [grown() for _ in range(3 * prelink.SLOT // PAGE_SIZE)]
    moves = [step for step, (one, other) in enumerate(pairwise([before, *steps])) if one != other]
    # Each slot takes four fifths of its pages before the next one is begun.
    assert 3 <= len(moves) <= 4 and all(other - one >= 12 for one, other in pairwise(moves)), moves
    # Who lies before it never moves.
    assert all(
        bias == before.biases[name] for name, bias in steps[-1].biases.items() if bias <= before.biases["lib/libc.so"]
    )


def test_only_programs_that_need_what_changed_are_linked_again(system, tmp_path):
    system.linker, system.seed = "pack", 7
    archive = read(whole(system).pack()).archive
    files = {
        file.name: (file.kind, archive.contents(file)) for file in archive.files if not file.name.startswith("pack/")
    }
    programs = [f"services/{name}" for name in ("names", "console", "greet", "files", "audit", "fortune")]

    def link(store, contents):
        before = store.linked, store.taken
        added = prelink.prelink(tmp_path, contents, [(name, ()) for name in programs], 7, store)
        return added, (store.linked - before[0], store.taken - before[1])

    store = Store(tmp_path / "linked")
    first, counts = link(store, files)
    assert counts == (6, 0)
    assert link(store, files) == (first, (0, 6))
    # What was taken over is what linking gives.
    assert link(Store(None), files) == (first, (6, 0))

    kind, data = files["lib/libdigest.so"]
    changed = bytearray(data)
    changed[-1] ^= 1
    second, counts = link(store, files | {"lib/libdigest.so": (kind, bytes(changed))})
    users = [
        name for name in programs if any(i.name == "libdigest.so" for i in prelink.modules_of(tmp_path, files, name))
    ]
    assert 0 < len(users) < 6 and counts == (len(users), 6 - len(users))
    assert second == link(Store(None), files | {"lib/libdigest.so": (kind, bytes(changed))})[0]

    damaged = next(iter(store.folder.iterdir()))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert link(store, files)[0] == first
